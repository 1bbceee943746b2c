"""Fault bits: how they clear, and how often. Pure. Source: charging.md section 11."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from evsed.charging.states import Fault

#: How long a self-clearing fault stays after its cause was last seen (Q13, Q16).
CLEAR_AFTER_MS: Final = 60_000
#: How often a retried fault may clear by itself while one vehicle stays plugged in (Q15).
RETRIES: Final = 3

_SELF_CLEARING: Final = (
    Fault.PILOT_FAULT
    | Fault.DIODE_SHORT
    | Fault.RCM_TRIGGERED
    | Fault.RCM_SELFTEST_FAULT
    | Fault.CONTACTOR_OPEN_FAULT
    | Fault.OVERCURRENT
    | Fault.CONTROLLER_FAULT
)
_RETRIED: Final = (
    Fault.RCM_TRIGGERED | Fault.DIODE_SHORT | Fault.OVERCURRENT | Fault.CONTACTOR_OPEN_FAULT
)
#: Gone with their cause.
_WHILE_PRESENT: Final = (
    Fault.TEMPERATURE_HIGH | Fault.TEMPERATURE_FAULT | Fault.CABLE_FAULT | Fault.SUPPLY_FAULT
)
#: Wait for somebody: taking the station out of service and back releases them.
_OPERATOR: Final = Fault.LOCK_FAULT | Fault.UNLOCK_FAULT | Fault.EMERGENCY_STOP

# Plain numbers: this runs fifty times a second and Flag arithmetic is slow.
_SELF_CLEARING_BITS: Final = _SELF_CLEARING.value
_RETRIED_BITS: Final = _RETRIED.value
_WHILE_PRESENT_BITS: Final = _WHILE_PRESENT.value
_OPERATOR_BITS: Final = _OPERATOR.value
_CABLE_BIT: Final = Fault.CABLE_FAULT.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The fault mask as a number, when each self-clearing bit may go, and retries used."""

    bits: int = 0
    deadlines: tuple[tuple[int, int], ...] = ()
    retries: tuple[tuple[int, int], ...] = ()

    def any(self) -> bool:
        """Return whether the station is in state E."""
        return self.bits != 0

    def has(self, fault: Fault) -> bool:
        """Return whether one of these faults is set."""
        return bool(self.bits & fault.value)

    def exhausted(self) -> int:
        """Return the retried bits that no longer clear by themselves."""
        waiting = {bit for bit, _ in self.deadlines}
        return sum(bit for bit in _each(self.bits & _RETRIED_BITS) if bit not in waiting)

    def waits_for_unplugging(self) -> bool:
        """Return whether only unplugging (or an operator) can end a fault that is set."""
        return bool(self.exhausted() | self.bits & _CABLE_BIT)


def cleared_by_time(before: Faults, after: Faults) -> bool:
    """Return whether a self-clearing fault has gone between two passes."""
    return bool(before.bits & ~after.bits & _SELF_CLEARING_BITS)


def settle_faults(faults: Faults, causes: Fault, now_ms: int) -> Faults:
    """Return the faults after one pass: expired ones gone, new ones set.

    Args:
        faults: as the last pass left them.
        causes: what is wrong at this moment, as far as it can be seen.
        now_ms: time of this pass.
    """
    present = causes.value
    if not present and not faults.bits:
        return faults
    faults = _expire(faults, present, now_ms)
    gone = faults.bits & _WHILE_PRESENT_BITS & ~present
    if gone:
        faults = replace(faults, bits=faults.bits & ~gone)
    return _set(faults, present, now_ms)


def release_unplugged(faults: Faults, causes: Fault) -> Faults:
    """The vehicle is gone: its retries are forgotten and what waited for that is released."""
    if not faults.bits and not faults.retries:
        return faults
    # Without a plug the proximity contact reads open: that is no longer a fault.
    released = faults.exhausted() & ~causes.value | faults.bits & _CABLE_BIT
    return replace(faults, bits=faults.bits & ~released, retries=())


def release_by_operator(faults: Faults) -> Faults:
    """An operator cycled the station: latched and exhausted faults get one more try."""
    released = faults.exhausted() | faults.bits & (_OPERATOR_BITS | _CABLE_BIT)
    return replace(faults, bits=faults.bits & ~released, retries=())


def lock_failed(faults: Faults) -> bool:
    """Return whether a fault of the socket lock is set."""
    return bool(faults.bits & (Fault.LOCK_FAULT.value | Fault.UNLOCK_FAULT.value))


def release_lock(faults: Faults) -> Faults:
    """The socket lock is no longer in use, so its faults are moot (Q22)."""
    moot = Fault.LOCK_FAULT.value | Fault.UNLOCK_FAULT.value
    return replace(faults, bits=faults.bits & ~moot) if faults.bits & moot else faults


def _expire(faults: Faults, present: int, now_ms: int) -> Faults:
    kept: list[tuple[int, int]] = []
    bits, retries = faults.bits, dict(faults.retries)
    for bit, deadline_ms in faults.deadlines:
        if bit & present:
            kept.append((bit, now_ms + CLEAR_AFTER_MS))
        elif now_ms < deadline_ms:
            kept.append((bit, deadline_ms))
        else:
            bits &= ~bit
            if bit & _RETRIED_BITS:
                retries[bit] = retries.get(bit, 0) + 1
    return Faults(bits=bits, deadlines=tuple(kept), retries=tuple(retries.items()))


def _set(faults: Faults, present: int, now_ms: int) -> Faults:
    fresh = present & ~faults.bits
    if not fresh:
        return faults
    retries = dict(faults.retries)
    starting = tuple(
        (bit, now_ms + CLEAR_AFTER_MS)
        for bit in _each(fresh & _SELF_CLEARING_BITS)
        if retries.get(bit, 0) < RETRIES
    )
    return replace(faults, bits=faults.bits | fresh, deadlines=faults.deadlines + starting)


def _each(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest
        bits ^= lowest
