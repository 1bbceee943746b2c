"""Driving pilot, contactor and lock as the state wants it. Pure.

Source: charging.md sections 3 and 7 (closing rule), 8.
"""

from dataclasses import replace
from typing import Final

from evsed.charging import contactor, outlet
from evsed.charging.causes import measured_currents
from evsed.charging.gates import closed_gate, permitted_da
from evsed.charging.memory import Inputs, Memory, PilotDrive
from evsed.charging.pilot import duty_ppm
from evsed.charging.protections import RAISE_EVERY_MS
from evsed.charging.states import (
    CHARGING_STATES,
    OFFERING_STATES,
    SESSION_STATES,
    ChargingState,
    Fault,
    PilotMode,
    PilotReading,
)
from evsed.charging.transitions import asked

#: -12 V lasts at least this long. Source: charging.md section 17.
LOW_AT_LEAST_MS: Final = 300
#: How long state E shows -12 V before the pilot listens for the unplugging.
_LISTEN_AFTER_MS: Final = 5000

_KEEPS_PLUG_LOCKED: Final = Fault.LOCK_FAULT | Fault.UNLOCK_FAULT | Fault.CONTACTOR_WELDED


def drive_pilot(memory: Memory, inputs: Inputs) -> Memory:
    """Drive what the state wants, -12 V for its least time, and the offer in PWM."""
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


def drive_contactor(memory: Memory, inputs: Inputs) -> Memory:
    """Close when, and only when, every condition of the closing rule holds."""
    if memory.contactor.closed or memory.faults.bits or memory.state not in CHARGING_STATES:
        return memory
    if memory.pilot.mode is not PilotMode.PWM:
        return memory
    if closed_gate(memory, inputs, asked(memory)) is not None:
        return memory
    if not contactor.may_close(memory.line, inputs.now_ms, feedback=inputs.feedback):
        return memory
    return replace(memory, contactor=contactor.close_now(memory.contactor, inputs.now_ms))


def drive_lock(memory: Memory, inputs: Inputs) -> Memory:
    """Release the plug when, and only when, the contactor is known to be open."""
    safe = not memory.faults.has(_KEEPS_PLUG_LOCKED) and contactor.confirmed_open(
        memory.contactor,
        inputs.now_ms,
        feedback=inputs.feedback,
        currents_a=measured_currents(memory, inputs),
    )
    plug = outlet.release_forgotten_plug(
        memory.outlet,
        position=inputs.lock_position,
        free=memory.line.stable is PilotReading.V12 and memory.state not in SESSION_STATES,
        now_ms=inputs.now_ms,
    )
    plug = outlet.release_plug(plug, safe=safe)
    return memory if plug is memory.outlet else replace(memory, outlet=plug)
