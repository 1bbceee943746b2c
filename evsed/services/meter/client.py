"""The one file that touches pymodbus's client: versions 3.0 to 3.16.

Debian 12 has 3.0.0, where the unit is called ``slave`` and framers are classes; 3.10 calls it
``device_id``, and framers are words since 3.7. The blocking client is used, on the meter's own
thread: it waits in the system, not in the interpreter. pymodbus is imported there, and only when
a meter is configured.
"""

import importlib
import inspect
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from evsed.errors import HardwareError

#: whole seconds: all that pymodbus 3.0 takes
_TIMEOUT_S: Final = 1
_UNIT_WORDS: Final = ("device_id", "slave", "unit")
_READERS: Final = {3: "read_holding_registers", 4: "read_input_registers"}
_DRAIN_BYTES: Final = 4096


class MeterSilentError(HardwareError):
    """The meter does not answer, or with an error."""


class MissingLibraryError(HardwareError):
    """pymodbus is not installed."""


class Client(Protocol):
    """Reads registers of one unit; belongs to one thread."""

    def read(self, function: int, address: int, count: int) -> Sequence[int]:
        """Return registers.

        Raises:
            MeterSilentError: there is no good answer.
        """

    def close(self) -> None:
        """Close the connection; the next ``read`` opens it again."""


class TcpClient:
    """A ``Client`` over Modbus TCP."""

    def __init__(self, host: str, port: int, unit: int) -> None:
        self._host, self._port = host, port
        self._asked = _Asked(unit)
        self._client: Any = None

    def read(self, function: int, address: int, count: int) -> Sequence[int]:
        """Return registers, connected or not before."""
        if self._client is None:
            self._client = _modbus_tcp_client(self._host, self._port)
        if not _quietly(self._client.connect):
            raise MeterSilentError(f"{self._host}:{self._port}: no connection")
        return self._asked.read(self._client, function, address, count)

    def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError):
                client.close()


class LineClient:
    """A ``Client`` over Modbus RTU; the bytes go to and come from a serial port's session.

    pymodbus would open the device itself and know nothing of RS-485 directions, echoes and
    adapters that come and go; the serial manager does. So it is given a socket instead.
    """

    def __init__(self, connect: Callable[[], socket.socket], unit: int) -> None:
        self._connect = connect
        self._asked = _Asked(unit)
        self._client: Any = None
        self._socket: socket.socket | None = None

    def read(self, function: int, address: int, count: int) -> Sequence[int]:
        """Return registers; what came too late for an earlier request is thrown away."""
        if self._client is None or self._client.socket is None:
            self.close()
            self._socket = self._connect()
            self._client = _modbus_rtu_client()
            self._client.socket = self._socket
        _drain(self._client.socket)
        return self._asked.read(self._client, function, address, count)

    def close(self) -> None:
        """Give the line back."""
        client, self._client = self._client, None
        line, self._socket = self._socket, None
        for one in (client, line):
            if one is not None:
                with suppress(OSError):
                    one.close()


class _Asked:
    """Asks with the words of the installed version."""

    def __init__(self, unit: int) -> None:
        self._unit = unit
        self._word = ""

    def read(self, client: Any, function: int, address: int, count: int) -> Sequence[int]:
        ask = getattr(client, _READERS[function])
        if not self._word:
            known = inspect.signature(ask).parameters
            self._word = next(word for word in _UNIT_WORDS if word in known)
        answer = _quietly(ask, address, count=count, **{self._word: self._unit})
        registers = getattr(answer, "registers", None)
        if answer is None or isinstance(answer, Exception) or answer.isError():
            raise MeterSilentError(f"unit {self._unit}, register {address}: {answer}")
        if not isinstance(registers, list) or len(registers) != count:
            raise MeterSilentError(f"unit {self._unit}, register {address}: a short answer")
        return registers


def _quietly(call: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Call pymodbus; whatever it raises means that there is no good answer.

    What it raises differs by version: its own exceptions, ``OSError``, and others where it
    stumbles over a broken frame.
    """
    own: type[Exception] = _module("pymodbus.exceptions").ModbusException
    try:
        return call(*args, **named)
    except (own, struct.error, OSError, ValueError, LookupError, AttributeError) as error:
        raise MeterSilentError(f"no good answer: {error}") from error


def _module(name: str) -> Any:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise MissingLibraryError(
            "pymodbus is not installed (Debian: python3-pymodbus): an external meter needs it"
        ) from error
    # It reports every failed connection at length; we say it once.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)
    return module


def _modbus_tcp_client(host: str, port: int) -> Any:
    client = _module("pymodbus.client")
    return client.ModbusTcpClient(host, port=port, timeout=_TIMEOUT_S, retries=1)


def _modbus_rtu_client() -> Any:
    client = _module("pymodbus.client")
    framer = getattr(_module("pymodbus"), "FramerType", None)
    rtu = framer.RTU if framer is not None else _module("pymodbus.transaction").ModbusRtuFramer
    return client.ModbusTcpClient("line", framer=rtu, timeout=_TIMEOUT_S, retries=1)


def _drain(line: socket.socket) -> None:
    line.setblocking(False)
    with suppress(BlockingIOError):
        while line.recv(_DRAIN_BYTES):
            pass
