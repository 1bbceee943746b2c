"""From classified windows to a stable reading, quickly towards safe and slowly back. Pure.

Source: charging.md section 4.3.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from evsed.charging.pilot_window import PilotWindow, classify, diode_found
from evsed.charging.rules import PilotLevels
from evsed.charging.states import ASKING, PilotMode, PilotReading

#: Windows in a row that open a closed contactor.
BAD_WINDOWS_TO_OPEN: Final = 2
#: Good diode windows in a row of the present PWM run that permit closing.
DIODE_WINDOWS_TO_CLOSE: Final = 3
#: How long a vehicle must have asked without a break before the contactor closes.
ASKING_TO_CLOSE_MS: Final = 250
#: How long a missing diode must show before it is reported.
_DIODE_MISSING_MS: Final = 150

_SETTLED_MS: Final = 100
_UNPLUG_MS: Final = 200
_IMPOSSIBLE_MS: Final = 150

_IMPOSSIBLE: Final = frozenset({PilotReading.V0, PilotReading.INVALID})
_PLUGGED: Final = frozenset({PilotReading.V9, PilotReading.V6, PilotReading.V3})


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotLine:
    """What the control pilot's windows have said so far."""

    stable: PilotReading | None = None
    candidate: PilotReading | None = None
    candidate_since_ms: int = 0
    candidate_windows: int = 0
    #: consecutive windows that do not ask for energy, or show no diode
    bad_windows: int = 0
    asking_since_ms: int | None = None
    #: consecutive good diode windows of the present PWM run
    diode_windows: int = 0
    diode_missing_since_ms: int | None = None
    #: end of the newest window, whatever it said
    seen_ms: int = 0

    def blank(self) -> "PilotLine":
        """Forget every reading: what follows must be settled afresh."""
        return PilotLine(seen_ms=self.seen_ms)

    def new_run(self) -> "PilotLine":
        """A new PWM run begins: its diode has not been seen."""
        return replace(self, diode_windows=0, diode_missing_since_ms=None)

    def impossible(self) -> bool:
        """Return whether the settled reading fits no state."""
        return self.stable in _IMPOSSIBLE

    def diode_missing(self, now_ms: int) -> bool:
        """Return whether the diode has been missing long enough to be reported."""
        since = self.diode_missing_since_ms
        return since is not None and now_ms - since >= _DIODE_MISSING_MS


def follow_windows(
    line: PilotLine, windows: Iterable[PilotWindow], levels: PilotLevels
) -> tuple[PilotLine, bool]:
    """Return the line after some windows, and whether two in a row of them were bad."""
    lost = False
    for window in windows:
        line = follow_window(line, window, levels)
        lost = lost or line.bad_windows >= BAD_WINDOWS_TO_OPEN
    return line, lost


def follow_window(line: PilotLine, window: PilotWindow, levels: PilotLevels) -> PilotLine:
    """Return the line after one more window."""
    if window.mode is PilotMode.LOW:
        return PilotLine(seen_ms=window.ended_ms)
    raw = classify(window, levels, line.stable)
    diode_windows, missing_since_ms = _follow_diode(line, window, raw, levels)
    asking = raw in ASKING and missing_since_ms is None
    stable, candidate, since_ms, count = _settle(line, raw, window.ended_ms)
    return PilotLine(
        stable=stable,
        candidate=candidate,
        candidate_since_ms=since_ms,
        candidate_windows=count,
        bad_windows=0 if asking else line.bad_windows + 1,
        asking_since_ms=_since(line.asking_since_ms, window.started_ms) if asking else None,
        diode_windows=diode_windows,
        diode_missing_since_ms=missing_since_ms,
        seen_ms=window.ended_ms,
    )


def _since(since_ms: int | None, now_ms: int) -> int:
    return now_ms if since_ms is None else since_ms


def _follow_diode(
    line: PilotLine, window: PilotWindow, raw: PilotReading, levels: PilotLevels
) -> tuple[int, int | None]:
    """Return how many windows in a row have shown the diode, and since when it is missing."""
    if window.mode is not PilotMode.PWM or raw not in _PLUGGED:
        return 0, None
    if diode_found(window, levels):
        return line.diode_windows + 1, None
    return 0, _since(line.diode_missing_since_ms, window.started_ms)


def _settle(
    line: PilotLine, raw: PilotReading, now_ms: int
) -> tuple[PilotReading | None, PilotReading | None, int, int]:
    """Return the stable reading, and the candidate to follow it: since when, how many windows."""
    if raw is line.stable:
        return raw, None, 0, 0
    same = raw is line.candidate
    since_ms = line.candidate_since_ms if same else now_ms
    count = line.candidate_windows + 1 if same else 1
    if _settled(line.stable, raw, windows=count, lasted_ms=now_ms - since_ms):
        return raw, None, 0, 0
    return line.stable, raw, since_ms, count


def _settled(
    stable: PilotReading | None, raw: PilotReading, *, windows: int, lasted_ms: int
) -> bool:
    if stable in ASKING and raw is PilotReading.V9:
        return windows >= BAD_WINDOWS_TO_OPEN
    return lasted_ms >= _needed_ms(stable, raw)


def _needed_ms(stable: PilotReading | None, raw: PilotReading) -> int:
    if raw is PilotReading.V12 and stable is not None:
        return _UNPLUG_MS
    if raw in _IMPOSSIBLE:
        return _IMPOSSIBLE_MS
    if stable is PilotReading.V9:
        return ASKING_TO_CLOSE_MS
    return _SETTLED_MS
