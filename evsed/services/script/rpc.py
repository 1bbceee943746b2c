"""Carries out what a script asks for, as if it had come over REST. Source: lua.md section 12.4."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

from evsed.errors import EvsedError, RejectedError, StorageError
from evsed.host.pace import Allowance
from evsed.operations.operations import Operations
from evsed.services.script.calls import INVALID, SETTERS, BadValueError, Setter, checked_lease
from evsed.services.script.parameters import Parameters
from evsed.services.script.state import script_state

_SOURCE: Final = "script"
#: Whose answers bring what the getters read: a picture for every byte of a port would be too much.
_SHOWING: Final = ("snapshot", "evse.", "energymeter.")
_CALLS_PER_S: Final = 2000
_BURST: Final = 200
_FLUSH_S: Final = 1.0
#: What one call may write to the serial port, in pieces of so many bytes.
_MOST_WRITTEN: Final = 16 * 1024
_PIECE: Final = 1024
#: How long a script waits for room on that port.
_ROOM_S: Final = 1.0
_LOOK_S: Final = 0.01

Answer = dict[str, Any]

_log = logging.getLogger(__name__)


class SerialPort(Protocol):
    """A serial port in mode ``script``, taken by one script."""

    def read(self) -> bytes:
        """Return at most 256 bytes; empty when there are none."""

    def write(self, data: bytes) -> bool:
        """Send; False when there is no room."""

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything is on the wire."""

    def release(self) -> None:
        """Let somebody else have it."""


class SerialPorts(Protocol):
    """Where that port comes from."""

    def open(self) -> SerialPort | None:
        """Return the port, or None when there is none or somebody has it."""


class Brokers(Protocol):
    """MQTT connections of scripts; a client is a number."""

    def client(
        self, component: str | None, uri: str, user: str | None, password: str | None
    ) -> int:
        """Make a client; ``RejectedError`` for an address nobody can use."""

    def connect(self, number: int) -> None:
        """Begin to connect."""

    def disconnect(self, number: int) -> None:
        """Disconnect."""

    def state(self, number: int) -> str:
        """Return ``connected``, ``connecting`` or ``disconnected``."""

    def subscribe(self, number: int, topic_filter: str) -> None:
        """Subscribe now and after every reconnect."""

    def unsubscribe(self, number: int, topic_filter: str) -> None:
        """Unsubscribe."""

    def publish(self, number: int, topic: str, data: bytes, qos: int, retain: bool) -> None:
        """Send a message, or keep it until there is a connection."""

    def close(self, number: int) -> None:
        """Forget a client."""

    def release(self, component: str) -> None:
        """Forget the clients of a component."""

    def close_all(self) -> None:
        """Forget all clients."""

    def took(self, count: int) -> None:
        """Note that the worker has taken messages, so that more may come."""

    async def ended(self) -> None:
        """Wait a moment until the brokers have been told goodbye."""


