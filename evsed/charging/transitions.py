"""Following the vehicle and the gates from state to state. Pure.

Source: charging.md sections 7 and 8.
"""

from dataclasses import replace
from typing import Final

from evsed.charging import authorization, contactor, energy, limits, outlet
from evsed.charging.causes import measured_currents
from evsed.charging.gates import closed_gate
from evsed.charging.limits import SessionFigures, check_limits
from evsed.charging.memory import Inputs, Memory
from evsed.charging.snapshot import DARK
from evsed.charging.states import (
    CHARGING_STATES,
    OFFERING_STATES,
    PAUSED_STATES,
    ChargingState,
    PilotReading,
    SelfTest,
    follow_pilot,
)
from evsed.charging.wake_up import NO_WAKE_UP, follow_waiting

#: What the vehicle asks while the pilot cannot be read: what it asked last.
_ASKED: Final = {
    ChargingState.B1: PilotReading.V9,
    ChargingState.B2: PilotReading.V9,
    ChargingState.C1: PilotReading.V6,
    ChargingState.C2: PilotReading.V6,
    ChargingState.D1: PilotReading.V3,
    ChargingState.D2: PilotReading.V3,
}


def asked(memory: Memory) -> PilotReading:
    """Return what the vehicle of a session asks for."""
    return memory.line.stable or _ASKED[memory.state]


def open_contactor(memory: Memory, inputs: Inputs) -> Memory:
    """Command the contactor open, now."""
    if not memory.contactor.closed:
        return memory
    currents = measured_currents(memory, inputs) or DARK
    opened = contactor.open_now(memory.contactor, inputs.now_ms, currents)
    return replace(memory, contactor=opened)


def rest(memory: Memory, inputs: Inputs, state: ChargingState) -> Memory:
    """Enter A, F, or what lies below E: contactor open, the session over."""
    memory = open_contactor(memory, inputs)
    return replace(
        memory,
        state=state,
        authorization=authorization.end_session(memory.authorization),
        limits=limits.end_session(memory.limits),
        outlet=outlet.end_session(memory.outlet),
        energy=energy.end_session(memory.energy),
        rcm_test=SelfTest.NOT_RUN,
        wake_up=NO_WAKE_UP,
    )


def advance(memory: Memory, inputs: Inputs) -> Memory:
    """Follow the vehicle and the gates to the next state. Source: charging.md section 7."""
    state = memory.state
    if state is ChargingState.F:
        return replace(memory, state=ChargingState.A) if memory.in_service else memory
    if state is ChargingState.A:
        return _from_a(memory, inputs)
    if not memory.in_service and state not in CHARGING_STATES and not memory.contactor.closed:
        return _leave_service(memory, inputs)
    memory = _follow_session(memory, inputs)
    reading = asked(memory)
    target = follow_pilot(reading, allowed=closed_gate(memory, inputs, reading) is None)
    return _enter(memory, inputs, state if target is None else target)


def _leave_service(memory: Memory, inputs: Inputs) -> Memory:
    """Enter F; on the way back the pilot is read afresh."""
    return replace(rest(memory, inputs, ChargingState.F), line=memory.line.blank())


def _from_a(memory: Memory, inputs: Inputs) -> Memory:
    if not memory.in_service:
        return _leave_service(memory, inputs)
    reading = memory.line.stable
    target = None if reading is None else follow_pilot(reading, allowed=False)
    if target is None:
        return memory
    memory = replace(memory, seen_unasking=False) if memory.seen_unasking else memory
    if target is ChargingState.A:
        return memory
    # A vehicle that asks at once passes through B1 all the same (Q8, Q9).
    return replace(
        memory,
        state=target,
        outlet=outlet.begin_session(memory.outlet, memory.rules),
        energy=energy.begin_session(memory.energy, inputs.now_ms),
    )


def _follow_session(memory: Memory, inputs: Inputs) -> Memory:
    """Authorization, limits, self-test and wake-up pulse of a running session."""
    granted = memory.authorization
    if memory.state not in OFFERING_STATES:
        granted = authorization.authorize_session(
            granted, required=memory.rules.require_auth, now_ms=inputs.now_ms
        )
    reached = check_limits(
        memory.limits,
        inputs.recorded or session_figures(memory),
        charging=memory.state in CHARGING_STATES,
        now_ms=inputs.now_ms,
    )
    wake_up = follow_waiting(
        memory.wake_up,
        memory.state,
        memory.line.stable,
        after_s=memory.rules.wake_up_after_s,
        now_ms=inputs.now_ms,
    )
    rcm_test = _follow_rcm_test(memory, inputs)
    if (
        granted is memory.authorization
        and reached is memory.limits
        and wake_up is memory.wake_up
        and rcm_test is memory.rcm_test
    ):
        return memory
    return replace(
        memory, authorization=granted, limits=reached, rcm_test=rcm_test, wake_up=wake_up
    )


def session_figures(memory: Memory) -> SessionFigures:
    """Return what the limits look at."""
    return SessionFigures(
        energy_ws=memory.energy.session_ws,
        charging_time_ms=memory.energy.charging_time_ms,
        power_w=memory.power.power_w,
    )


def _follow_rcm_test(memory: Memory, inputs: Inputs) -> SelfTest:
    """Run the monitor's self-test once per session, with the contactor open (Q14)."""
    if not memory.rules.rcm:
        return SelfTest.NOT_RUN
    if memory.rcm_test is SelfTest.NOT_RUN:
        safe = contactor.confirmed_open(
            memory.contactor,
            inputs.now_ms,
            feedback=inputs.feedback,
            currents_a=measured_currents(memory, inputs),
        )
        return SelfTest.RUNNING if safe else SelfTest.NOT_RUN
    if memory.rcm_test is SelfTest.RUNNING and inputs.rcm_test is not SelfTest.NOT_RUN:
        return inputs.rcm_test
    return memory.rcm_test


def _enter(memory: Memory, inputs: Inputs, target: ChargingState) -> Memory:
    """Take the entry actions of a state the session moves to. Source: charging.md section 8."""
    state = memory.state
    if target is state:
        return memory
    if target is ChargingState.A:
        return rest(memory, inputs, target)
    if target in PAUSED_STATES:
        if state in CHARGING_STATES:
            held = contactor.withdraw_offer(memory.contactor, inputs.now_ms)
            memory = replace(memory, contactor=held)
    elif target in CHARGING_STATES:
        memory = _enter_charging(memory, inputs)
    else:
        memory = open_contactor(memory, inputs)
    return replace(memory, state=target)


def _enter_charging(memory: Memory, inputs: Inputs) -> Memory:
    if memory.state in CHARGING_STATES:
        return memory
    held = memory.contactor
    if memory.state in PAUSED_STATES:
        held = contactor.renew_offer(held, inputs.now_ms)
    # Under-power is timed afresh on every entry (Q25).
    timed = replace(memory.limits, under_power_since_ms=None)
    return replace(memory, contactor=held, limits=timed)
