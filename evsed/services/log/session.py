"""The serial mode ``log``: the whole ring when the port opens, then every new line.

A slow line falls behind; what the ring has dropped meanwhile is counted, never waited for.
Source: serial.md section 9.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from evsed.host.serial_port import Writer
from evsed.services.log.ring import LogReader, LogRing

LOOK_S: Final = 0.1
_LINES_AT_ONCE: Final = 50


class Timer(Protocol):
    """A call to come."""

    def cancel(self) -> None:
        """Do not call after all."""


CallLater = Callable[[float, Callable[[], None]], Timer]


class LogSession:
    """Writes the log to one serial port; what is received is ignored.

    Args:
        ring: the log.
        call_later: seconds and what to call; the running loop's by default.
    """

    def __init__(self, ring: LogRing, call_later: CallLater | None = None) -> None:
        self._ring = ring
        self._call_later = call_later or _loop_call_later
        self._timer: Timer | None = None
        self._writer: Writer | None = None
        self._reader: LogReader | None = None
        self._waiting: deque[bytes] = deque()
        self._next = 0

    def opened(self, writer: Writer) -> None:
        """Begin with the oldest line there is."""
        self._writer = writer
        self._reader = self._ring.subscribe(whole=True)
        self._next = self._reader.next
        self._look()

    def received(self, data: bytes) -> None:
        """Ignore what the other side says."""

    async def closed(self, reason: str) -> None:
        """Stop; lines that have not been written are lost."""
        del reason
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._writer = self._reader = None
        self._waiting.clear()

    def _look(self) -> None:
        if self._writer is None:
            return
        self._write_waiting(self._writer)
        self._timer = self._call_later(LOOK_S, self._look)

    def _write_waiting(self, writer: Writer) -> None:
        """Hand over whole lines until the port takes no more, or nothing is left."""
        while self._waiting or self._fetch():
            if not writer.write(self._waiting[0]):
                return
            self._waiting.popleft()

    def _fetch(self) -> bool:
        taken = [] if self._reader is None else self._reader.take(_LINES_AT_ONCE)
        for number, line in taken:
            if lost := number - self._next:
                self._waiting.append(b"[... %d lines dropped ...]\n" % lost)
            self._waiting.append(line.encode() + b"\n")
            self._next = number + 1
        return bool(self._waiting)


def _loop_call_later(delay_s: float, act: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(delay_s, act)
