"""One control pass of the charging rules: ``step()``. Pure.

Order: measure, fast interlock, faults, transition, pilot, contactor. Everything that can make the
contactor open comes before anything that can close it. Source: charging.md sections 6 to 8.
"""

from dataclasses import replace
from typing import Final

from evsed.charging import contactor, energy, outlet
from evsed.charging.causes import measured_currents, present_causes, tripped
from evsed.charging.debounce import PilotLine, follow_windows
from evsed.charging.drives import drive_contactor, drive_lock, drive_pilot
from evsed.charging.faults import cleared_by_time, release_unplugged, settle_faults
from evsed.charging.holding import hold
from evsed.charging.indicators import blink_patterns
from evsed.charging.memory import Inputs, Memory, Outputs
from evsed.charging.owned_limits import begin, expire
from evsed.charging.protections import CALM, Overcurrent, derate, watch_current
from evsed.charging.states import (
    CHARGING_STATES,
    ChargingState,
    PilotMode,
    PilotReading,
    SelfTest,
)
from evsed.charging.transitions import advance, open_contactor, rest

_NOT_ASKING: Final = frozenset({PilotReading.V12, PilotReading.V9})


def step(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    """Decide one pass. Never raises, never waits, never reads a clock."""
    before = memory
    memory, lost = _measure(memory, inputs)
    if memory.contactor.closed:
        memory = _interlock(memory, inputs, lost=lost)
    memory, cleared = _settle_faults(memory, inputs)
    if memory.faults.bits:
        memory = rest(memory, inputs, ChargingState.A)
    elif not cleared:
        memory = advance(memory, inputs)
    memory = drive_pilot(memory, inputs)
    memory = drive_contactor(memory, inputs)
    memory = drive_lock(memory, inputs)
    power = _power(memory, inputs)
    if power is not memory.power:
        memory = replace(memory, power=power)
    return memory, _outputs(before, memory)


def _measure(memory: Memory, inputs: Inputs) -> tuple[Memory, bool]:
    """Take in what was measured, and count what flowed since the last pass.

    Returns:
        The memory, and whether two pilot windows in a row were bad.
    """
    if memory.last_ms is None:
        memory = _begin(memory, inputs.now_ms)
    memory = hold(memory, expire(memory.owned, inputs.now_ms))
    rules, plug = memory.rules, memory.outlet
    line, lost = follow_windows(memory.line, inputs.windows, rules.pilot_levels)
    if rules.proximity_fitted and inputs.proximity is not None:
        plug = outlet.follow_proximity(plug, *inputs.proximity, rules)
    elapsed_ms = inputs.now_ms - (memory.last_ms or inputs.now_ms)
    measured = replace(
        memory,
        last_ms=inputs.now_ms,
        line=line,
        unclean_end=memory.unclean_end and line.stable not in _NOT_ASKING,
        outlet=outlet.follow_lock(plug, inputs.lock_status),
        energy=energy.add_up(
            memory.energy,
            memory.power,
            elapsed_ms,
            charging=memory.state in CHARGING_STATES,
            register=energy.register_now(
                rules, inputs.measured, closed=memory.contactor.closed, now_ms=inputs.now_ms
            ),
        ),
        derating=derate(memory.derating, rules, inputs.temperature_high_cdeg, inputs.now_ms),
        overcurrent=_watch_current(memory, inputs),
    )
    return measured, lost


def _begin(memory: Memory, now_ms: int) -> Memory:
    """Start every duration of the very first pass at its own time."""
    return replace(
        memory,
        last_ms=now_ms,
        line=PilotLine(seen_ms=now_ms),
        pilot=replace(memory.pilot, since_ms=now_ms),
        contactor=replace(memory.contactor, since_ms=now_ms),
        owned=begin(memory.owned, now_ms),
    )


def _watch_current(memory: Memory, inputs: Inputs) -> Overcurrent:
    currents, measured = measured_currents(memory, inputs), inputs.measured
    if currents is None or measured is None or not memory.contactor.closed:
        return CALM
    watch, offered_da = memory.overcurrent, memory.pilot.offered_da
    if measured.taken_ms is None:
        return watch_current(watch, currents, offered_da, inputs.now_ms)
    if measured.taken_ms == watch.judged_ms:
        return watch  # a slow meter: each reading is judged once, or an old one would add up
    watch = watch_current(watch, currents, offered_da, measured.taken_ms)
    return replace(watch, judged_ms=measured.taken_ms)


def _interlock(memory: Memory, inputs: Inputs, *, lost: bool) -> Memory:
    """Open at once for anything that cannot wait for a debounced reading or a fault."""
    now_ms = inputs.now_ms
    held, ended = contactor.run_timers(
        memory.contactor, memory.line, now_ms, measured_currents(memory, inputs)
    )
    if held is not memory.contactor:
        memory = replace(memory, contactor=held)
    opens = (
        lost
        or ended
        or contactor.blind(memory.line, now_ms)
        or tripped(memory, inputs)
        or inputs.emergency_stop
        or inputs.controller_failed
    )
    return open_contactor(memory, inputs) if opens else memory


def _settle_faults(memory: Memory, inputs: Inputs) -> tuple[Memory, bool]:
    """Clear what may clear, set what is wrong; tell whether the last fault has just gone."""
    before = memory.faults
    causes = present_causes(memory, inputs)
    faults = settle_faults(before, causes, inputs.now_ms)
    if memory.line.stable is PilotReading.V12:
        faults = release_unplugged(faults, causes)
    if faults is before:
        return memory, False
    memory = replace(memory, faults=faults)
    if bool(faults.bits) is bool(before.bits):
        return memory, False
    if faults.bits:
        return _enter_error(memory, inputs), False
    return _leave_error(memory, by_time=cleared_by_time(before, faults)), True


def _enter_error(memory: Memory, inputs: Inputs) -> Memory:
    return replace(
        memory,
        error_since_ms=inputs.now_ms,
        seen_unasking=memory.line.stable is PilotReading.V9,
        line=memory.line.blank(),
    )


def _leave_error(memory: Memory, *, by_time: bool) -> Memory:
    """Leave E through A (or F); what the pilot says next must be settled afresh (Q4).

    A vehicle that did not ask when the error came cannot have been told to ask since: if it asks
    on the way out, its pilot circuit is not to be trusted yet (decision 0005).
    """
    unplugged = memory.line.stable is PilotReading.V12
    return replace(
        memory,
        state=ChargingState.A if memory.in_service else ChargingState.F,
        error_since_ms=None,
        seen_unasking=memory.seen_unasking and by_time and not unplugged,
        line=memory.line.blank(),
    )


def _power(memory: Memory, inputs: Inputs) -> energy.Power:
    power = energy.power_now(
        memory.rules, inputs.measured, memory.pilot.offered_da, closed=memory.contactor.closed
    )
    recorded = inputs.recorded
    return power if recorded is None else replace(power, power_mw=recorded.power_w * 1000)


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
