"""One control pass of the charging rules: ``step()``. Pure.

Order: measure, fast interlock, faults, transition, pilot, contactor. Everything that can make the
contactor open comes before anything that can close it. Source: charging.md sections 6 to 8.
"""

from dataclasses import replace
from typing import Final

from evsed.charging import authorization, contactor, energy, limits, outlet
from evsed.charging.causes import measured_currents, present_causes, tripped
from evsed.charging.debounce import PilotLine, follow_window
from evsed.charging.energy import power_now
from evsed.charging.faults import cleared_by_time, release_unplugged, settle_faults
from evsed.charging.gates import closed_gate, permitted_da
from evsed.charging.indicators import blink_patterns
from evsed.charging.limits import SessionFigures, check_limits
from evsed.charging.memory import Inputs, Memory, Outputs, PilotDrive
from evsed.charging.pilot import duty_ppm
from evsed.charging.protections import RAISE_EVERY_MS, Overcurrent, derate, watch_current
from evsed.charging.snapshot import DARK
from evsed.charging.states import (
    CHARGING_STATES,
    OFFERING_STATES,
    PAUSED_STATES,
    SESSION_STATES,
    ChargingState,
    Fault,
    PilotMode,
    PilotReading,
    SelfTest,
    follow_pilot,
)
from evsed.charging.wake_up import WakeUp, follow_waiting

#: -12 V lasts at least this long. Source: charging.md section 17.
LOW_AT_LEAST_MS: Final = 300
#: How long state E shows -12 V before the pilot listens for the unplugging.
_LISTEN_AFTER_MS: Final = 5000

#: What the vehicle asks while the pilot cannot be read: what it asked last.
_ASKED: Final = {
    ChargingState.B1: PilotReading.V9,
    ChargingState.B2: PilotReading.V9,
    ChargingState.C1: PilotReading.V6,
    ChargingState.C2: PilotReading.V6,
    ChargingState.D1: PilotReading.V3,
    ChargingState.D2: PilotReading.V3,
}
_KEEPS_PLUG_LOCKED: Final = Fault.LOCK_FAULT | Fault.UNLOCK_FAULT | Fault.CONTACTOR_WELDED


