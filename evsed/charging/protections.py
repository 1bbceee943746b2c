"""Over-current watch, thermal derating, and how fast an offer may rise. Pure.

Source: charging.md sections 3 (pacing), 18.3 and 18.6.
"""

from dataclasses import dataclass, replace
from typing import Final

from evsed.charging.pilot import LEAST_DA
from evsed.charging.rules import Rules
from evsed.charging.snapshot import Phases

#: A raise of the offer waits this long after the previous one.
RAISE_EVERY_MS: Final = 1000
#: How long a vehicle may take to follow a lower offer, with margin (it has 5 s).
_FOLLOW_MS: Final = 7000
_SLOW_MS: Final = 7000
_FAST_MS: Final = 1000
#: Derating starts this far below the threshold and moves by 1 A per 10 s.
_DERATING_CDEG: Final = 1000
_DERATING_STEP_MS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Overcurrent:
    """Since when a phase draws too much; the offer a vehicle may still be following."""

    slow_since_ms: int | None = None
    fast_since_ms: int | None = None
    allowance_da: int = 0
    allowance_until_ms: int = 0
    tripped: bool = False
    #: when the newest reading of a slow meter was taken that has been judged
    judged_ms: int | None = None


CALM: Final = Overcurrent()


def watch_current(
    watch: Overcurrent, currents_a: Phases, offered_da: int, now_ms: int
) -> Overcurrent:
    """Return the watch after one pass with the contactor closed.

    Slow step: (offered + 0.5 A) x 1.1 for 7 s. Fast step: 1.5 x offered for 1 s, where an offer
    that was lowered counts for as long as the vehicle may take to follow.
    """
    watch = _follow_offer(watch, offered_da, now_ms)
    drawn_a = max(currents_a)
    slow = drawn_a * 10 > (offered_da + 5) * 1.1
    fast = drawn_a * 10 > 1.5 * watch.allowance_da
    slow_since = _since(watch.slow_since_ms, now_ms, holds=slow)
    fast_since = _since(watch.fast_since_ms, now_ms, holds=fast)
    tripped = (slow_since is not None and now_ms - slow_since >= _SLOW_MS) or (
        fast_since is not None and now_ms - fast_since >= _FAST_MS
    )
    if (slow_since, fast_since, tripped) == (
        watch.slow_since_ms,
        watch.fast_since_ms,
        watch.tripped,
    ):
        return watch
    return replace(watch, slow_since_ms=slow_since, fast_since_ms=fast_since, tripped=tripped)


def _follow_offer(watch: Overcurrent, offered_da: int, now_ms: int) -> Overcurrent:
    if offered_da >= watch.allowance_da or now_ms >= watch.allowance_until_ms:
        return replace(watch, allowance_da=offered_da, allowance_until_ms=now_ms + _FOLLOW_MS)
    return watch


def _since(since_ms: int | None, now_ms: int, *, holds: bool) -> int | None:
    if not holds:
        return None
    return now_ms if since_ms is None else since_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Derating:
    """The offer that temperature permits now; None: no derating in force."""

    limit_da: int | None = None
    moved_ms: int = 0


def derate(derating: Derating, rules: Rules, high_cdeg: int | None, now_ms: int) -> Derating:
    """Return the derating after one pass: linear from 10 °C below the threshold to 6 A at it."""
    most_da = min(rules.max_charging_current_a, rules.board_limit_a) * 10
    if not rules.thermal_derating or high_cdeg is None:
        return derating if derating.limit_da is None else Derating(moved_ms=now_ms)
    target = _derated_da(most_da, rules.temperature_threshold_c * 100 - high_cdeg)
    present = most_da if derating.limit_da is None else min(derating.limit_da, most_da)
    if target == present == most_da:
        return derating if derating.limit_da is None else Derating(moved_ms=derating.moved_ms)
    if target == present == derating.limit_da:
        return derating
    if now_ms - derating.moved_ms < _DERATING_STEP_MS:
        return derating if derating.limit_da == present else replace(derating, limit_da=present)
    return Derating(limit_da=present + (1 if target > present else -1), moved_ms=now_ms)


def _derated_da(most_da: int, below_cdeg: int) -> int:
    if below_cdeg >= _DERATING_CDEG:
        return most_da
    return LEAST_DA + max(0, below_cdeg) * (most_da - LEAST_DA) // _DERATING_CDEG
