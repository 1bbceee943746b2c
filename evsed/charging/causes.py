"""What is wrong at this moment, as far as it can be seen. Pure. Source: charging.md section 11."""

from collections.abc import Mapping
from typing import Final

from evsed.charging.contactor import BLIND_MS, disobedience
from evsed.charging.memory import Inputs, Memory
from evsed.charging.outlet import lock_in_use
from evsed.charging.snapshot import Phases
from evsed.charging.states import (
    ASKING,
    CHARGING_STATES,
    Fault,
    LockStatus,
    MeterMode,
    PilotMode,
    SelfTest,
)

#: A fault of temperature ends this far below the threshold (Q40).
_TEMPERATURE_HYSTERESIS_CDEG: Final = 500
#: What a slow meter may average over: its reading describes the time before the contactor moved.
_METER_LAG_MS: Final = 1500
#: With the contactor open a silent pilot is given longer before it is a fault.
_SILENT_MS: Final = 1000
_LOCK_FAILURES: Final[Mapping[LockStatus, Fault]] = {
    LockStatus.LOCKING_FAIL: Fault.LOCK_FAULT,
    LockStatus.UNLOCKING_FAIL: Fault.UNLOCK_FAULT,
}


def measured_currents(memory: Memory, inputs: Inputs) -> Phases | None:
    """Return the measured currents, None when this station does not measure any."""
    if memory.rules.meter_mode is MeterMode.DUMMY or inputs.measured is None:
        return None
    taken_ms = inputs.measured.taken_ms
    if taken_ms is not None and taken_ms < memory.contactor.since_ms + _METER_LAG_MS:
        return None
    return inputs.measured.currents_a


def tripped(memory: Memory, inputs: Inputs) -> bool:
    """Return whether the residual current monitor has tripped, its own test apart.

    A test still runs on when its session has ended; with the contactor closed there is none.
    """
    if not (memory.rules.rcm and inputs.rcm_active):
        return False
    return memory.contactor.closed or inputs.rcm_test is not SelfTest.RUNNING


def present_causes(memory: Memory, inputs: Inputs) -> Fault:
    """Return every fault whose cause shows in this pass."""
    found = Fault.NONE
    for causes in (
        _pilot(memory, inputs),
        _safety(memory, inputs),
        _temperature(memory, inputs),
        _lock(memory, inputs),
        disobedience(
            memory.contactor,
            memory.rules,
            inputs.now_ms,
            feedback=inputs.feedback,
            currents_a=measured_currents(memory, inputs),
        ),
    ):
        if causes is not Fault.NONE:  # joining sets takes longer than looking for what is wrong
            found |= causes
    return found


def _pilot(memory: Memory, inputs: Inputs) -> Fault:
    found = Fault.NONE
    silent_ms = inputs.now_ms - memory.line.seen_ms
    if inputs.controller_failed or silent_ms > (
        BLIND_MS if memory.contactor.closed else _SILENT_MS
    ):
        found = Fault.CONTROLLER_FAULT
    if memory.faults.bits:
        # The pilot is at -12 V, or only listens for the unplugging: it accuses nobody.
        return found
    if memory.line.impossible() or (memory.seen_unasking and memory.line.stable in ASKING):
        found |= Fault.PILOT_FAULT
    if memory.pilot.mode is PilotMode.PWM and memory.line.diode_missing(inputs.now_ms):
        found |= Fault.DIODE_SHORT
    return found


def _safety(memory: Memory, inputs: Inputs) -> Fault:
    found = Fault.NONE
    if tripped(memory, inputs):
        found = Fault.RCM_TRIGGERED
    if memory.rules.rcm and memory.rcm_test is SelfTest.FAILED:
        found |= Fault.RCM_SELFTEST_FAULT
    if memory.overcurrent.tripped:
        found |= Fault.OVERCURRENT
    if inputs.emergency_stop:
        found |= Fault.EMERGENCY_STOP
    if inputs.supply_failed:
        found |= Fault.SUPPLY_FAULT
    return found


def _temperature(memory: Memory, inputs: Inputs) -> Fault:
    if not memory.rules.temperature_sensor:
        return Fault.NONE
    found = Fault.TEMPERATURE_FAULT if inputs.temperature_fault else Fault.NONE
    if inputs.temperature_high_cdeg is None:
        return found
    limit_cdeg = memory.rules.temperature_threshold_c * 100
    if memory.faults.has(Fault.TEMPERATURE_HIGH):
        limit_cdeg -= _TEMPERATURE_HYSTERESIS_CDEG
    hot = inputs.temperature_high_cdeg > limit_cdeg
    return found | Fault.TEMPERATURE_HIGH if hot else found


def _lock(memory: Memory, inputs: Inputs) -> Fault:
    rules, outlet = memory.rules, memory.outlet
    if not rules.socket_outlet:
        return Fault.NONE
    found = Fault.NONE
    if outlet.cable_unfit() and (outlet.in_use or memory.faults.has(Fault.CABLE_FAULT)):
        found = Fault.CABLE_FAULT
    if not rules.lock_fitted:
        return found
    if not outlet.excused:
        found |= _LOCK_FAILURES.get(inputs.lock_status, Fault.NONE)
    lost = (
        (memory.contactor.closed or memory.state in CHARGING_STATES)
        and lock_in_use(outlet, rules)
        and inputs.lock_status is LockStatus.IDLE
        and inputs.lock_position is False
    )
    return found | Fault.LOCK_FAULT if lost else found
