"""What is driven: pilot for its least time, contactor by its own closing rule."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.commands import Enable, MakeAvailable
from evsed.charging.drives import drive_contactor, drive_pilot
from evsed.charging.memory import Inputs
from evsed.charging.states import ChargingState, PilotMode


def waiting_to_close() -> tuple[Rig, Inputs]:
    """Return a station whose contactor closes with the next look at the closing rule."""
    rig = Rig()
    rig.charge()
    rig.change(contactor=replace(rig.memory.contactor, closed=False))
    inputs = Inputs(now_ms=rig.now_ms)
    assert drive_contactor(rig.memory, inputs).contactor.closed
    return rig, inputs


@pytest.mark.parametrize(
    "unfit",
    [
        {"enabled": False},
        {"available": False},
        {"shutting_down": True},
        {"state": ChargingState.C1},
        {"rules": replace(NO_REST, rcm=True)},
        {"rules": replace(NO_REST, require_auth=True, contactor_rest_ms=10**6)},
    ],
    ids=str,
)
def test_the_closing_rule_asks_for_permission_itself(unfit: dict[str, object]) -> None:
    rig, inputs = waiting_to_close()
    rig.change(**unfit)

    assert not drive_contactor(rig.memory, inputs).contactor.closed


def test_the_closing_rule_wants_pilot_diode_and_open_contacts() -> None:
    rig, inputs = waiting_to_close()
    memory = rig.memory
    high = replace(memory, pilot=replace(memory.pilot, mode=PilotMode.HIGH))
    blank = replace(memory, line=replace(memory.line, diode_windows=2))

    assert not drive_contactor(high, inputs).contactor.closed
    assert not drive_contactor(blank, inputs).contactor.closed
    assert not drive_contactor(memory, replace(inputs, feedback=True)).contactor.closed
    assert not drive_contactor(memory, replace(inputs, now_ms=rig.now_ms + 101)).contactor.closed


def test_in_every_pwm_run_the_diode_has_to_show_anew() -> None:
    rig, inputs = waiting_to_close()
    rig.change(pilot=replace(rig.memory.pilot, mode=PilotMode.HIGH))
    resumed = drive_pilot(rig.memory, inputs)

    assert resumed.pilot.mode is PilotMode.PWM
    assert not drive_contactor(resumed, inputs).contactor.closed


def test_a_vehicle_that_asks_within_the_pulse_waits_for_an_offer() -> None:
    rig = Rig(replace(NO_REST, wake_up_after_s=5))
    rig.car("9")
    rig.until(lambda: rig.snapshot.pilot is PilotMode.LOW)
    rig.until(lambda: rig.snapshot.pilot is not PilotMode.LOW)
    assert rig.snapshot.pilot is PilotMode.HIGH

    assert rig.car("6", 1000).contactor_closed


def test_a_duty_is_driven_only_while_there_is_an_offer(rig: Rig) -> None:
    driven = []
    for on in (True, False):
        rig.send(Enable(on=on))
        rig.car("6")
        assert rig.outputs is not None
        driven.append((rig.outputs.pilot, rig.outputs.duty_ppm))

    assert driven == [(PilotMode.PWM, 533_333), (PilotMode.HIGH, 0)]


def test_minus_12_v_lasts_300_ms(rig: Rig) -> None:
    rig.send(MakeAvailable(on=False))
    rig.one_pass()
    rig.send(MakeAvailable(on=True))
    modes = [rig.one_pass().pilot for _ in range(30)]

    assert modes[:14] == [PilotMode.LOW] * 14
    assert modes[14:] == [PilotMode.HIGH] * 16
