"""One pulse of state F for a vehicle that sleeps in B2. Pure.

Source: IEC 61851-1:2017 A.5.3 as charging.md section 18.4 gives it.
"""

from dataclasses import dataclass, replace
from typing import Final

from evsed.charging.states import ASKING, ChargingState, PilotMode, PilotReading

_LOW_MS: Final = 4000
_HIGH_MS: Final = 750
#: A vehicle that asked this recently is not asleep but full.
_RECENT_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeUp:
    """How far the pulse is."""

    waiting_since_ms: int | None = None
    pulse_since_ms: int | None = None
    done: bool = False
    asked_ms: int | None = None

    def pilot_mode(self, now_ms: int) -> PilotMode | None:
        """Return what the pulse wants driven, None when no pulse is running."""
        if self.pulse_since_ms is None:
            return None
        return PilotMode.LOW if now_ms - self.pulse_since_ms < _LOW_MS else PilotMode.HIGH


NO_WAKE_UP: Final = WakeUp()


def follow_waiting(
    wake_up: WakeUp,
    state: ChargingState,
    reading: PilotReading | None,
    *,
    after_s: int,
    now_ms: int,
) -> WakeUp:
    """Return the pulse after one pass; ``after_s`` 0 switches it off."""
    if after_s == 0:
        return NO_WAKE_UP
    if reading in ASKING:
        wake_up = replace(wake_up, asked_ms=now_ms)
    if state is not ChargingState.B2:
        return replace(wake_up, waiting_since_ms=None, pulse_since_ms=None)
    if wake_up.pulse_since_ms is not None:
        over = now_ms - wake_up.pulse_since_ms >= _LOW_MS + _HIGH_MS
        return replace(wake_up, pulse_since_ms=None) if over else wake_up
    if wake_up.waiting_since_ms is None:
        return replace(wake_up, waiting_since_ms=now_ms)
    if wake_up.done or now_ms - wake_up.waiting_since_ms < after_s * 1000:
        return wake_up
    awake = wake_up.asked_ms is not None and now_ms - wake_up.asked_ms < _RECENT_MS
    return wake_up if awake else replace(wake_up, pulse_since_ms=now_ms, done=True)
