"""The GPIO daemon's socket: frames in, answers and reports out, and the faults tests ask for.

Source: pigpiod-protocol.md sections 1, 2 and 5.
"""

import asyncio
import errno
import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from evsed.errors import RejectedError
from evsed.hardware.simulator.gpio_daemon import NO_HANDLE, UNKNOWN_COMMAND, GpioDaemon
from evsed.hardware.simulator.live import LiveCircuit

_HEADER = struct.Struct("<IIII")
_LONGEST_EXTENSION = 65_535
_OPEN_IN_BAND = 99
_SHORT_ANSWER = 8
_PORT_TRIES = 20
_MASK = 0xFFFFFFFF


@dataclass(slots=True)
class Faults:
    """What goes wrong on purpose. Wire names in ``PigpioServer.set_faults``."""

    refuse: bool = False
    wrong_echo: bool = False
    short_answer: bool = False
    unknown_command: int | None = None
    lose_reports: bool = False


_FLAGS = {
    "refuse": "refuse",
    "wrongEcho": "wrong_echo",
    "shortAnswer": "short_answer",
    "loseReports": "lose_reports",
}
_LONGEST_STALL_MS = 60_000
_HIGHEST_COMMAND = 119


class PigpioServer:
    """Listens on both loopback addresses, one port."""

    def __init__(self, live: LiveCircuit, daemon: GpioDaemon) -> None:
        self.live = live
        self.daemon = daemon
        self.faults = Faults()
        self.stalled_until_s = 0.0
        self.port = 0
        self.connections: set[_Connection] = set()
        #: reports on their way; filled by whoever moves the circuit, emptied on the loop
        self.outbox: deque[tuple[_Connection, bytes]] = deque()
        self._servers: list[asyncio.Server] = []

    async def start(self, port: int = 0) -> int:
        """Listen; return the port."""
        for _ in range(_PORT_TRIES):
            try:
                return await self._listen(port)
            except OSError as error:
                if port or error.errno != errno.EADDRINUSE:
                    raise
        raise OSError(errno.EADDRINUSE, "no port free on both loopback addresses")

    async def _listen(self, port: int) -> int:
        loop = asyncio.get_running_loop()
        first = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port)
        found = int(first.sockets[0].getsockname()[1])
        self._servers = [first]
        try:
            self._servers.append(await loop.create_server(lambda: _Connection(self), "::1", found))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                self._close_servers()
                raise
        self.port = found
        return found

    def stop(self) -> None:
        """Stop listening and close every connection; the daemon's state stays."""
        self._close_servers()
        self.close_all()

    def close_all(self) -> None:
        """Close every connection."""
        for connection in list(self.connections):
            connection.abort()

    def waits(self) -> bool:
        """Return whether reports wait; on any thread."""
        return bool(self.outbox)

    def flush(self) -> None:
        """Send the reports that wait. On the loop only."""
        while self.outbox:
            connection, report = self.outbox.popleft()
            connection.send(report)

    async def set_faults(self, changes: object) -> None:
        """Change what goes wrong.

        Raises:
            RejectedError: a key is unknown or a value not permitted; nothing has changed.
        """
        checked = checked_faults(changes)
        stall_ms = checked.pop("stallMs", None)
        close_all = checked.pop("closeAll", False)
        for name, value in checked.items():
            setattr(self.faults, name, value)
        self.daemon.reports.lose = self.faults.lose_reports
        if stall_ms is not None:
            self.stalled_until_s = asyncio.get_running_loop().time() + stall_ms / 1000
        if close_all:
            self.close_all()
        if self.faults.refuse:
            self._close_servers()
        elif not self._servers:
            await self._listen(self.port)

    def shown_faults(self) -> dict[str, object]:
        """Return what goes wrong."""
        left_s = self.stalled_until_s - asyncio.get_running_loop().time()
        flags = {wire: getattr(self.faults, name) for wire, name in _FLAGS.items()}
        return flags | {
            "unknownCommand": self.faults.unknown_command,
            "stallMs": max(round(left_s * 1000), 0),
            "connections": len(self.connections),
        }

    def _close_servers(self) -> None:
        for server in self._servers:
            server.close()
        self._servers = []


def checked_faults(changes: object) -> dict[str, int | None]:
    """Return what to change, by attribute.

    Raises:
        RejectedError: a key is unknown or a value not permitted.
    """
    if not isinstance(changes, Mapping):
        raise RejectedError("must be an object", key="pigpiod")
    found: dict[str, int | None] = {}
    for key, value in changes.items():
        name = f"pigpiod.{key}"
        if key in _FLAGS or key == "closeAll":
            if not isinstance(value, bool):
                raise RejectedError("must be true or false", key=name)
            found[_FLAGS.get(str(key), str(key))] = value
        elif key == "stallMs":
            found[key] = _whole(value, _LONGEST_STALL_MS, name)
        elif key == "unknownCommand":
            found["unknown_command"] = (
                None if value is None else _whole(value, _HIGHEST_COMMAND, name)
            )
        else:
            known = ", ".join([*_FLAGS, "closeAll", "stallMs", "unknownCommand"])
            raise RejectedError(f"unknown; known are {known}", key=name)
    return found


def _whole(value: object, high: int, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:
        raise RejectedError(f"must be a whole number from 0 to {high}", key=name)
    return value


class _Connection(asyncio.Protocol):
    def __init__(self, server: PigpioServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._handles: set[int] = set()
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream, by construction
        self._transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._server.connections.discard(self)
        with self._server.live:
            for handle in self._handles:
                self._server.daemon.reports.close(handle)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._work()

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _work(self) -> None:
        if self._waiting:
            return
        while len(self._buffer) >= _HEADER.size:
            if self._stalled():
                return
            command, p1, p2, length = _HEADER.unpack_from(self._buffer)
            if length > _LONGEST_EXTENSION:
                self.abort()
                return
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            extension, self._buffer = self._buffer[_HEADER.size : end], self._buffer[end:]
            self._answer(command, p1, p2, extension)

    def _stalled(self) -> bool:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._server.stalled_until_s:
            return False
        self._waiting = True
        loop.call_at(self._server.stalled_until_s, self._resume)
        return True

    def _resume(self) -> None:
        self._waiting = False
        if self._transport is not None:
            self._work()

    def _answer(self, command: int, p1: int, p2: int, extension: bytes) -> None:
        faults = self._server.faults
        result: int | tuple[int, bytes]
        with self._server.live:
            if command == faults.unknown_command:
                result = UNKNOWN_COMMAND
            elif command == _OPEN_IN_BAND:
                result = self._open_in_band()
            else:
                result = self._server.daemon.execute(command, p1, p2, extension)
            code, data = result if isinstance(result, tuple) else (result, b"")
            echo = command ^ 1 if faults.wrong_echo else command
            answer = _HEADER.pack(echo, p1, p2, code & _MASK) + data
            self.send(answer[:_SHORT_ANSWER] if faults.short_answer else answer)

    def _open_in_band(self) -> int:
        def report(data: bytes) -> None:
            self._server.outbox.append((self, data))

        handle = self._server.daemon.reports.open(report)
        if handle is None:
            return NO_HANDLE
        self._handles.add(handle)
        return handle
