"""Windows of the control pilot from readings that come in halves of a window. Pure.

While the contactor is closed every two halves that follow one another are a window, so that one
begins every half window and an event is never in the middle of the only one that could show it
(decision 0049). Otherwise windows lie end to end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evsed.hardware.interfaces import SampleWindow

#: Halves further apart than this are no window; a window takes at most twice its time, then.
_LONGEST_GAP_US: Final = 10_000


@dataclass(frozen=True, slots=True)
class Half:
    """The pilot's readings of half a window, mV; times in us."""

    started_us: int
    ended_us: int
    readings_mv: Sequence[int]


class PilotHalves:
    """Joins halves; belongs to the sampler's thread."""

    def __init__(self) -> None:
        self._before: Half | None = None
        #: whether ``_before`` is part of a window already
        self._used = False

    def forget(self) -> None:
        """Begin afresh: what comes next does not follow what came before."""
        self._before = None

    def add(self, half: Half, *, overlapping: bool) -> SampleWindow | None:
        """Return the window that this half completes.

        Args:
            half: the next one.
            overlapping: whether windows may share halves.
        """
        before, used = self._before, self._used
        self._before, self._used = half, False
        if before is None or half.started_us - before.ended_us > _LONGEST_GAP_US:
            return None
        if used and not overlapping:
            return None
        self._used = True
        return SampleWindow(
            before.started_us // 1000,
            half.ended_us // 1000,
            [*before.readings_mv, *half.readings_mv],
            overlapping=used,
        )
