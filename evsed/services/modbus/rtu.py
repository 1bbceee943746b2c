"""Modbus RTU on one serial port, which takes out the echo of what is sent.

Source: modbus.md section 8.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from evsed.host.serial_port import Writer
from evsed.services.modbus.desk import Desk
from evsed.services.modbus.line import LineReader, gap_s, sealed, silence_s
from evsed.services.modbus.pdu import Write

_log = logging.getLogger(__name__)

#: Later than this nobody waits for the answer any more.
_TOO_LATE_S: Final = 0.200
#: Requests that may wait while one is being carried out.
_ROOM: Final = 4
_PEER: Final = "serial line"


class Timer(Protocol):
    """What ``call_later`` returns."""

    def cancel(self) -> None:
        """Do not call."""


class _Asked(NamedTuple):
    """A request, and when its last byte came."""

    unit_id: int
    pdu: bytes
    at_s: float


class RtuSession:
    """The station on a line, as a ``Session`` of a serial port.

    Args:
        desk: answers.
        read_only: nothing can be written from this line.
        clock: seconds, never going back; the event loop's own by default.
        call_later: like the event loop's, which is the default.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        read_only: bool = False,
        clock: Callable[[], float] | None = None,
        call_later: Callable[[float, Callable[[], None]], Timer] | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._desk = desk
        self._read_only = read_only
        self._clock = clock or loop.time
        self._call_later = call_later or loop.call_later
        self._writer: Writer | None = None
        self._line = LineReader()
        self._waiting: deque[_Asked] = deque()
        self._busy = False
        self._heard_s = 0.0
        self._free_s = 0.0
        self._silence: Timer | None = None
        self._sending: Timer | None = None
        self._write: asyncio.Task[bytes] | None = None

    def opened(self, writer: Writer) -> None:
        """The port is open; a station speaks only when it is asked."""
        self._writer = writer

    def received(self, data: bytes) -> None:
        """Bytes arrived, in whatever pieces."""
        writer = self._writer
        if writer is None or not data:
            return
        self._heard_s = self._clock()
        unit_id = self._unit_id
        self._take(self._line.feed(data, unit_id), unit_id)
        if self._silence is not None:
            self._silence.cancel()
        quiet_s = silence_s(writer.baud_rate, writer.bits_per_character, usb=writer.usb)
        self._silence = self._call_later(quiet_s, self._fell_silent)

    async def closed(self, reason: str) -> None:
        """The port is about to close; a write that is under way is carried out all the same."""
        del reason
        self._writer = None
        self._waiting.clear()
        for timer in (self._silence, self._sending):
            if timer is not None:
                timer.cancel()

    @property
    def _unit_id(self) -> int:
        return self._desk.look().unit_id

    def _fell_silent(self) -> None:
        self._silence = None
        unit_id = self._unit_id
        request = self._line.silence(unit_id)
        if request is not None:
            self._take([request], unit_id)

    def _take(self, requests: list[bytes], unit_id: int) -> None:
        for request in requests:
            if len(self._waiting) < _ROOM:
                self._waiting.append(_Asked(unit_id, request, self._heard_s))
        self._next()

    def _next(self) -> None:
        """Answer the oldest request, one at a time."""
        if self._busy or not self._waiting:
            return
        self._busy = True
        asked = self._waiting.popleft()
        done = self._desk.answer(asked.pdu, self._desk.look(), read_only=self._read_only)
        if isinstance(done, Write):
            self._write = asyncio.ensure_future(self._desk.carry_out(done, _PEER))
            self._write.add_done_callback(lambda task: self._written(asked, task))
        else:
            self._send(asked, _frame(asked, done))

    def _written(self, asked: _Asked, done: asyncio.Task[bytes]) -> None:
        self._write = None
        if not done.cancelled():
            self._send(asked, _frame(asked, done.result()))

    def _send(self, asked: _Asked, frame: bytes) -> None:
        """Send an answer as soon as the line has been silent for long enough."""
        self._sending = None
        writer = self._writer
        if writer is None:
            return
        now_s = self._clock()
        quiet_s = gap_s(writer.baud_rate, writer.bits_per_character)
        wait_s = max(self._heard_s, self._free_s) + quiet_s - now_s
        too_late = now_s - asked.at_s > _TOO_LATE_S
        if wait_s > 0 and not too_late:
            self._sending = self._call_later(wait_s, lambda: self._send(asked, frame))
            return
        self._busy = False
        if too_late or not writer.write(frame):
            self._desk.limiter.log(
                _log, logging.WARNING, "late", "modbus: an answer came too late for the line"
            )
        else:
            self._free_s = now_s + len(frame) * writer.bits_per_character / writer.baud_rate
        self._next()


def _frame(asked: _Asked, answer: bytes) -> bytes:
    return sealed(bytes((asked.unit_id,)) + answer)
