"""The snapshot and its reason."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.commands import Command, Enable, MakeAvailable, SetChargingCurrent, ShutDown
from evsed.charging.contactor import Contactor
from evsed.charging.energy import Energy, Measured, Power
from evsed.charging.indicators import blink_patterns
from evsed.charging.limits import Limits
from evsed.charging.memory import Inputs, Memory, PilotDrive
from evsed.charging.outlet import Outlet
from evsed.charging.owned_limits import OwnedLimit
from evsed.charging.picture import take_snapshot
from evsed.charging.rules import Rules
from evsed.charging.snapshot import ContactorCounters, Holder, Lateness, Snapshot
from evsed.charging.states import (
    ChargingState,
    Fault,
    MeterAlarm,
    MeterMode,
    MeterSource,
    PilotMode,
    Reason,
    SelfTest,
)

LATENESS = Lateness(passes=7, last_us=80)


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
    rig.until(lambda: rig.state == "B1")

    assert rig.snapshot.reason.value == "pilot_settling"


def test_the_picture_shows_what_is_offered_only_while_it_is(rig: Rig) -> None:
    rig.send(SetChargingCurrent(100))
    rig.charge()
    assert (rig.snapshot.offered_da, rig.snapshot.duty_ppm) == (100, 166_666)
    rig.send(Enable(on=False))
    rig.run(40)
    assert (rig.snapshot.offered_da, rig.snapshot.duty_ppm) == (0, 0)
    assert rig.snapshot.charging_current_da == 100


def test_the_picture_of_a_charging_station_is_complete() -> None:
    guard = OwnedLimit(owner="guard", current_da=130)
    counters = ContactorCounters(closings=5, openings=4, loaded_openings=3)
    memory = Memory(
        rules=Rules(
            socket_outlet=True,
            lock_fitted=True,
            proximity_fitted=True,
            meter_mode=MeterMode.CURRENT_VOLTAGE,
        ),
        charging_current_da=160,
        state=ChargingState.C2,
        pilot=PilotDrive(mode=PilotMode.PWM, offered_da=130, duty_ppm=216_666),
        limits=Limits(consumption_ws=7_200_000, charging_time_s=3600, under_power_w=500),
        owned=(guard,),
        outlet=Outlet(in_use=True, rating_a=20, lock_wanted=True),
        contactor=Contactor(closed=True, ever_closed=True, counters=counters),
        energy=Energy(
            session_mws=41_000, total_mws=95_000, charging_time_ms=14_000, session_since_ms=5_000
        ),
        power=Power(voltages_v=(231.0, 0.0, 0.0), currents_a=(12.9, 0.0, 0.0), power_mw=2_979_900),
    )
    inputs = Inputs(
        now_ms=20_000,
        feedback=True,
        temperature_low_cdeg=2150,
        temperature_high_cdeg=3275,
        temperature_sensors=2,
        measured=Measured(),
        meter_source=MeterSource.BOARD,
        meter_alarms=(MeterAlarm.L1_CURRENT_REVERSED,),
    )

    assert take_snapshot(memory, inputs, LATENESS) == Snapshot(
        at_ms=20_000,
        state=ChargingState.C2,
        reason=Reason.CHARGING,
        charging_current_da=160,
        consumption_limit_ws=7_200_000,
        charging_time_limit_s=3600,
        under_power_limit_w=500,
        owned=(guard,),
        holders=(
            Holder("guard", 130),
            Holder("cable", 200),
            Holder("board", 630),
            Holder("settings", 320),
            Holder("user", 160),
        ),
        limited_by="guard",
        pilot=PilotMode.PWM,
        offered_da=130,
        duty_ppm=216_666,
        contactor_closed=True,
        contactor_feedback=True,
        locked=True,
        cable_rating_a=20,
        session=True,
        session_time_ms=15_000,
        charging_time_ms=14_000,
        session_energy_ws=41,
        total_energy_ws=95,
        power_w=2980,
        voltages_v=(231.0, 0.0, 0.0),
        currents_a=(12.9, 0.0, 0.0),
        meter_source=MeterSource.BOARD,
        meter_alarms=(MeterAlarm.L1_CURRENT_REVERSED,),
        temperature_low_cdeg=2150,
        temperature_high_cdeg=3275,
        temperature_sensors=2,
        counters=counters,
        lateness=LATENESS,
    )


def test_the_picture_of_a_station_at_rest_shows_nothing_of_a_charge() -> None:
    memory = Memory(enabled=False, available=False, state=ChargingState.F)

    assert take_snapshot(memory, Inputs(now_ms=20_000), LATENESS) == Snapshot(
        at_ms=20_000,
        state=ChargingState.F,
        reason=Reason.OUT_OF_SERVICE,
        available=False,
        enabled=False,
        faults=Fault.NONE,
        holders=(Holder("user", 0), Holder("board", 630), Holder("settings", 320)),
        limited_by="user",
        meter_source=MeterSource.ASSUMED,
        lateness=LATENESS,
    )


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
