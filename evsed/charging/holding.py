"""Who holds the offer where it is, and what changes when a limit does. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from evsed.charging.commands import LapseLimits, LimitCommand, RenewLimit, SetLimit
from evsed.charging.memory import Memory
from evsed.charging.outlet import cable_limit_da
from evsed.charging.owned_limits import (
    ALWAYS_ADMITTED,
    LONGEST_MS,
    MOST_LIMITS,
    OwnedLimit,
    OwnedLimits,
    heard_from,
    is_current,
    lapse,
    pausing,
    set_point_ceiling_da,
    with_limit,
    without,
)
from evsed.charging.snapshot import Holder
from evsed.errors import RejectedError

#: Characters of an owner's name.
_LONGEST_OWNER: Final = 64


def take_limit(memory: Memory, command: LimitCommand, now_ms: int) -> Memory:
    """Return the memory after a command about a limit.

    Raises:
        RejectedError: a value is out of its range, or there are too many limits.
    """
    return hold(memory, _changed(memory.owned, command, now_ms))


def _changed(owned: OwnedLimits, command: LimitCommand, now_ms: int) -> OwnedLimits:
    match command:
        case SetLimit():
            return with_limit(owned, _limit(owned, command).heard(now_ms))
        case RenewLimit(owner=owner):
            return heard_from(owned, owner, now_ms)
        case LapseLimits(owners=owners):
            return lapse(owned, owners)
        case _:
            return without(owned, command.owner)


def _limit(owned: OwnedLimits, wanted: SetLimit) -> OwnedLimit:
    if not 1 <= len(wanted.owner) <= _LONGEST_OWNER:
        raise RejectedError(f"1 to {_LONGEST_OWNER} characters expected", key="owner")
    for key, value in (("current", wanted.current_da), ("fallback", wanted.fallback_da)):
        if not is_current(value):
            raise RejectedError("6.0 to 63.0 A, or 0 for a pause, expected", key=key)
    if wanted.lease_ms is not None and not 1 <= wanted.lease_ms <= LONGEST_MS:
        raise RejectedError(f"1 to {LONGEST_MS // 1000} s expected", key="expires")
    others = [one for one in owned if one.owner not in {wanted.owner, *ALWAYS_ADMITTED}]
    if len(others) >= MOST_LIMITS and wanted.owner not in ALWAYS_ADMITTED:
        raise RejectedError(f"there are {MOST_LIMITS} limits already", key="owner")
    return OwnedLimit(
        owner=wanted.owner,
        current_da=wanted.current_da,
        lease_ms=wanted.lease_ms,
        fallback_da=wanted.fallback_da,
    )


def hold(memory: Memory, owned: OwnedLimits) -> Memory:
    """Return the memory with other limits; the end of a pause is like being enabled again."""
    if owned is memory.owned:
        return memory
    if pausing(memory.owned) is not None and pausing(owned) is None:
        memory = another_chance(memory)
    current_da = min(memory.charging_current_da, set_point_ceiling_da(owned))
    return replace(memory, owned=owned, charging_current_da=current_da)


def another_chance(memory: Memory) -> Memory:
    """Treat the vehicle as if it had not disappointed in this session (Q25, charging.md 18.4)."""
    return replace(
        memory,
        limits=memory.limits.forget_under_power(),
        wake_up=replace(memory.wake_up, done=False, waiting_since_ms=None),
    )


def holders(memory: Memory) -> tuple[Holder, ...]:
    """Return everybody who limits the offer.

    The order is that of asking for more: of two who permit the same, the first can change nothing
    without the others, except the user, who comes last, unless he pauses.
    """
    rules = memory.rules
    user = Holder("user", memory.charging_current_da if memory.enabled else 0)
    found = [] if memory.enabled else [user]
    for limit in memory.owned:
        in_force_da = limit.in_force_da
        if in_force_da is not None:
            found.append(Holder(limit.owner, in_force_da))
    if memory.derating.limit_da is not None:
        found.append(Holder("thermal", memory.derating.limit_da))
    if rules.socket_outlet and rules.proximity_fitted and memory.outlet.in_use:
        found.append(Holder("cable", cable_limit_da(memory.outlet, rules)))
    found.append(Holder("board", rules.board_limit_a * 10))
    found.append(Holder("settings", rules.max_charging_current_a * 10))
    if memory.enabled:
        found.append(user)
    return tuple(found)


def limited_by(found: Iterable[Holder]) -> str:
    """Return the owner to be asked first for more."""
    return min(found, key=lambda one: one.current_da).owner
