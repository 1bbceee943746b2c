"""A hat that notes when the control thread uses it; nothing is added that waits."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from evsed.hardware.interfaces import Contactor, Hat, Heartbeat, Sampler, SampleWindow

_MOST_PASSES: Final = 1_000_000


@dataclass(slots=True)
class PassCost:
    """What control passes took, from the first device that is asked to the last, us."""

    wall_us: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST_PASSES))
    cpu_us: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST_PASSES))
    _wall_ns: int = 0
    _cpu_ns: int = 0

    def begin(self) -> None:
        """A pass, or a look between passes, asks for windows."""
        self._wall_ns, self._cpu_ns = time.monotonic_ns(), time.thread_time_ns()

    def end(self) -> None:
        """A pass has shown its sign of life."""
        self.cpu_us.append((time.thread_time_ns() - self._cpu_ns) // 1000)
        self.wall_us.append((time.monotonic_ns() - self._wall_ns) // 1000)

    def clear(self) -> None:
        """Forget what was measured so far."""
        self.wall_us.clear()
        self.cpu_us.clear()


class ObservedSampler:
    """A ``Sampler`` whose windows pass through ``watch`` on the control thread.

    Args:
        sampler: the real one.
        begin: called first whenever windows are asked for.
        watch: returns the windows that may go on.
    """

    def __init__(
        self,
        sampler: Sampler,
        begin: Callable[[], None],
        watch: Callable[[Sequence[SampleWindow]], Sequence[SampleWindow]],
    ) -> None:
        self._sampler = sampler
        self._begin = begin
        self._watch = watch

    def expect(self, *, square_wave: bool, energized: bool) -> None:
        """Say what the next windows are for."""
        self._sampler.expect(square_wave=square_wave, energized=energized)

    def take_windows(self) -> Sequence[SampleWindow]:
        """Return the windows finished since the last call."""
        self._begin()
        return self._watch(self._sampler.take_windows())

    def wait(self, seconds: float) -> None:
        """Wait for a window, at most so long."""
        self._sampler.wait(seconds)


class ObservedContactor:
    """A ``Contactor`` that tells every command with the time at which it was given.

    Args:
        contactor: the real one.
        told: called after the command with its direction and monotonic time in ns, on whichever
            thread gave it.
    """

    def __init__(self, contactor: Contactor, told: Callable[[bool, int], None]) -> None:
        self._contactor = contactor
        self._told = told

    def switch(self, *, closed: bool) -> None:
        """Command every pole."""
        given_ns = time.monotonic_ns()
        self._contactor.switch(closed=closed)
        self._told(closed, given_ns)

    def feedback(self) -> bool | None:
        """Return the auxiliary contact."""
        return self._contactor.feedback()


class ObservedHeartbeat:
    """A ``Heartbeat`` that marks the end of a pass; the board may have none of its own."""

    def __init__(self, heartbeat: Heartbeat | None, end: Callable[[], None]) -> None:
        self._heartbeat = heartbeat
        self._end = end

    def beat(self) -> None:
        """Signal one successful control pass."""
        if self._heartbeat is not None:
            self._heartbeat.beat()
        self._end()


def observed_hat(
    hat: Hat,
    cost: PassCost,
    watch: Callable[[Sequence[SampleWindow]], Sequence[SampleWindow]] = lambda windows: windows,
    told: Callable[[bool, int], None] = lambda _closed, _given_ns: None,
) -> Hat:
    """Return the hat with observers between the control thread and three of its devices."""
    return replace(
        hat,
        sampler=ObservedSampler(hat.sampler, cost.begin, watch),
        contactor=ObservedContactor(hat.contactor, told),
        heartbeat=ObservedHeartbeat(hat.heartbeat, cost.end),
    )
