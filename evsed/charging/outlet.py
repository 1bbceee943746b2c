"""Socket outlet: the cable's rating and the plug's lock. Pure. Source: charging.md section 12."""

from dataclasses import dataclass, replace
from typing import Final

from evsed.charging.rules import ProximityLevels, Rules
from evsed.charging.states import Fault, LockStatus

#: What a charger without a socket outlet may offer over its own cable, A.
TETHERED_A: Final = 63
#: Equal proximity readings in a row before they are believed.
_EQUAL_READINGS: Final = 3
#: Up to this a reading is not believed to be a resistor (boards without a short level).
_NO_RESISTOR_MV: Final = 5
#: A cable of which nothing is known.
UNKNOWN_A: Final = 0
#: How long the pilot must show no vehicle before a plug found locked at start is released.
_FREE_AT_START_MS: Final = 2000
_FAILED: Final = frozenset({LockStatus.LOCKING_FAIL, LockStatus.UNLOCKING_FAIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """What is known about cable and lock in this session."""

    #: whether this session began in socket outlet mode; None outside a session
    in_use: bool | None = None
    rating_a: int | None = None
    candidate: int | Fault | None = None
    equal_readings: int = 0
    taken_ms: int = -1
    lock_wanted: bool | None = None
    unlock_due: bool = False
    #: an operator asked for one more try: let go of the lock for one pass, then unlock
    retrying: bool = False
    #: until the lock moves again, its last failure does not count
    excused: bool = False
    free_since_ms: int | None = None

    def cable_unfit(self) -> bool:
        """Return whether the proximity contact reads open or short, and has done so for a while."""
        return self.candidate is Fault.CABLE_FAULT and self.equal_readings >= _EQUAL_READINGS


def rate_cable(mv: int, levels: ProximityLevels) -> int | Fault:
    """Return the rating in A of the cable whose resistor gives this reading.

    ``Fault.CABLE_FAULT`` stands for open or short. Levels the board does not give are not checked,
    except that nothing is not a 63 A cable (Q20): its rating is ``UNKNOWN_A``.
    """
    if levels.open is not None and mv > levels.open:
        return Fault.CABLE_FAULT
    if levels.short is not None and mv < levels.short:
        return Fault.CABLE_FAULT
    if levels.short is None and mv <= _NO_RESISTOR_MV:
        return UNKNOWN_A
    for rating, level in ((13, levels.a13), (20, levels.a20), (32, levels.a32)):
        if mv >= level:
            return rating
    return 63


def follow_proximity(outlet: Outlet, taken_ms: int, mv: int, rules: Rules) -> Outlet:
    """Return the outlet after one proximity reading; one seen before changes nothing."""
    if taken_ms <= outlet.taken_ms:
        return outlet
    value = rate_cable(mv, rules.proximity_levels)
    equal = outlet.equal_readings + 1 if value == outlet.candidate else 1
    outlet = replace(
        outlet, candidate=value, equal_readings=min(equal, _EQUAL_READINGS), taken_ms=taken_ms
    )
    if isinstance(value, Fault) or outlet.equal_readings < _EQUAL_READINGS or not outlet.in_use:
        return outlet
    # Within a session a rating only falls.
    lowest = value if outlet.rating_a is None else min(value, outlet.rating_a)
    return outlet if lowest == outlet.rating_a else replace(outlet, rating_a=lowest)


def begin_session(outlet: Outlet, rules: Rules) -> Outlet:
    """A vehicle is plugged in: lock its plug, read its cable."""
    wanted = True if rules.socket_outlet and rules.lock_fitted else outlet.lock_wanted
    return replace(
        outlet,
        in_use=rules.socket_outlet,
        rating_a=None,
        equal_readings=0,
        candidate=None,
        lock_wanted=wanted,
        unlock_due=False,
    )


def end_session(outlet: Outlet) -> Outlet:
    """The session is over: release the plug as soon as that is safe."""
    due = outlet.unlock_due or outlet.lock_wanted is True
    return replace(outlet, in_use=None, rating_a=None, unlock_due=due)


def cable_limit_da(outlet: Outlet, rules: Rules) -> int:
    """Return what the cable permits; a tethered one is as good as the board."""
    if not (rules.socket_outlet and outlet.in_use and rules.proximity_fitted):
        return TETHERED_A * 10
    return (outlet.rating_a or 0) * 10


def lock_in_use(outlet: Outlet, rules: Rules) -> bool:
    """Return whether this session's plug is to be locked."""
    return rules.socket_outlet and rules.lock_fitted and outlet.in_use is True


def locked_for_sure(outlet: Outlet, status: LockStatus, position: bool | None) -> bool:
    """Return whether the lock rests, and holds the plug as far as anybody can tell."""
    return outlet.lock_wanted is True and status is LockStatus.IDLE and position is not False


def retry_lock(outlet: Outlet) -> Outlet:
    """A fault of the lock was released on an operator's word: try to unlock once more (Q22)."""
    return replace(outlet, lock_wanted=None, unlock_due=True, retrying=True, excused=True)


def follow_lock(outlet: Outlet, status: LockStatus) -> Outlet:
    """Return the outlet after a look at the lock; once it moves, its failures count again."""
    if not outlet.excused or status in _FAILED:
        return outlet
    return replace(outlet, excused=False)


def release_plug(outlet: Outlet, *, safe: bool) -> Outlet:
    """Give the unlock command that is due, once the contactor is known to be open."""
    if outlet.retrying:
        return replace(outlet, retrying=False)
    if not (outlet.unlock_due and safe):
        return outlet
    return replace(outlet, unlock_due=False, lock_wanted=False)


def release_forgotten_plug(
    outlet: Outlet, *, position: bool | None, free: bool, now_ms: int
) -> Outlet:
    """A plug found locked at start is released when no vehicle has shown for 2 s (Q22)."""
    if outlet.lock_wanted is not None or position is not True or not free:
        return replace(outlet, free_since_ms=None) if outlet.free_since_ms is not None else outlet
    if outlet.free_since_ms is None:
        return replace(outlet, free_since_ms=now_ms)
    due = now_ms - outlet.free_since_ms >= _FREE_AT_START_MS
    return replace(outlet, unlock_due=True) if due else outlet
