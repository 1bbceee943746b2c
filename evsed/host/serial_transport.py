"""An open serial port on the event loop: reads when something is there, never waits.

Source: serial.md sections 5 and 8.
"""

import asyncio
import contextlib
import logging
import os
import select
import termios
from collections.abc import Callable
from typing import Final

from evsed.errors import HardwareError
from evsed.host.serial_echo import EchoFilter
from evsed.host.serial_line import OpenLine
from evsed.host.serial_port import Session

#: What may wait for the device. Source: serial.md section 8.
QUEUE_BYTES: Final = 8 * 1024

#: Why a port failed whose session did.
SESSION_FAILED: Final = "its session failed"

_READ_BYTES: Final = 4096
_GOODBYE_S: Final = 0.1
_DRAIN_S: Final = 0.5
_LOOK_S: Final = 0.005
#: Reads that bring nothing, in a row, before the device counts as gone.
_EMPTY_READS: Final = 8

_log = logging.getLogger(__name__)


class SerialTransport:
    """One open port and its session; a ``Writer`` for the latter.

    Args:
        line: the device; closed by ``close``.
        session: what the port is for.
        suppress_echo: what is sent may be heard; take it out.
    """

    def __init__(self, line: OpenLine, session: Session, *, suppress_echo: bool = False) -> None:
        self._line, self._session = line, session
        self._loop = asyncio.get_running_loop()
        self._queue = bytearray()
        self._open = False
        self._reading = False
        self._writing = False
        self._empty_reads = 0
        #: when the last byte given to the device will be on the wire
        self._sent_at_s = 0.0
        self._echo = EchoFilter() if suppress_echo else None
        self._release: asyncio.TimerHandle | None = None
        self._overdue: asyncio.TimerHandle | None = None
        #: why the port is no longer usable
        self.failed: asyncio.Future[str] = self._loop.create_future()

    @property
    def baud_rate(self) -> int:
        """The rate in force."""
        return self._line.line.baud_rate

    @property
    def bits_per_character(self) -> int:
        """Start, data, parity and stop bits together."""
        return self._line.line.bits_per_character

    @property
    def usb(self) -> bool:
        """Whether an adapter may deliver what it received some milliseconds late."""
        return self._line.usb

    @property
    def pending(self) -> int:
        """Bytes not yet handed to the device."""
        return len(self._queue)

    def start(self) -> None:
        """Begin to read, and tell the session."""
        self._open = self._reading = True
        self._loop.add_reader(self._line.fd, self._readable)
        self._guarded(lambda: self._session.opened(self))

    async def close(self, reason: str) -> None:
        """Stop reading, let the session say goodbye, drain, close; within 0.7 s."""
        self._stop_reading()
        try:
            async with asyncio.timeout(_GOODBYE_S):
                await self._session.closed(reason)
        except TimeoutError:
            _log.warning("serial: %s: its session ends late", self._line.line.device)
        except Exception:  # noqa: BLE001  # whatever a session does, the device is given back
            _log.exception("serial: %s: its session failed", self._line.line.device)
        if not self.failed.done():
            await self.drained(_DRAIN_S)
        self._end()
        await asyncio.to_thread(self._line.close)

    def write(self, data: bytes) -> bool:
        """Send; False when the bounded queue has no room, and then nothing was taken."""
        if not self._open or len(self._queue) + len(data) > QUEUE_BYTES:
            return False
        self._queue += data
        if data and not self._writing:
            self._switch(sending=True)
            self._flush()
        return True

    def set_baud_rate(self, baud_rate: int) -> None:
        """Switch at once; the caller waits for ``drained`` first.

        Raises:
            HardwareError: the device cannot do it.
        """
        try:
            self._line.set_baud_rate(baud_rate)
        except OSError as error:
            raise HardwareError(f"{self._line.line.device}: {error.strerror}") from error

    async def drained(self, timeout_s: float) -> bool:
        """Wait until everything is on the wire; False when that took too long."""
        give_up_s = self._loop.time() + timeout_s
        while (left_s := self._unsent_s()) > 0:
            now_s = self._loop.time()
            if now_s >= give_up_s:
                return False
            await asyncio.sleep(min(left_s, give_up_s - now_s))
        return self._open

    def discard_input(self) -> None:
        """Forget what was received and not yet delivered."""
        with contextlib.suppress(termios.error):
            termios.tcflush(self._line.fd, termios.TCIFLUSH)

    def _unsent_s(self) -> float:
        """Return how long to wait before looking again; 0 when everything is on the wire."""
        if not self._open:
            return 0.0
        if self._queue or self._line.unsent():
            return _LOOK_S
        return 0.0 if self._line.pseudo else max(0.0, self._sent_at_s - self._loop.time())

    def _readable(self) -> None:
        try:
            data = os.read(self._line.fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error.strerror or "cannot be read")
            return
        if not data:
            self._nothing_read()
            return
        self._empty_reads = 0
        if self._echo is not None:
            data = self._echo.received(data, self._loop.time())
            self._await_overdue()
        if data:
            self._guarded(lambda: self._session.received(data))

    def _nothing_read(self) -> None:
        """Find out whether the device is gone: one that is reads empty for ever."""
        self._empty_reads += 1
        poll = select.poll()
        poll.register(self._line.fd, 0)
        gone = any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))
        if gone or self._empty_reads >= _EMPTY_READS:
            self._fail("unplugged")

    def _await_overdue(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        if self._echo is not None and self._echo.due_s is not None:
            self._overdue = self._loop.call_at(self._echo.due_s + _LOOK_S, self._deliver_overdue)

    def _deliver_overdue(self) -> None:
        self._overdue = None
        data = b"" if self._echo is None else self._echo.overdue(self._loop.time())
        if data:
            self._guarded(lambda: self._session.received(data))

    def _flush(self) -> None:
        try:
            count = os.write(self._line.fd, self._queue)
        except BlockingIOError:
            count = 0
        except OSError as error:
            self._fail(error.strerror or "cannot be written")
            return
        self._note_sent(bytes(self._queue[:count]))
        del self._queue[:count]
        if bool(self._queue) != self._writing:
            self._writing = bool(self._queue)
            if self._writing:
                self._loop.add_writer(self._line.fd, self._flush)
            else:
                self._loop.remove_writer(self._line.fd)
        if not self._queue:
            self._listen_later()

    def _note_sent(self, data: bytes) -> None:
        wire_s = len(data) * self.bits_per_character / self.baud_rate
        self._sent_at_s = max(self._sent_at_s, self._loop.time()) + wire_s
        if self._echo is not None and data:
            self._echo.sent(data, self._sent_at_s)

    def _switch(self, *, sending: bool) -> None:
        direction = self._line.direction
        if self._release is not None:
            self._release.cancel()
            self._release = None
        if direction is None:
            return
        try:
            direction.switch(sending=sending)
        except (OSError, HardwareError) as error:
            self._fail(f"its direction cannot be switched: {error}")

    def _listen_later(self) -> None:
        if self._line.direction is not None:
            self._release = self._loop.call_at(self._sent_at_s, self._listen)

    def _listen(self) -> None:
        self._release = None
        unsent = self._line.unsent()
        if unsent or self._queue:
            wire_s = max(1, unsent) * self.bits_per_character / self.baud_rate
            self._release = self._loop.call_later(wire_s, self._listen)
            return
        self._switch(sending=False)

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:  # noqa: BLE001  # one session must not take the others down
            _log.exception("serial: %s: its session failed", self._line.line.device)
            self._fail(SESSION_FAILED)

    def _fail(self, why: str) -> None:
        self._end()
        if not self.failed.done():
            self.failed.set_result(why)

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._line.fd)

    def _end(self) -> None:
        """Take the device off the loop at once: one that is gone is readable for ever."""
        self._stop_reading()
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._line.fd)
        for timer in (self._release, self._overdue):
            if timer is not None:
                timer.cancel()
        self._queue.clear()
        self._open = False
