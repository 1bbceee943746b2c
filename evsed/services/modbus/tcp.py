"""One TCP connection: bytes to requests, answers to bytes, in order.

Source: modbus.md section 7.
"""

import asyncio
import contextlib
import socket
from typing import Final, Protocol

from evsed.services.modbus.desk import Desk
from evsed.services.modbus.mbap import Frame, FrameCutter, OutOfStepError, envelope
from evsed.services.modbus.pdu import Write

#: Answered besides the configured unit: what clients send to a device they know by its address.
_ANY_UNIT: Final = (0, 255)
#: Requests answered before others get their turn, and requests kept while one is being written.
_AT_ONCE: Final = 16
_IDLE_S: Final = 300.0
_UNFINISHED_S: Final = 5.0
_UNREAD_S: Final = 10.0
_KEEPALIVE_S: Final = 60


class Hall(Protocol):
    """What a connection needs of the service it belongs to."""

    desk: Desk

    def admit(self, connection: "Connection") -> bool:
        """Return whether a new connection may stay."""

    def gone(self, connection: "Connection") -> None:
        """A connection has ended."""


class Connection(asyncio.BufferedProtocol):
    """A client. Ended by ``look_after`` when nothing sensible comes from it."""

    def __init__(self, hall: Hall) -> None:
        self._hall, self._desk = hall, hall.desk
        self._loop = asyncio.get_running_loop()
        self._cutter = FrameCutter(_AT_ONCE)
        self._transport: asyncio.Transport | None = None
        self._write: asyncio.Task[bytes] | None = None
        self._reading = True
        self._unread_since: float | None = None
        self._unfinished_since: float | None = None
        #: when the newest complete request came, or the connection
        self.used_s = self._loop.time()
        #: the address of the other side
        self.peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Stay, or be sent away."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # TCP has no other
        self._transport = transport
        self.peer = (transport.get_extra_info("peername") or ("?",))[0].removeprefix("::ffff:")
        if not self._hall.admit(self):
            transport.close()
            return
        # Told at once when the other side does not read.
        transport.set_write_buffer_limits(high=0)
        _keep_alive(transport.get_extra_info("socket"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it; a write that is under way is carried out all the same."""
        del exc
        self._transport = None
        self._hall.gone(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go."""
        del sizehint
        return self._cutter.free()

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have come."""
        self._cutter.added(nbytes)
        self._turn()

    def pause_writing(self) -> None:
        """The other side does not read: answer nothing more until it does."""
        self._unread_since = self._loop.time()

    def resume_writing(self) -> None:
        """It reads again."""
        self._unread_since = None
        self._loop.call_soon(self._turn)

    def look_after(self, now_s: float) -> None:
        """End the connection when it is idle, stuck in a request, or does not read answers."""
        if (
            now_s - self.used_s > _IDLE_S
            or _older(self._unfinished_since, now_s, _UNFINISHED_S)
            or _older(self._unread_since, now_s, _UNREAD_S)
        ):
            self.end()

    def end(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _turn(self) -> None:
        """Answer what is there; not all of it if that is much."""
        transport = self._transport
        if transport is None or self._held():
            return
        answers: list[bytes] = []
        try:
            more = self._answer(answers)
        except OutOfStepError:
            transport.write(b"".join(answers))
            transport.close()
            return
        if answers:
            transport.write(answers[0] if len(answers) == 1 else b"".join(answers))
        if more:
            self._loop.call_soon(self._turn)
        wanted = not more and not self._held()
        if wanted is not self._reading:
            self._read(transport, wanted=wanted)

    def _held(self) -> bool:
        """Whether nothing can be answered now."""
        return self._write is not None or self._unread_since is not None

    def _answer(self, answers: list[bytes]) -> bool:
        """Collect answers; return whether there may be more to do at once."""
        cutter, desk = self._cutter, self._desk
        now = desk.look()
        unit_id = now.unit_id
        taken = 0
        while cutter.waiting and taken < _AT_ONCE:
            frame = cutter.take()
            if frame is None:
                break
            taken += 1
            if frame.unit != unit_id and frame.unit not in _ANY_UNIT:
                continue
            done = desk.answer(frame.pdu, now)
            if isinstance(done, Write):
                self._begin(frame, done)
                break
            answers.append(envelope(frame, done))
        self._note_age(fresh=taken > 0)
        return taken == _AT_ONCE and self._write is None

    def _note_age(self, *, fresh: bool) -> None:
        """Remember since when there is an unfinished request; ``fresh``: one was completed."""
        now_s = self._loop.time()
        if fresh:
            self.used_s = now_s
            self._unfinished_since = None
        if not self._cutter.waiting or self._write is not None:
            self._unfinished_since = None
        elif self._unfinished_since is None:
            self._unfinished_since = now_s

    def _begin(self, frame: Frame, write: Write) -> None:
        """Carry a write out; what follows it waits."""
        task = self._loop.create_task(self._desk.carry_out(write, self.peer))
        task.add_done_callback(lambda done: self._finish(frame, done))
        self._write = task

    def _finish(self, frame: Frame, done: asyncio.Task[bytes]) -> None:
        self._write = None
        if self._transport is not None and not done.cancelled():
            self._transport.write(envelope(frame, done.result()))
            self._turn()

    def _read(self, transport: asyncio.Transport, *, wanted: bool) -> None:
        self._reading = wanted
        if wanted:
            transport.resume_reading()
        else:
            transport.pause_reading()


def _older(since_s: float | None, now_s: float, age_s: float) -> bool:
    return since_s is not None and now_s - since_s > age_s


def _keep_alive(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be gone already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_S // 4)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
