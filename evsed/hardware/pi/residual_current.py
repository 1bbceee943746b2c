"""The residual current monitor's trip line and test line.

Source: charging.md section 12.3.
"""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

import pigpio

from evsed.board.description import Rcm
from evsed.errors import HardwareError
from evsed.hardware.interfaces import SelfTest
from evsed.hardware.pi.lines import InputLine, OutputLine
from evsed.hardware.pi.link import Link
from evsed.hardware.real_time import TRIP, ask_real_time

_CONFIRM_S: Final = 0.001
_FALL_S: Final = 1.0
_LOOK_S: Final = 0.002
_RESET_S: Final = 0.01
_LATCH_S: Final = 1.0
_JOIN_S: Final = 4.0
_DEVICE: Final = "residual current monitor"

_LOOK: Final = "look"
_TEST: Final = "test"
_STOP: Final = "stop"


class PinResidualCurrentMonitor:
    """A ``ResidualCurrentMonitor`` on GPIO lines.

    Edges wake a worker of its own, which reads twice and only then speaks of a trip.

    Args:
        control: link of the control thread, for the level in every pass.
        other: a link of its own, for edges, worker and test.
        rcm: the pins.
    """

    def __init__(self, control: Link, other: Link, rcm: Rcm) -> None:
        self._board = rcm
        self._level = InputLine(
            control, _DEVICE, rcm.gpio, pull=rcm.pull, active_low=rcm.active_low
        )
        self._line = InputLine(other, _DEVICE, rcm.gpio, pull=rcm.pull, active_low=rcm.active_low)
        self._test = OutputLine(other, _DEVICE, rcm.test_gpio, active_low=rcm.test_active_low)
        self._reset = None
        if rcm.reset_gpio is not None:
            self._reset = OutputLine(
                other, _DEVICE, rcm.reset_gpio, active_low=rcm.reset_active_low
            )
        self._action: Callable[[], None] | None = None
        #: trips confirmed by the worker; trips the control thread has been told of
        self._trips = 0
        self._told = 0
        self._tripped = False
        self._testing = False
        self._stopping = False
        self._result = SelfTest.NOT_RUN
        self._failure = ""
        self._jobs: SimpleQueue[str] = SimpleQueue()
        edge = pigpio.FALLING_EDGE if rcm.active_low else pigpio.RISING_EDGE
        with other.calls(_DEVICE, rcm.gpio):
            other.pi.callback(rcm.gpio, edge, lambda _gpio, _level, _tick: self._jobs.put(_LOOK))
        self._worker = threading.Thread(target=self._run, name="evsed-rcm", daemon=True)
        self._worker.start()

    def active(self) -> bool:
        """Return whether it has tripped; False for the trip of its own test."""
        if self._failure:
            self._jobs.put(_LOOK)  # it may be over
            raise HardwareError(self._failure)
        if not self._worker.is_alive():
            raise HardwareError(f"{_DEVICE} on GPIO {self._board.gpio}: worker ended")
        trips = self._trips
        new = trips != self._told
        self._told = trips
        if self._testing:
            return False
        level = self._level.active()
        if not level:
            self._tripped = False
        elif not self._tripped:
            self._jobs.put(_LOOK)  # in case the edge was lost
        return new or (level and self._tripped)

    def start_test(self) -> None:
        """Start the self-test on the driver's own thread; the contactor must be open."""
        self._testing = True
        self._result = SelfTest.RUNNING
        self._jobs.put(_TEST)

    def test_result(self) -> SelfTest:
        """Return how the newest self-test stands."""
        return self._result

    def on_trip(self, action: Callable[[], None]) -> None:
        """Call ``action`` on the driver's own thread as soon as a trip is confirmed."""
        self._action = action

    def close(self) -> None:
        """Stop the worker with the test line off."""
        self._stopping = True
        self._jobs.put(_STOP)
        self._worker.join(_JOIN_S)

    def _run(self) -> None:
        ask_real_time(TRIP)
        while (job := self._jobs.get()) != _STOP:
            try:
                if job == _TEST:
                    self._run_test()
                else:
                    self._confirm()
                self._failure = ""
            except HardwareError as error:
                self._failure = str(error)
                self._testing = False

    def _confirm(self) -> None:
        """Take a trip for real when two readings 1 ms apart say so."""
        if self._tripped or not self._line.active_now():
            return
        time.sleep(_CONFIRM_S)
        if not self._line.active_now():
            return
        self._tripped = True
        self._trips += 1
        if self._action is not None:
            self._action()
        while self._reset is not None and not self._stopping and self._line.active_now():
            # the latch holds the line until it is reset; by then the contactor is open
            time.sleep(_LATCH_S)
            self._clear_latch()

    def _run_test(self) -> None:
        self._clear_latch()
        passed = False
        try:
            self._test.set(on=True)
            passed = self._wait(active=True, limit_s=self._board.test_time_ms / 1000)
        finally:
            self._test.set(on=False)
            self._clear_latch()
        passed = self._wait(active=False, limit_s=_FALL_S) and passed
        self._forget_edges()
        self._result = SelfTest.PASSED if passed else SelfTest.FAILED
        self._testing = False

    def _wait(self, *, active: bool, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while self._line.active_now() != active:
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_S)
        return True

    def _clear_latch(self) -> None:
        """Reset the board's ground-fault latch, where it has one."""
        if self._reset is None:
            return
        self._reset.set(on=True)
        time.sleep(_RESET_S)
        self._reset.set(on=False)
        time.sleep(_LOOK_S)

    def _forget_edges(self) -> None:
        """Drop the edges of the test; a level that stays is seen by the next pass."""
        try:
            while self._jobs.get_nowait() != _STOP:
                pass
            self._jobs.put(_STOP)
        except Empty:
            pass
