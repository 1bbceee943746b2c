"""The motor that holds the plug, driven by its own worker.

Source: charging.md section 12.1.
"""

import threading
import time
from queue import Empty, SimpleQueue
from typing import Final

from evsed.board.description import SocketLock
from evsed.errors import HardwareError
from evsed.hardware.interfaces import LockStatus, LockTiming
from evsed.hardware.pi.lines import InputLine, OutputLine
from evsed.hardware.pi.link import Link

_SETTLE_MS: Final = 500
_POLL_MS: Final = 500
#: the bridge brakes before the contact is read between operations
_BRAKE_MS: Final = 10
_JOIN_S: Final = 7.0
_DEVICE: Final = "socket lock"


class _OvertakenError(Exception):
    """A newer request, or the end, has come."""


class PinLockMotor:
    """A ``LockMotor`` on an H-bridge and a contact.

    Lines A and B: 1 0 locks, 0 1 unlocks, 1 1 brakes and makes the contact readable, 0 0 rests.
    An operation that a newer request overtakes ends early, with the motor braked.
    """

    def __init__(self, link: Link, lock: SocketLock) -> None:
        self._link = link
        self._board = lock
        first, second = lock.gpios
        self._lines = (second, first) if lock.swap else (first, second)
        for gpio in self._lines:
            OutputLine(link, _DEVICE, gpio)
        self._contact = InputLine(link, _DEVICE, lock.detection_gpio, pull=lock.detection_pull)
        self._timing = LockTiming()
        self._position: bool | None = None
        self._failure = ""
        #: requests made, written by the caller; requests finished and how, by the worker
        self._requests = 0
        self._finished = (0, LockStatus.IDLE)
        self._orders: SimpleQueue[tuple[int, bool] | None] = SimpleQueue()
        self._pending: list[tuple[int, bool]] = []
        self._stopping = False
        self._ended_at = 0.0
        self._worker = threading.Thread(target=self._run, name="evsed-lock", daemon=True)
        self._worker.start()

    def configure(self, timing: LockTiming) -> None:
        """Use this timing from the next operation on."""
        self._timing = timing

    def request(self, *, locked: bool) -> None:
        """Ask for a position; returns at once. An unlocking still waiting is done first."""
        self._requests += 1
        self._orders.put((self._requests, locked))

    def status(self) -> LockStatus:
        """Return what the worker is doing."""
        self._raise_failure()
        number, status = self._finished
        return status if number == self._requests else LockStatus.OPERATING

    def position(self) -> bool | None:
        """Return the contact as last read: True locked, None not read yet."""
        self._raise_failure()
        return self._position

    def close(self) -> None:
        """Stop the worker with the bridge at rest."""
        self._stopping = True
        self._orders.put(None)
        self._worker.join(_JOIN_S)

    def _raise_failure(self) -> None:
        if self._failure:
            raise HardwareError(self._failure)
        if not self._worker.is_alive() and not self._stopping:
            raise HardwareError(f"{_DEVICE} on GPIO {self._board.detection_gpio}: worker ended")

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
                self._failure = ""
            except _OvertakenError:
                continue
            except HardwareError as error:
                self._failure = str(error)
                time.sleep(_POLL_MS / 1000)

    def _turn(self) -> None:
        """Carry out the next request, or read the contact when there is none for a while."""
        if not self._pending:
            self._poll()
            self._collect(_POLL_MS)
            return
        number, locked = self._pending[0]
        try:
            status = self._operate(locked=locked)
        except _OvertakenError:
            self._forget_overtaken()
            raise
        finally:
            self._drive(0, 0)
            self._ended_at = time.monotonic()
        self._pending.pop(0)
        self._finished = (number, status)

    def _operate(self, *, locked: bool) -> LockStatus:
        """Drive until the contact shows the position, at most as often as configured."""
        timing = self._timing
        rest_ms = timing.break_ms - (time.monotonic() - self._ended_at) * 1000
        self._pause(max(rest_ms, _SETTLE_MS if locked else 0))
        for attempt in range(max(timing.attempts, 1)):
            if attempt:
                self._drive(0, 0)
                self._pause(timing.break_ms)
            self._drive(int(locked), int(not locked))
            try:
                self._pause(min(timing.operating_ms, self._board.max_operating_time_ms))
            finally:
                self._drive(1, 1)
            self._pause(self._board.detection_delay_ms)
            if self._read() == locked:
                return LockStatus.IDLE
        return LockStatus.LOCKING_FAIL if locked else LockStatus.UNLOCKING_FAIL

    def _poll(self) -> None:
        self._drive(1, 1)
        time.sleep(_BRAKE_MS / 1000)
        self._read()
        self._drive(0, 0)

    def _read(self) -> bool:
        self._position = self._contact.active_now() == self._timing.detection_high
        return self._position

    def _drive(self, a: int, b: int) -> None:
        """Drive both lines, the falling ones first, each group at the same instant."""
        ones = sum(1 << gpio for gpio, level in zip(self._lines, (a, b), strict=True) if level)
        both = sum(1 << gpio for gpio in self._lines)
        with self._link.calls(_DEVICE, self._lines[0]):
            if ones != both:
                self._link.pi.clear_bank_1(both & ~ones)
            if ones:
                self._link.pi.set_bank_1(ones)

    def _pause(self, pause_ms: float) -> None:
        """Wait; a newer request or the end cuts it short.

        Raises:
            _OvertakenError: it was cut short.
        """
        if self._collect(pause_ms):
            raise _OvertakenError

    def _collect(self, wait_ms: float) -> bool:
        """Take requests for a while; return whether one came."""
        try:
            order = self._orders.get(timeout=max(wait_ms, 0) / 1000)
        except Empty:
            return False
        if order is not None:
            self._pending.append(order)
        return True

    def _forget_overtaken(self) -> None:
        """Keep the newest request, and before it an unlocking nobody has finished."""
        newest = self._pending[-1:]
        if newest and newest[0][1]:
            newest = [order for order in self._pending[:-1] if not order[1]][-1:] + newest
        self._pending = newest