def step(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    """Decide one pass. Never raises, never waits, never reads a clock."""
    before = memory
    memory = _measure(memory, inputs)
    memory = _interlock(memory, inputs)
    memory, cleared = _settle_faults(memory, inputs)
    if memory.faults.bits:
        memory = _rest(memory, inputs, ChargingState.A)
    elif not cleared:
        memory = _advance(memory, inputs)
    memory = _drive_pilot(memory, inputs)
    memory = _drive_contactor(memory, inputs)
    memory = _release_plug(memory, inputs)
    power = power_now(
        memory.rules, inputs.measured, memory.pilot.offered_da, closed=memory.contactor.closed
    )
    if inputs.recorded is not None:
        power = replace(power, power_w=inputs.recorded.power_w)
    memory = replace(memory, power=power, last_ms=inputs.now_ms)
    return memory, _outputs(before, memory)


def _measure(memory: Memory, inputs: Inputs) -> Memory:
    """Take in what was measured, and count what flowed since the last pass."""
    if memory.last_ms is None:
        memory = _begin(memory, inputs.now_ms)
    line = memory.line
    for window in inputs.windows:
        line = follow_window(line, window, memory.rules.pilot_levels)
    plug = memory.outlet
    if inputs.proximity is not None and memory.rules.proximity_fitted:
        plug = outlet.follow_proximity(plug, *inputs.proximity, memory.rules)
    counters = energy.add_up(
        memory.energy,
        memory.power,
        inputs.now_ms - (memory.last_ms or inputs.now_ms),
        charging=memory.state in CHARGING_STATES,
    )
    derating = derate(memory.derating, memory.rules, inputs.temperature_high_cdeg, inputs.now_ms)
    return replace(
        memory,
        line=line,
        outlet=plug,
        energy=counters,
        derating=derating,
        overcurrent=_watch_current(memory, inputs),
    )


def _begin(memory: Memory, now_ms: int) -> Memory:
    """Start every duration of the very first pass at its own time."""
    return replace(
        memory,
        last_ms=now_ms,
        line=PilotLine(seen_ms=now_ms),
        pilot=replace(memory.pilot, since_ms=now_ms),
        contactor=replace(memory.contactor, since_ms=now_ms),
    )


def _watch_current(memory: Memory, inputs: Inputs) -> Overcurrent:
    currents = measured_currents(memory, inputs)
    if currents is None or not memory.contactor.closed:
        return Overcurrent()
    return watch_current(memory.overcurrent, currents, memory.pilot.offered_da, inputs.now_ms)


def _interlock(memory: Memory, inputs: Inputs) -> Memory:
    """Open at once for anything that cannot wait for a debounced reading or a fault."""
    if not memory.contactor.closed:
        return memory
    now = inputs.now_ms
    opens = (
        contactor.must_open(memory.line, now)
        or tripped(memory, inputs)
        or inputs.emergency_stop
        or inputs.controller_failed
    )
    held, ended = contactor.run_timers(
        memory.contactor, memory.line, now, measured_currents(memory, inputs)
    )
    memory = replace(memory, contactor=held)
    return _open(memory, inputs) if opens or ended else memory


def _open(memory: Memory, inputs: Inputs) -> Memory:
    currents = measured_currents(memory, inputs) or DARK
    opened = contactor.open_now(memory.contactor, inputs.now_ms, currents)
    return replace(memory, contactor=opened)


def _settle_faults(memory: Memory, inputs: Inputs) -> tuple[Memory, bool]:
    """Clear what may clear, set what is wrong; tell whether the last fault has just gone."""
    causes = present_causes(memory, inputs)
    faults = settle_faults(memory.faults, causes, inputs.now_ms)
    if memory.line.stable is PilotReading.V12:
        faults = release_unplugged(faults, causes)
    if faults is memory.faults:
        return memory, False
    before = memory.faults
    was_set, is_set = bool(before.bits), bool(faults.bits)
    memory = replace(memory, faults=faults)
    if was_set is is_set:
        return memory, False
    if is_set:
        return _enter_error(memory, inputs), False
    return _leave_error(memory, expect_unasking=cleared_by_time(before, faults)), True


def _enter_error(memory: Memory, inputs: Inputs) -> Memory:
    return replace(
        memory,
        error_since_ms=inputs.now_ms,
        seen_unasking=memory.line.stable is PilotReading.V9,
        line=memory.line.blank(),
    )


def _leave_error(memory: Memory, *, expect_unasking: bool) -> Memory:
    """Leave E through A (or F); what the pilot says next must be settled afresh (Q4).

    A vehicle that did not ask when the error came cannot have been told to ask since: if it asks
    on the way out, its pilot circuit is not to be trusted yet (decision 0005).
    """
    return replace(
        memory,
        state=ChargingState.A if memory.in_service else ChargingState.F,
        error_since_ms=None,
        seen_unasking=memory.seen_unasking and expect_unasking,
        line=memory.line.blank(),
    )


def _rest(memory: Memory, inputs: Inputs, state: ChargingState) -> Memory:
    """Enter A, F, or what lies below E: contactor open, the session over."""
    memory = _open(memory, inputs)
    return replace(
        memory,
        state=state,
        authorization=authorization.end_session(memory.authorization),
        limits=limits.end_session(memory.limits),
        outlet=outlet.end_session(memory.outlet),
        energy=energy.end_session(memory.energy),
        rcm_test=SelfTest.NOT_RUN,
        wake_up=WakeUp(),
    )


def _advance(memory: Memory, inputs: Inputs) -> Memory:
    """Follow the vehicle and the gates to the next state. Source: charging.md section 7."""
    state = memory.state
    if state is ChargingState.F:
        return replace(memory, state=ChargingState.A) if memory.in_service else memory
    if state is ChargingState.A:
        return _from_a(memory, inputs)
    if not memory.in_service and state not in CHARGING_STATES and not memory.contactor.closed:
        return _rest(memory, inputs, ChargingState.F)
    memory = _follow_session(memory, inputs)
    reading = memory.line.stable or _ASKED[state]
    target = follow_pilot(reading, allowed=closed_gate(memory, inputs, reading) is None)
    return _enter(memory, inputs, state if target is None else target)


def _from_a(memory: Memory, inputs: Inputs) -> Memory:
    if not memory.in_service:
        return _rest(memory, inputs, ChargingState.F)
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
    return replace(
        memory,
        authorization=granted,
        limits=reached,
        rcm_test=_follow_rcm_test(memory, inputs),
        wake_up=wake_up,
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
        safe = contactor.confirmed_open(memory.contactor, inputs.now_ms, feedback=inputs.feedback)
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
        return _rest(memory, inputs, target)
    if target in PAUSED_STATES:
        if state in CHARGING_STATES:
            held = contactor.withdraw_offer(memory.contactor, inputs.now_ms)
            memory = replace(memory, contactor=held)
    elif target in CHARGING_STATES:
        memory = _enter_charging(memory, inputs)
    else:
        memory = _open(memory, inputs)
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


def _drive_pilot(memory: Memory, inputs: Inputs) -> Memory:
    mode = _pilot_mode(memory, inputs.now_ms)
    drive = memory.pilot
    if mode is not drive.mode:
        low_ms = inputs.now_ms - drive.since_ms
        if drive.mode is PilotMode.LOW and low_ms < LOW_AT_LEAST_MS:
            return memory
        drive = replace(drive, mode=mode, since_ms=inputs.now_ms, duty_ppm=0)
        memory = replace(memory, line=memory.line.new_run())
    if mode is PilotMode.PWM:
        drive = _offer(drive, permitted_da(memory), inputs.now_ms)
    return memory if drive is memory.pilot else replace(memory, pilot=drive)


def _pilot_mode(memory: Memory, now_ms: int) -> PilotMode:
    if memory.error_since_ms is not None:
        # Late in E the pilot may listen for the unplugging; nothing is offered, nothing closes.
        listening = now_ms - memory.error_since_ms >= _LISTEN_AFTER_MS
        return (
            PilotMode.HIGH if listening and memory.faults.waits_for_unplugging() else PilotMode.LOW
        )
    if memory.state is ChargingState.F:
        return PilotMode.LOW
    pulse = memory.wake_up.pilot_mode(now_ms)
    if pulse is not None:
        return pulse
    return PilotMode.PWM if memory.state in OFFERING_STATES else PilotMode.HIGH


def _offer(drive: PilotDrive, permitted: int, now_ms: int) -> PilotDrive:
    """Lower an offer at once, raise it at most once a second. Source: charging.md section 3."""
    fresh = drive.duty_ppm == 0
    raising = permitted > drive.offered_da
    if not fresh and (
        permitted == drive.offered_da or (raising and now_ms - drive.raised_ms < RAISE_EVERY_MS)
    ):
        return drive
    raised_ms = now_ms if fresh or raising else drive.raised_ms
    return replace(drive, offered_da=permitted, duty_ppm=duty_ppm(permitted), raised_ms=raised_ms)


def _drive_contactor(memory: Memory, inputs: Inputs) -> Memory:
    """Close when, and only when, every condition of the closing rule holds."""
    if memory.contactor.closed or memory.faults.bits or memory.state not in CHARGING_STATES:
        return memory
    if memory.pilot.mode is not PilotMode.PWM:
        return memory
    reading = memory.line.stable or _ASKED[memory.state]
    if closed_gate(memory, inputs, reading) is not None:
        return memory
    if not contactor.may_close(memory.line, inputs.now_ms, feedback=inputs.feedback):
        return memory
    return replace(memory, contactor=contactor.close_now(memory.contactor, inputs.now_ms))


def _release_plug(memory: Memory, inputs: Inputs) -> Memory:
    safe = not memory.faults.has(_KEEPS_PLUG_LOCKED) and contactor.confirmed_open(
        memory.contactor, inputs.now_ms, feedback=inputs.feedback
    )
    plug = outlet.release_forgotten_plug(
        memory.outlet,
        position=inputs.lock_position,
        free=memory.line.stable is PilotReading.V12 and memory.state not in SESSION_STATES,
        now_ms=inputs.now_ms,
    )
    plug = outlet.release_plug(plug, safe=safe)
    return memory if plug is memory.outlet else replace(memory, outlet=plug)


def _outputs(before: Memory, memory: Memory) -> Outputs:
    charging_led, error_led = blink_patterns(memory.reported_state)
    drive = memory.pilot
    return Outputs(
        pilot=drive.mode,
        duty_ppm=drive.duty_ppm if drive.mode is PilotMode.PWM else 0,
        contactor_closed=memory.contactor.closed,
        lock=memory.outlet.lock_wanted,
        start_rcm_test=(
            memory.rcm_test is SelfTest.RUNNING and before.rcm_test is not SelfTest.RUNNING
        ),
        charging_led=charging_led,
        error_led=error_led,
    )
