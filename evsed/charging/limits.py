"""Session limits: energy, time, and power that stays too low. Pure.

Source: charging.md section 10.
"""

from dataclasses import dataclass, replace
from typing import Final

from evsed.charging.states import Reason

#: How long power must stay below the under-power limit.
UNDER_POWER_MS: Final = 60_000

MOST_CONSUMPTION_WS: Final = (2**32 - 1) * 3600
MOST_CHARGING_TIME_S: Final = 2**32 - 1
MOST_UNDER_POWER_W: Final = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFigures:
    """What the limits look at: the session so far, and the power now."""

    energy_ws: int = 0
    charging_time_ms: int = 0
    power_w: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The live limits (0: none) and which of them has been reached."""

    consumption_ws: int = 0
    charging_time_s: int = 0
    under_power_w: int = 0
    under_power_since_ms: int | None = None
    #: stays until the session ends or an operator acts (Q25)
    under_power_reached: bool = False
    reached: Reason | None = None

    def forget_under_power(self) -> "Limits":
        """Release the under-power latch; its time starts again."""
        return replace(self, under_power_reached=False, under_power_since_ms=None)


def check_limits(limits: Limits, figures: SessionFigures, *, charging: bool, now_ms: int) -> Limits:
    """Return the limits with what this session has reached by now."""
    since = _under_power_since(limits, figures, charging=charging, now_ms=now_ms)
    latched = limits.under_power_reached or (since is not None and now_ms - since >= UNDER_POWER_MS)
    reached = _reached(limits, figures, under_power=latched)
    before = (limits.under_power_since_ms, limits.under_power_reached, limits.reached)
    if (since, latched, reached) == before:
        return limits
    return replace(limits, under_power_since_ms=since, under_power_reached=latched, reached=reached)


def end_session(limits: Limits) -> Limits:
    """Return the limits as they meet the next session: the values stay, the flags go."""
    if limits.reached is None and limits.under_power_since_ms is None:
        return limits
    return replace(limits.forget_under_power(), reached=None)


def _under_power_since(
    limits: Limits, figures: SessionFigures, *, charging: bool, now_ms: int
) -> int | None:
    if not charging or not figures.power_w < limits.under_power_w:
        return None
    return now_ms if limits.under_power_since_ms is None else limits.under_power_since_ms


def _reached(limits: Limits, figures: SessionFigures, *, under_power: bool) -> Reason | None:
    if 0 < limits.consumption_ws <= figures.energy_ws:
        return Reason.CONSUMPTION_LIMIT
    if 0 < limits.charging_time_s * 1000 <= figures.charging_time_ms:
        return Reason.CHARGING_TIME_LIMIT
    return Reason.UNDER_POWER_LIMIT if under_power else None
