"""What the converters could see lately: a reading taken in the past is right. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from evsed.hardware.simulator.mains import Grid
from evsed.hardware.simulator.pilot_stage import Wave
from evsed.hardware.simulator.vehicle import Ramp

_KEPT_US = 200_000


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a converter input may depend on, between two changes."""

    pilot: Wave
    proximity_mv: float
    mains: bool
    ramp: Ramp
    #: which phases carry the ramp's current
    drawing: tuple[bool, bool, bool]
    analog_mv: tuple[float, ...]
    grid: Grid = field(default_factory=Grid)


class History:
    """Scenes and since when each holds."""

    def __init__(self, scene: Scene) -> None:
        self._since_us = [-(1 << 62)]
        self._scenes = [scene]

    @property
    def latest(self) -> Scene:
        """Return the scene that holds now."""
        return self._scenes[-1]

    def add(self, now_us: int, scene: Scene) -> None:
        """Note that this scene holds from now on."""
        if scene == self._scenes[-1]:
            return
        if self._since_us[-1] == now_us:
            self._scenes[-1] = scene
            return
        self._since_us.append(now_us)
        self._scenes.append(scene)
        old = bisect_right(self._since_us, now_us - _KEPT_US) - 1
        if old > 0:
            del self._since_us[:old], self._scenes[:old]

    def cut(self, times_us: Sequence[int]) -> Iterator[tuple[Scene, Sequence[int]]]:
        """Give ascending moments back in runs that fall into one scene each."""
        start = 0
        while start < len(times_us):
            place = max(bisect_right(self._since_us, times_us[start]) - 1, 0)
            stop = len(times_us)
            if place + 1 < len(self._since_us):
                stop = _first_at_or_after(times_us, self._since_us[place + 1])
            yield self._scenes[place], times_us[start:stop]
            start = stop


def _first_at_or_after(times_us: Sequence[int], moment_us: int) -> int:
    return bisect_right(times_us, moment_us - 1)