class Calls:
    """The table of calls, for one worker after the other.

    Args:
        operations: what the charger can be asked for.
        parameters: values of components.
        ports: the serial port for scripts.
        brokers: MQTT.
        say: takes a line for the user.
    """

    def __init__(
        self,
        operations: Operations,
        parameters: Parameters,
        ports: SerialPorts,
        brokers: Brokers,
        say: Callable[[str], None],
    ) -> None:
        self._operations, self._parameters = operations, parameters
        self._ports, self._brokers = ports, brokers
        self._say = say
        self._port: SerialPort | None = None
        self._port_owner: str | None = None
        self._port_number = 0
        self._allowance = Allowance(_CALLS_PER_S, _BURST)
        self._table: dict[str, Callable[..., Awaitable[tuple[Any, ...]]]] = {
            "snapshot": self._nothing,
            "stored": self._stored,
            "release": self._release,
            "evse.authorize": self._authorize,
            "evse.lease": self._lease,
            "energymeter.resettotalconsumption": self._reset_energy,
            "aux.read": self._aux_read,
            "aux.analogread": self._aux_analog,
            "aux.write": self._aux_write,
            "serial.read": self._read,
            "serial.write": self._write,
            "serial.flush": self._flush,
            "serial.close": self._close,
        }

    def state(self) -> dict[str, Any]:
        """Return what the getters read."""
        picture = self._operations.picture()
        return script_state(picture.snapshot, picture.settings.evse, picture.board)

    async def answer(self, name: str, arguments: Sequence[Any], component: str | None) -> Answer:
        """Carry out one call; whatever goes wrong is a sentence for the script."""
        pause_s = self._allowance.spend()
        if pause_s:
            await asyncio.sleep(pause_s)
        try:
            values = await self._carry_out(name, list(arguments), component)
        except BadValueError as error:
            return {"ok": False, "e": str(error), "arg": error.place}
        except EvsedError as error:
            text = error.reason if isinstance(error, RejectedError) else str(error)
            return {"ok": False, "e": text}
        except TimeoutError:
            return {"ok": False, "e": "the station did not answer in time"}
        except (TypeError, ValueError, IndexError, KeyError):
            return {"ok": False, "e": "bad arguments"}
        answer: Answer = {"ok": True, "v": list(values)}
        if name.startswith(_SHOWING):
            answer["state"] = self.state()
        return answer

    def release_all(self) -> None:
        """Free everything scripts have opened."""
        self._release_port()
        self._brokers.close_all()

    def took(self, count: int) -> None:
        """Note that the worker has taken messages of brokers."""
        self._brokers.took(count)

    async def fall_back(self, component: str | None = None) -> None:
        """Let leases of a component that is gone fall back, or, without one, those of all."""
        try:
            await self._operations.limits.scripts_ended(component, source=_SOURCE)
        except (EvsedError, TimeoutError) as error:
            # They fall back all the same, when their time is up.
            _log.warning("script: leases wait for their end: %s", str(error) or "no answer")

    async def end(self) -> None:
        """Free everything, and say goodbye; for the end of the daemon."""
        self.release_all()
        await self._brokers.ended()

    async def _carry_out(
        self, name: str, arguments: list[Any], component: str | None
    ) -> tuple[Any, ...]:
        if name in SETTERS:
            return await self._set(SETTERS[name], *arguments)
        if name.startswith("mqtt."):
            return self._mqtt(name.partition(".")[2], arguments, component)
        if name == "serial.open":
            return self._open(component, *arguments)
        if name == "evse.lease":
            return await self._lease(component, *arguments)
        work = self._table.get(name)
        if work is None:
            raise RejectedError(f"{name[:40]} is not known")
        return await work(*arguments)

    async def _set(self, setter: Setter, value: Any) -> tuple[()]:
        module = setter.name.partition(".")[0]
        checked = setter.check(value, self.state()[module])
        change = setter.change(checked)
        try:
            # What a script changes all the time would wear out the card.
            await self._operations.write([change], source=_SOURCE, durable=False)
        except RejectedError as error:
            raise BadValueError(INVALID) from error
        return ()

    async def _nothing(self) -> tuple[()]:
        return ()

    async def _stored(self, component: str) -> tuple[dict[str, str]]:
        try:
            return (await asyncio.to_thread(self._parameters.of, component),)
        except StorageError as error:
            self._say(f"{error}; the defaults are used")
            return ({},)

    async def _release(self, component: str) -> tuple[()]:
        if self._port_owner == component:
            self._release_port()
        self._brokers.release(component)
        await self.fall_back(component)
        return ()

    async def _lease(
        self, component: str | None, seconds: Any, fallback_a: Any = None
    ) -> tuple[()]:
        lease = checked_lease(seconds, fallback_a, self.state()["evse"])
        await self._operations.limits.lease(component, *lease, source=_SOURCE)
        return ()

    async def _authorize(self) -> tuple[()]:
        await self._operations.authorize(source=_SOURCE)
        return ()

    async def _reset_energy(self) -> tuple[()]:
        await self._operations.reset_energy(source=_SOURCE)
        return ()

    async def _aux_read(self, name: str) -> tuple[bool]:
        return (await self._aux(self._operations.aux.read(name), "unknow input name"),)

    async def _aux_analog(self, name: str) -> tuple[int]:
        return (await self._aux(self._operations.aux.analog_mv(name), "unknow input name"),)

    async def _aux_write(self, name: str, on: bool) -> tuple[()]:
        await self._aux(self._operations.aux.write(name, on=bool(on)), "unknow output name")
        return ()

    async def _aux(self, work: Awaitable[Any], unknown: str) -> Any:
        try:
            return await work
        except RejectedError:
            raise BadValueError(unknown) from None
        except EvsedError:
            raise BadValueError("aux read failed") from None

    def _open(self, component: str | None, which: Any = None) -> tuple[int | None]:
        """Take the port; each time it has another number, so that old handles reach nothing."""
        if self._port is not None or not self._is_meant(which):
            return (None,)
        self._port = self._ports.open()
        if self._port is None:
            return (None,)
        self._port_owner = component
        self._port_number += 1
        return (self._port_number,)

    def _is_meant(self, which: Any) -> bool:
        """Tell whether a script means the one port in mode ``script`` by a number or a name."""
        if which is None or which == 1:
            return True
        serial = self._operations.picture().settings.serial
        ports = zip(self._operations.board.serials, serial, strict=False)
        return _text(str(which)) in [port.name for port, how in ports if how.mode == "script"]

    async def _read(self, number: int) -> tuple[str | None]:
        data = self._taken_port(number).read()
        return (data.decode("latin-1") if data else None,)

    async def _write(self, number: int, text: str) -> tuple[()]:
        """Send; when there is no room the script waits, for a second at most."""
        data = text.encode("latin-1")
        if len(data) > _MOST_WRITTEN:
            raise BadValueError("serial error")
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + _ROOM_S
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            while not self._taken_port(number).write(piece):
                if loop.time() > give_up_s:
                    raise BadValueError("serial error")
                await asyncio.sleep(_LOOK_S)
        return ()

    async def _flush(self, number: int) -> tuple[()]:
        await self._taken_port(number).flush(_FLUSH_S)
        return ()

    async def _close(self, number: int) -> tuple[()]:
        if self._port is not None and number == self._port_number:
            self._release_port()
        return ()

    def _taken_port(self, number: int) -> SerialPort:
        if self._port is None or number != self._port_number:
            raise BadValueError("serial error")
        return self._port

    def _release_port(self) -> None:
        if self._port is not None:
            self._port.release()
        self._port = self._port_owner = None

    def _mqtt(self, name: str, arguments: list[Any], component: str | None) -> tuple[Any, ...]:
        brokers = self._brokers
        if name == "client":
            uri, user, password = map(_text, (*arguments, None, None)[:3])
            return (brokers.client(component, uri or "", user, password),)
        number, *rest = arguments
        if name == "state":
            return (brokers.state(int(number)),)
        if name == "publish":
            topic, data, qos, retain = rest
            topic = _text(topic) or ""
            brokers.publish(int(number), topic, data.encode("latin-1"), int(qos), bool(retain))
            return ()
        if name in {"subscribe", "unsubscribe"}:
            topic_filter = _text(rest[0]) or ""
            getattr(brokers, name)(int(number), topic_filter)
            return ()
        if name in {"connect", "disconnect", "close"}:
            getattr(brokers, name)(int(number))
            return ()
        raise RejectedError(f"mqtt.{name[:40]} is not known")


def _text(lua_text: str | None) -> str | None:
    """Return a text of Lua, whose characters are the bytes of UTF-8."""
    return None if lua_text is None else lua_text.encode("latin-1").decode(errors="replace")
