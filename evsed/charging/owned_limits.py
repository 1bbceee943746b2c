"""Limits with an owner: who holds the charger back, for how long, and what silence means. Pure.

Every owner has at most one; the lowest of all is in force. Source: charging.md section 18.10.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from evsed.charging.pilot import LEAST_DA

#: Owners at the same time.
MOST_LIMITS: Final = 16
#: A service of our own whose limit protects a fuse: others cannot take its place.
ALWAYS_ADMITTED: Final = frozenset({"ocpp"})
#: What a limit of this current means: no charging at all.
PAUSE_DA: Final = 0
#: The highest current anybody can ask for (the ceiling of ``maxChargingCurrent``).
MOST_DA: Final = 630
#: The longest a limit may wait for its owner: 30 days.
LONGEST_MS: Final = 30 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedLimit:
    """What one owner permits.

    Args:
        owner: a short name, unique among the limits.
        current_da: the most the owner permits, tenths of an ampere; ``PAUSE_DA`` for a pause, None
            as long as the owner only waits to be missed.
        lease_ms: how long the owner may be silent; None for ever.
        fallback_da: what is in force once the owner has been silent for too long, as
            ``current_da``; None: then the limit ends.
        lowers_set_point: silence lowers the set-point everybody sees as well (modbus.md 12.2).
        until_ms: when silence becomes too long; None: never, or no pass has run yet.
        lapsed: the owner has been silent for too long; the fallback is in force.
    """

    owner: str
    current_da: int | None = None
    lease_ms: int | None = None
    fallback_da: int | None = None
    lowers_set_point: bool = False
    until_ms: int | None = None
    lapsed: bool = False

    @property
    def in_force_da(self) -> int | None:
        """The current this limit permits now; None: it does not limit."""
        return self.fallback_da if self.lapsed else self.current_da

    def heard(self, now_ms: int) -> "OwnedLimit":
        """Return the limit after its owner gave a sign of life."""
        until_ms = None if self.lease_ms is None else now_ms + self.lease_ms
        return replace(self, until_ms=until_ms, lapsed=False)


OwnedLimits = tuple[OwnedLimit, ...]


def with_limit(limits: OwnedLimits, limit: OwnedLimit) -> OwnedLimits:
    """Return the limits with one set, in place of its owner's former one; by owner."""
    others = [one for one in limits if one.owner != limit.owner]
    return tuple(sorted([*others, limit], key=lambda one: one.owner))


def without(limits: OwnedLimits, owner: str) -> OwnedLimits:
    """Return the limits without one owner's."""
    return tuple(one for one in limits if one.owner != owner)


def heard_from(limits: OwnedLimits, owner: str, now_ms: int) -> OwnedLimits:
    """Return the limits after a sign of life; of nobody who has one, they stay as they are."""
    return tuple(one.heard(now_ms) if one.owner == owner else one for one in limits)


def lapse(limits: OwnedLimits, owners: Iterable[str]) -> OwnedLimits:
    """Return the limits without waiting any longer for these owners: fallback, or the end."""
    gone = frozenset(owners)
    return tuple(
        replace(one, lapsed=True, until_ms=None) if one.owner in gone else one
        for one in limits
        if one.owner not in gone or one.fallback_da is not None
    )


def expire(limits: OwnedLimits, now_ms: int) -> OwnedLimits:
    """Return the limits after the silence so far; the same object while nothing is over."""
    gone = [one.owner for one in limits if one.until_ms is not None and now_ms >= one.until_ms]
    return lapse(limits, gone) if gone else limits


def begin(limits: OwnedLimits, now_ms: int) -> OwnedLimits:
    """Return the limits of a station that starts now: whoever is waited for has just been heard."""
    return tuple(
        one.heard(now_ms) if one.until_ms is None and not one.lapsed else one for one in limits
    )


def lowest(limits: OwnedLimits) -> OwnedLimit | None:
    """Return the limit that permits least, the first of equals; None when nobody limits."""
    found: OwnedLimit | None = None
    least_da = MOST_DA + 1
    for one in limits:
        in_force_da = one.in_force_da
        if in_force_da is not None and in_force_da < least_da:
            found, least_da = one, in_force_da
    return found


def pausing(limits: OwnedLimits) -> OwnedLimit | None:
    """Return a limit that permits nothing at all; None when there is none."""
    found = lowest(limits)
    return found if found is not None and found.in_force_da == PAUSE_DA else None


def set_point_ceiling_da(limits: OwnedLimits) -> int:
    """Return what silence has lowered the set-point to."""
    lowered = [
        one.fallback_da
        for one in limits
        if one.lapsed and one.lowers_set_point and one.fallback_da is not None
    ]
    return max(LEAST_DA, min(lowered, default=MOST_DA))


def is_current(value_da: int | None) -> bool:
    """Return whether a limit may have this current: none, a pause, or 6 to 63 A."""
    return value_da is None or value_da == PAUSE_DA or LEAST_DA <= value_da <= MOST_DA
