"""Calls to the services of the operating system over the system's D-Bus.

Only ``Message``, ``Variant`` and ``MessageBus.call`` are used of dbus-fast: they are the same from
Debian 12's version to the newest. Source: platform.md section 3.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from evsed.errors import HardwareError

#: As long as other clients wait; a service may have to be started first.
_CALL_S: Final = 25.0
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
#: Error names that say that nobody is there, rather than that somebody refused.
_NOBODY: Final = frozenset(
    f"org.freedesktop.DBus.Error.{name}"
    for name in ("ServiceUnknown", "NameHasNoOwner", "Disconnected", "Spawn.ServiceNotFound")
)


class BusError(HardwareError):
    """A service refused.

    Args:
        reason: one sentence.
        name: D-Bus's name of the error; empty when the bus itself failed.
    """

    def __init__(self, reason: str, name: str = "") -> None:
        super().__init__(reason)
        self.name = name


class BusAbsentError(BusError):
    """There is no bus, or nobody on it who could be asked."""


@dataclass(frozen=True, slots=True)
class Remote:
    """An object of another process: who has it on the bus, and its path."""

    service: str
    path: str


_BUS: Final = Remote("org.freedesktop.DBus", "/org/freedesktop/DBus")


class SystemBus:
    """One connection, made when it is needed and again after it was lost.

    Args:
        address: another bus than the system's, in tests.
        call_s: longest wait for an answer.
    """

    def __init__(self, address: str | None = None, call_s: float = _CALL_S) -> None:
        self._address, self._call_s = address, call_s
        self._connecting = asyncio.Lock()
        self._bus: MessageBus | None = None
        self._watch: asyncio.Task[None] | None = None

    async def call(self, remote: Remote, method: str, signature: str = "", *body: Any) -> Any:
        """Call a method; return its values without D-Bus's wrappers, a single one by itself.

        Args:
            remote: the object.
            method: interface and name, with a dot between.
            signature: D-Bus types of the arguments.
            body: the arguments.

        Raises:
            BusAbsentError: no bus, or no such service on it.
            BusError: the service refused, or did not answer; or a text is not ASCII.
        """
        if not _is_ascii(body):
            raise BusError(f"{remote.service}: a text beyond ASCII has to be sent as bytes")
        interface, _, member = method.rpartition(".")
        message = Message(
            destination=remote.service,
            path=remote.path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        reply = await self._answered(message)
        if reply.message_type is MessageType.ERROR:
            raise _error_of(reply)
        values = [plain(value) for value in reply.body]
        return values[0] if len(values) == 1 else values

    async def get(self, remote: Remote, name: str) -> Any:
        """Return one property; ``name`` is interface and name, with a dot between.

        Raises:
            BusError: as ``call``.
        """
        interface, _, short = name.rpartition(".")
        return await self.call(remote, f"{_PROPERTIES}.Get", "ss", interface, short)

    async def get_all(self, remote: Remote, interface: str) -> dict[str, Any]:
        """Return all properties of an interface.

        Raises:
            BusError: as ``call``.
        """
        found: dict[str, Any] = await self.call(remote, f"{_PROPERTIES}.GetAll", "s", interface)
        return found

    async def put(self, remote: Remote, name: str, value: Variant) -> None:
        """Set one property.

        Raises:
            BusError: as ``call``.
        """
        interface, _, short = name.rpartition(".")
        await self.call(remote, f"{_PROPERTIES}.Set", "ssv", interface, short, value)

    async def has(self, service: str) -> bool:
        """Tell whether a service is on the bus now; asking does not start it.

        Raises:
            BusError: as ``call``.
        """
        return bool(await self.call(_BUS, f"{_BUS.service}.NameHasOwner", "s", service))

    def close(self) -> None:
        """Leave the bus."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()

    async def _answered(self, message: Message) -> Message:
        bus = await self._connected()
        try:
            async with asyncio.timeout(self._call_s):
                reply = await bus.call(message)
        except TimeoutError:
            if not bus.connected:
                raise BusAbsentError("D-Bus: the connection was lost") from None
            what = f"{message.destination}: {message.member}"
            raise BusError(f"{what}: no answer within {self._call_s:g} s") from None
        except (OSError, EOFError) as error:
            raise BusAbsentError(f"D-Bus: the connection was lost: {error}") from error
        if reply is None:
            raise BusAbsentError("D-Bus: the connection was lost")
        return reply

    async def _connected(self) -> MessageBus:
        async with self._connecting:
            if self._bus is not None and self._bus.connected:
                return self._bus
            self.close()
            try:
                async with asyncio.timeout(self._call_s):
                    bus = MessageBus(bus_address=self._address, bus_type=BusType.SYSTEM)
                    self._bus = await bus.connect()
            except Exception as error:  # whatever the library makes of a bus that is not there
                raise BusAbsentError(f"D-Bus: not reachable: {error}") from error
            self._watch = asyncio.create_task(_noticed(self._bus))
            return self._bus


def plain(value: Any) -> Any:
    """Return a value without the wrappers that carry D-Bus's types."""
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def _is_ascii(value: Any) -> bool:
    """Tell whether every text in a value is ASCII.

    dbus-fast 1.84 (Debian 12) counts characters where D-Bus counts bytes: one letter with an accent
    and the bus closes the connection.
    """
    if isinstance(value, Variant):
        return _is_ascii(value.value)
    if isinstance(value, dict):
        return all(_is_ascii(one) for item in value.items() for one in item)
    if isinstance(value, list | tuple):
        return all(_is_ascii(one) for one in value)
    return not isinstance(value, str) or value.isascii()


async def _noticed(bus: Any) -> None:
    """Take note of the end of a connection, which would otherwise be reported as forgotten."""
    with contextlib.suppress(Exception):
        await bus.wait_for_disconnect()
    # Debian 12's library leaves this to the garbage collector.
    bus._sock.close()  # noqa: SLF001


def _error_of(reply: Message) -> BusError:
    name = reply.error_name or ""
    text = next((one for one in reply.body if isinstance(one, str)), "") or name
    kind = BusAbsentError if name in _NOBODY else BusError
    return kind(f"{text.rstrip('.')} ({name.rpartition('.')[2]})", name)
