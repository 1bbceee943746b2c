"""The self-check before the first control pass: pilot at -12 V, at +12 V, contacts, monitor.

Source: charging.md section 15, boot step 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from evsed.charging.pilot_window import PilotWindow, zero_mv
from evsed.charging.rules import PilotLevels
from evsed.charging.snapshot import Phases
from evsed.charging.states import Fault, PilotMode

#: -12 V lasts at least this long; the whole check at most that long.
_LOW_MS: Final = 300
_LONGEST_MS: Final = 2000
_GOOD_WINDOWS: Final = 3
_CURRENT_A: Final = 1.0


@dataclass(slots=True)
class SelfCheck:
    """Runs before the rules do; the contactor is open and stays open meanwhile."""

    levels: PilotLevels
    started_ms: int
    _good: dict[PilotMode, int] = field(
        default_factory=lambda: {PilotMode.LOW: 0, PilotMode.HIGH: 0}
    )

    def pilot_mode(self, now_ms: int) -> PilotMode:
        """Return what to drive now."""
        waited = now_ms - self.started_ms >= _LOW_MS
        low_seen = self._good[PilotMode.LOW] >= _GOOD_WINDOWS
        return PilotMode.HIGH if waited and low_seen else PilotMode.LOW

    def follow(
        self,
        now_ms: int,
        windows: Sequence[PilotWindow],
        *,
        feedback: bool | None,
        rcm_active: bool,
        currents_a: Phases | None,
    ) -> Fault | None:
        """Take in one pass; return what was found when the check is over, before that None."""
        for window in windows:
            if self._as_driven(window):
                self._good[window.mode] += 1
        if now_ms - self.started_ms < _LONGEST_MS and not self._pilot_obeys():
            return None
        found = Fault.NONE if self._pilot_obeys() else Fault.CONTROLLER_FAULT
        if feedback or (currents_a is not None and max(currents_a) > _CURRENT_A):
            found |= Fault.CONTACTOR_WELDED
        return found | Fault.RCM_TRIGGERED if rcm_active else found

    def _pilot_obeys(self) -> bool:
        return all(good >= _GOOD_WINDOWS for good in self._good.values())

    def _as_driven(self, window: PilotWindow) -> bool:
        if window.mode is PilotMode.LOW:
            return window.low_mv is not None and window.low_mv <= self.levels.minus12
        two_volts_mv = 2 * (self.levels.v12 - self.levels.v3) // 9
        high_mv = window.high_mv
        return high_mv is not None and high_mv >= zero_mv(self.levels) + two_volts_mv
