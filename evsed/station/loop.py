"""The control thread: a pass every 20 ms by absolute deadlines, and its own lateness measured.

The thread asks for SCHED_FIFO. Between passes it sleeps; while the contactor is closed every pilot
window that finishes wakes it, to see whether the contactor must be opened at once (decision 0004).
"""

import contextlib
import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from evsed.charging.snapshot import LATENESS_CLASSES_US, Lateness
from evsed.hardware.interfaces import Hat
from evsed.hardware.real_time import CONTROL, ask_real_time
from evsed.station.control_pass import ControlPass
from evsed.station.held_up import LATE_US, LatePass

PERIOD_MS: Final = 20
_PERIOD_NS: Final = PERIOD_MS * 1_000_000
#: Late passes that may wait for an explanation.
_LATE: Final = 64


def monotonic_ms() -> int:
    """Return the monotonic clock in whole milliseconds."""
    return time.monotonic_ns() // 1_000_000


@dataclass(slots=True)
class _Watch:
    """Lateness counters; the loop's own."""

    passes: int = 0
    last_us: int = 0
    worst_us: int = 0
    over_5_ms: int = 0
    over_20_ms: int = 0
    longest_pass_us: int = 0
    sum_us: int = 0
    classes: list[int] = field(default_factory=lambda: [0] * (len(LATENESS_CLASSES_US) + 1))

    def begin(self, late_us: int) -> None:
        self.passes += 1
        self.last_us = late_us
        self.worst_us = max(self.worst_us, late_us)
        self.over_5_ms += late_us > 5_000
        self.over_20_ms += late_us > 20_000
        self.sum_us += late_us
        self.classes[bisect_left(LATENESS_CLASSES_US, late_us)] += 1

    def end(self, took_us: int) -> None:
        self.longest_pass_us = max(self.longest_pass_us, took_us)

    def shown(self, *, real_time: bool) -> Lateness:
        return Lateness(
            passes=self.passes,
            last_us=self.last_us,
            worst_us=self.worst_us,
            over_5_ms=self.over_5_ms,
            over_20_ms=self.over_20_ms,
            longest_pass_us=self.longest_pass_us,
            real_time=real_time,
            classes=tuple(self.classes),
            sum_us=self.sum_us,
        )


class ControlLoop:
    """Runs control passes until told to stop, or until one fails; then makes the hat safe.

    Args:
        control_pass: what one pass does.
        hat: made safe on every way out.
        on_end: called on the control thread as its last act.
        lateness_us: when given, every pass appends how late it began.
    """

    def __init__(
        self,
        control_pass: ControlPass,
        hat: Hat,
        on_end: Callable[[], None] = lambda: None,
        lateness_us: deque[int] | None = None,
    ) -> None:
        self._pass = control_pass
        self._hat = hat
        self._on_end = on_end
        self._lateness_us = lateness_us
        self._stopping = False
        self._shown = Lateness()
        #: when the pass is due that is waited for; 0 while one runs
        self.due_ns = 0
        #: passes that began late, for whoever finds out why
        self.late: deque[LatePass] = deque(maxlen=_LATE)
        self._thread = threading.Thread(target=self._run, name="evsed-control", daemon=True)
        #: why the loop ended by itself, None while it runs or after an orderly stop
        self.failure: BaseException | None = None
        #: why there is no SCHED_FIFO, None when there is
        self.refused: str | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end after the present pass; does not wait."""
        self._stopping = True

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; return whether it has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def thread(self) -> int | None:
        """The thread's number; None before its start."""
        return self._thread.ident

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.refused = ask_real_time(CONTROL)
            self._pass_by_pass()
        except BaseException as error:  # noqa: BLE001  # whatever it is: safe first, then report
            self.failure = error
        finally:
            self.due_ns = 0
            self._hat.make_safe()
            with contextlib.suppress(RuntimeError):  # the event loop may be closed by now
                self._on_end()

    def _pass_by_pass(self) -> None:
        watch = _Watch()
        deadline = time.monotonic_ns()
        overrun_us = 0
        while not self._stopping:
            self.due_ns = deadline
            begin = self._wait(deadline)
            self.due_ns = 0
            late_us = max(0, begin - deadline) // 1000
            watch.begin(late_us)
            if late_us > LATE_US:
                self.late.append(LatePass(deadline, late_us))
            if self._lateness_us is not None:
                self._lateness_us.append(late_us)
            self._shown = watch.shown(real_time=self.refused is None)
            self._pass.run(max(late_us, overrun_us) // 1000, self._shown)
            now = time.monotonic_ns()
            watch.end((now - begin) // 1000)
            # A pass that was held up is judged by the next one: that begins on the grid again.
            overrun_us = max(0, now - deadline - _PERIOD_NS) // 1000
            # Passes that were missed altogether are not made up for.
            deadline += _PERIOD_NS * max(1, -((deadline - now) // _PERIOD_NS))

    def _wait(self, deadline: int) -> int:
        """Sleep until a deadline, with an eye on the pilot; return the time."""
        while (left := deadline - (now := time.monotonic_ns())) > 0:
            if not self._pass.energized:
                time.sleep(left / 1e9)
                continue
            self._hat.sampler.wait(left / 1e9)
            if self._pass.look():
                self._pass.run(0, self._shown)
        return now
