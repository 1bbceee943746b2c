"""From classified windows to a stable reading, quickly towards safe and slowly back. Pure.

Source: charging.md section 4.3.
"""

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


def follow_window(line: PilotLine, window: PilotWindow, levels: PilotLevels) -> PilotLine:
    """Return the line after one more window."""
    if window.mode is PilotMode.LOW:
        return PilotLine(seen_ms=window.ended_ms)
    raw = classify(window, levels, line.stable)
    line = _follow_diode(line, window, raw, levels)
    asking = raw in ASKING and line.diode_missing_since_ms is None
    line = replace(
        line,
        seen_ms=window.ended_ms,
        bad_windows=0 if asking else line.bad_windows + 1,
        asking_since_ms=_since(line.asking_since_ms, window.started_ms) if asking else None,
    )
    return _settle(line, raw, window.ended_ms)


def _since(since_ms: int | None, now_ms: int) -> int:
    return now_ms if since_ms is None else since_ms


def _follow_diode(
    line: PilotLine, window: PilotWindow, raw: PilotReading, levels: PilotLevels
) -> PilotLine:
    if window.mode is not PilotMode.PWM or raw not in _PLUGGED:
        return replace(line, diode_windows=0, diode_missing_since_ms=None)
    if diode_found(window, levels):
        return replace(line, diode_windows=line.diode_windows + 1, diode_missing_since_ms=None)
    missing_since = _since(line.diode_missing_since_ms, window.started_ms)
    return replace(line, diode_windows=0, diode_missing_since_ms=missing_since)


def _settle(line: PilotLine, raw: PilotReading, now_ms: int) -> PilotLine:
    if raw is line.stable:
        return replace(line, candidate=None, candidate_windows=0)
    if raw is line.candidate:
        line = replace(line, candidate_windows=line.candidate_windows + 1)
    else:
        line = replace(line, candidate=raw, candidate_since_ms=now_ms, candidate_windows=1)
    if not _settled(line, raw, now_ms):
        return line
    return replace(line, stable=raw, candidate=None, candidate_windows=0)


def _settled(line: PilotLine, raw: PilotReading, now_ms: int) -> bool:
    if line.stable in ASKING and raw is PilotReading.V9:
        return line.candidate_windows >= BAD_WINDOWS_TO_OPEN
    return now_ms - line.candidate_since_ms >= _needed_ms(line.stable, raw)


def _needed_ms(stable: PilotReading | None, raw: PilotReading) -> int:
    if raw is PilotReading.V12 and stable is not None:
        return _UNPLUG_MS
    if raw in _IMPOSSIBLE:
        return _IMPOSSIBLE_MS
    if stable is PilotReading.V9:
        return ASKING_TO_CLOSE_MS
    return _SETTLED_MS
