"""From memory to the snapshot services see, with the reason in one word. Pure."""

from evsed.charging.contactor import Contactor
from evsed.charging.gates import closed_gate
from evsed.charging.holding import holders, limited_by
from evsed.charging.memory import Inputs, Memory
from evsed.charging.snapshot import Lateness, Snapshot
from evsed.charging.states import (
    CHARGING_STATES,
    OTHER_PHASES,
    SESSION_STATES,
    ChargingState,
    Fault,
    MeterAlarm,
    MeterMode,
    MeterSource,
    PilotMode,
    PilotReading,
    Reason,
)


def take_snapshot(memory: Memory, inputs: Inputs, lateness: Lateness) -> Snapshot:
    """Return the picture of the station at the end of one pass."""
    drive, energy, limits, power = memory.pilot, memory.energy, memory.limits, memory.power
    offering = drive.mode is PilotMode.PWM
    since_ms = energy.session_since_ms
    holding = holders(memory)
    return Snapshot(
        at_ms=inputs.now_ms,
        state=memory.reported_state,
        reason=reason_now(memory, inputs),
        available=memory.available,
        enabled=memory.enabled,
        pending_auth=_pending_auth(memory, inputs.now_ms),
        limit_reached=limits.reached is not None,
        faults=Fault(memory.faults.bits),
        charging_current_da=memory.charging_current_da,
        consumption_limit_ws=limits.consumption_ws,
        charging_time_limit_s=limits.charging_time_s,
        under_power_limit_w=limits.under_power_w,
        owned=memory.owned,
        holders=holding,
        limited_by=limited_by(holding),
        pilot=drive.mode,
        offered_da=drive.offered_da if offering else 0,
        duty_ppm=drive.duty_ppm if offering else 0,
        contactor_closed=memory.contactor.closed,
        contactor_feedback=inputs.feedback,
        locked=_locked(memory),
        cable_rating_a=_cable_rating_a(memory),
        session=since_ms is not None,
        session_time_ms=0 if since_ms is None else inputs.now_ms - since_ms,
        charging_time_ms=energy.charging_time_ms,
        session_energy_ws=energy.session_ws,
        total_energy_ws=energy.total_ws,
        power_w=power.power_w,
        voltages_v=power.voltages_v,
        currents_a=power.currents_a,
        meter_source=_meter_source(memory, inputs),
        meter_alarms=_meter_alarms(memory, inputs),
        temperature_low_cdeg=inputs.temperature_low_cdeg or 0,
        temperature_high_cdeg=inputs.temperature_high_cdeg or 0,
        temperature_sensors=inputs.temperature_sensors,
        counters=memory.contactor.counters,
        lateness=lateness,
    )


def _meter_source(memory: Memory, inputs: Inputs) -> MeterSource:
    rules = memory.rules
    if rules.meter_mode is MeterMode.DUMMY:
        return MeterSource.ASSUMED
    if inputs.measured is None and rules.meter_lost_assumes:
        return MeterSource.ASSUMED
    return inputs.meter_source


def _meter_alarms(memory: Memory, inputs: Inputs) -> tuple[MeterAlarm, ...]:
    rules, alarms = memory.rules, inputs.meter_alarms
    if rules.meter_mode is MeterMode.DUMMY:
        return ()
    following = memory.energy.following
    if following is not None and following.jumped:
        alarms = (*alarms, MeterAlarm.COUNTER_JUMPED)
    if rules.three_phases or not alarms:
        return alarms
    return tuple(alarm for alarm in alarms if alarm not in OTHER_PHASES)


def _pending_auth(memory: Memory, now_ms: int) -> bool:
    """Whether a session waits for somebody's permission. Source: charging.md section 9 (Q28)."""
    return (
        not memory.faults.bits
        and memory.state in SESSION_STATES
        and memory.rules.require_auth
        and not memory.authorization.authorized
        and not memory.authorization.granted(now_ms)
    )


def _locked(memory: Memory) -> bool | None:
    rules = memory.rules
    return memory.outlet.lock_wanted is True if rules.socket_outlet and rules.lock_fitted else None


def _cable_rating_a(memory: Memory) -> int | None:
    """Return what the plugged-in cable is rated; a tethered one has no rating of its own."""
    fitted = memory.rules.socket_outlet and memory.rules.proximity_fitted
    return memory.outlet.rating_a or None if fitted and not memory.faults.bits else None


def reason_now(memory: Memory, inputs: Inputs) -> Reason:
    """Return why the station is, or is not, charging."""
    if memory.faults.bits:
        return Reason.RETRIES_EXHAUSTED if memory.faults.exhausted() else Reason.FAULT
    if memory.state is ChargingState.F:
        return Reason.SHUTTING_DOWN if memory.shutting_down else Reason.OUT_OF_SERVICE
    if memory.state is ChargingState.A:
        settled = memory.line.stable is PilotReading.V12
        return Reason.NO_VEHICLE if settled else Reason.PILOT_SETTLING
    if memory.state in CHARGING_STATES:
        return _while_charging(memory.contactor)
    reading = memory.line.stable or PilotReading.V9
    closed = closed_gate(memory, inputs, reading)
    if closed is not None:
        return closed
    waiting = memory.state is ChargingState.B2
    return Reason.VEHICLE_NOT_ASKING if waiting else Reason.PILOT_SETTLING


def _while_charging(contactor: Contactor) -> Reason:
    return Reason.CHARGING if contactor.closed else Reason.STARTING
