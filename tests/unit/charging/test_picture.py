"""The snapshot and its reason."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.commands import Command, Enable, MakeAvailable, SetChargingCurrent, ShutDown
from evsed.charging.indicators import blink_patterns
from evsed.charging.states import ChargingState, SelfTest


def test_reasons_on_the_way_to_charging(rig: Rig) -> None:
    assert rig.snapshot.reason.value == "no_vehicle"
    assert rig.car("9").reason.value == "vehicle_not_asking"
    rig.pilot_says = ("6", "6")
    seen = [rig.one_pass().reason.value for _ in range(30)]
    assert seen[-1] == "charging"
    assert rig.car("12", 40).reason.value == "starting"
    assert not rig.closed


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Enable(on=False), "disabled"),
        (MakeAvailable(on=False), "out_of_service"),
        (ShutDown(), "shutting_down"),
    ],
)
def test_the_reason_for_a_pause_is_who_asked_for_it(
    rig: Rig, command: Command, reason: str
) -> None:
    rig.charge()
    rig.send(command)

    assert rig.run(100).reason.value == reason


def test_a_board_that_cannot_do_6_a_never_offers() -> None:
    rig = Rig(replace(NO_REST, board_limit_a=5))

    assert rig.car("6").reason.value == "current_too_low"
    assert rig.state == "C1"


def test_the_self_test_is_a_reason() -> None:
    rig = Rig(replace(NO_REST, rcm=True))
    rig.given["rcm_test"] = SelfTest.RUNNING

    assert rig.car("9").reason.value == "rcm_selftest"


def test_the_first_pass_of_a_session_is_settling(rig: Rig) -> None:
    rig.pilot_says = ("9", "9")
    while rig.one_pass().state is not ChargingState.B1:
        pass

    assert rig.snapshot.reason.value == "pilot_settling"


def test_the_picture_shows_what_is_offered_only_while_it_is(rig: Rig) -> None:
    rig.send(SetChargingCurrent(100))
    rig.charge()
    assert (rig.snapshot.offered_da, rig.snapshot.duty_ppm) == (100, 166_666)
    rig.send(Enable(on=False))
    rig.run(40)
    assert (rig.snapshot.offered_da, rig.snapshot.duty_ppm) == (0, 0)
    assert rig.snapshot.charging_current_da == 100


def test_a_tethered_charger_has_no_lock_and_no_cable_rating(rig: Rig) -> None:
    rig.charge()

    assert rig.snapshot.locked is None
    assert rig.snapshot.cable_rating_a is None


def test_every_state_has_its_lights(rig: Rig) -> None:
    assert [blink_patterns(state) for state in ChargingState] == [
        ((0, 0), (0, 0)),
        ((500, 500), (0, 0)),
        ((500, 500), (0, 0)),
        ((1900, 100), (0, 0)),
        ((1, 0), (0, 0)),
        ((1900, 100), (0, 0)),
        ((1, 0), (0, 0)),
        ((0, 0), (1, 0)),
        ((0, 0), (500, 500)),
    ]
    rig.charge()
    assert rig.outputs is not None
    assert (rig.outputs.charging_led, rig.outputs.error_led) == ((1, 0), (0, 0))
