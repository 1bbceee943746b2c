"""Following a meter's own register of energy. Pure. Source: docs/metering.md.

Watts times time give what is shown between two steps of the register. The register has the last
word: what is counted stays within one step of it, above and below, and never falls. While the
meter is silent the watts (measured otherwise or assumed) count alone; when it is back, what it
has counted meanwhile is made up for, or what was assumed too much is waited for.
"""

from dataclasses import dataclass, replace
from typing import Final

#: no charger draws more than this: a register that rises faster has not measured it
_MOST_MW: Final = 200_000_000
#: how long after opening the register may still bring what flowed before
_SETTLE_MS: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One reading of the register."""

    mws: int
    #: its smallest step
    step_mws: int
    taken_ms: int
    #: whether the contactor is closed now
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """The register when following began, what was counted since, and its last reading."""

    base_mws: int
    counted_mws: int = 0
    last_mws: int = 0
    last_ms: int = 0
    #: when the contactor was first seen open
    open_since_ms: int | None = None
    #: the register fell or rose beyond reason
    jumped: bool = False


def follow(
    following: Following | None, gained_mws: int, register: Register | None
) -> tuple[Following | None, int]:
    """Return how it goes on, and what has really been gained.

    Args:
        following: as the last pass left it; None: begin when the contactor is closed.
        gained_mws: what watts and time say was gained since.
        register: the newest reading; None while the meter is silent.
    """
    if register is None:
        if following is None:
            return None, gained_mws
        return replace(following, counted_mws=following.counted_mws + gained_mws), gained_mws
    if following is None:
        return (_begin(register) if register.closed else None), gained_mws
    following = _look(following, register)
    risen_mws = register.mws - following.base_mws
    counted_mws = min(following.counted_mws + gained_mws, risen_mws + register.step_mws)
    counted_mws = max(counted_mws, risen_mws - register.step_mws, following.counted_mws)
    gained_mws = counted_mws - following.counted_mws
    settled = (
        following.open_since_ms is not None
        and register.taken_ms - following.open_since_ms >= _SETTLE_MS
    )
    return (None if settled else replace(following, counted_mws=counted_mws)), gained_mws


def _begin(register: Register) -> Following:
    return Following(base_mws=register.mws, last_mws=register.mws, last_ms=register.taken_ms)


def _look(following: Following, register: Register) -> Following:
    """Note a reading; one that cannot be true begins a new count that joins the old."""
    open_since_ms = following.open_since_ms
    if register.closed:
        open_since_ms = None
    elif open_since_ms is None:
        open_since_ms = register.taken_ms
    if register.taken_ms == following.last_ms and register.mws == following.last_mws:
        if open_since_ms == following.open_since_ms:
            return following
        return replace(following, open_since_ms=open_since_ms)
    elapsed_ms = max(register.taken_ms - following.last_ms, 0)
    most_mws = _MOST_MW // 1000 * elapsed_ms + 2 * register.step_mws
    jumped = not 0 <= register.mws - following.last_mws <= most_mws
    base_mws = register.mws - following.counted_mws if jumped else following.base_mws
    return replace(
        following,
        base_mws=base_mws,
        last_mws=register.mws,
        last_ms=register.taken_ms,
        open_since_ms=open_since_ms,
        jumped=following.jumped or jumped,
    )
