"""Session limits: scenario 8 of charging.md section 19, and what derating and settings do."""

from dataclasses import replace

import pytest

from evsed.charging.commands import (
    Authorize,
    Enable,
    SetChargingCurrent,
    SetChargingTimeLimit,
    SetConsumptionLimit,
    SetUnderPowerLimit,
)
from evsed.errors import RejectedError
from scenarios.street import SIM_BOARD, Street, quick_board

WATTS = 7360  # 32 A at 230 V, as dummy metering sees the offer


def test_a_consumption_limit_pauses_when_it_is_reached(quick: Street) -> None:
    quick.send(SetConsumptionLimit(10 * WATTS)).charge()
    quick.vehicle.ignore_the_pilot()
    quick.wait_ms(9800).expect(state="C2", limit_reached=False)
    quick.wait_ms(300).expect(state="C1", limit_reached=True, reason="consumption_limit")
    assert quick.now.session_energy_ws >= 10 * WATTS


@pytest.mark.parametrize("limit_ws", [1000 * WATTS, 0])
def test_a_raised_or_removed_consumption_limit_resumes(quick: Street, limit_ws: int) -> None:
    quick.vehicle.ignore_the_pilot()
    quick.send(SetConsumptionLimit(5 * WATTS)).charge()
    quick.until(state="C1", within_ms=6000).wait_ms(500).send(SetConsumptionLimit(limit_ws))
    quick.wait_ms(60).expect(state="C2", contactor=True, limit_reached=False)
    assert [on for _, on in quick.switched] == [True]


def test_a_charging_time_limit_pauses_when_it_is_reached(quick: Street) -> None:
    quick.send(SetChargingTimeLimit(10)).charge()
    quick.vehicle.ignore_the_pilot()
    quick.wait_ms(9800).expect(state="C2", limit_reached=False)
    quick.wait_ms(300).expect(state="C1", limit_reached=True, reason="charging_time_limit")


def test_a_raised_charging_time_limit_resumes(quick: Street) -> None:
    quick.set(reaction=100)
    quick.send(SetChargingTimeLimit(3)).charge()
    quick.until(state="B1", within_ms=4000).wait_s(10).expect(limit_reached=True)
    assert quick.now.charging_time_ms < 3100
    quick.send(SetChargingTimeLimit(100))
    quick.until(state="C2", contactor=True).expect(limit_reached=False)


def test_time_that_was_not_spent_charging_does_not_count(quick: Street) -> None:
    quick.send(SetChargingTimeLimit(3))
    quick.vehicle.plug_in()
    quick.wait_s(5).expect(state="B2", limit_reached=False)
    assert quick.now.charging_time_ms == 0
    assert quick.now.session_time_ms > 4000


def test_a_limit_is_forgotten_with_the_session_but_its_value_stays(quick: Street) -> None:
    quick.send(SetConsumptionLimit(3 * WATTS)).charge()
    quick.until(limit_reached=True, within_ms=4000)
    quick.vehicle.unplug()
    quick.until(state="A").expect(limit_reached=False)
    assert quick.now.consumption_limit_ws == 3 * WATTS
    quick.charge().wait_s(2).expect(state="C2", limit_reached=False)
    quick.wait_ms(1200).expect(limit_reached=True)


def test_power_below_the_limit_for_59_s_changes_nothing(quick: Street) -> None:
    quick.send(SetUnderPowerLimit(WATTS + 1)).charge()
    quick.wait_s(59).expect(state="C2", limit_reached=False)


def test_power_below_the_limit_for_61_s_ends_charging_for_this_session(quick: Street) -> None:
    quick.set(reaction=100)
    quick.send(SetUnderPowerLimit(WATTS + 1)).charge()
    quick.wait_s(61).expect(state="B1", limit_reached=True, reason="under_power_limit")
    quick.wait_s(10).expect(state="B1", limit_reached=True)


def test_a_moment_of_power_starts_the_60_s_again(quick: Street) -> None:
    quick.send(SetUnderPowerLimit(2000)).send(SetChargingCurrent(60)).charge()
    quick.wait_s(50).send(SetChargingCurrent(320)).wait_s(1).send(SetChargingCurrent(60))
    quick.wait_s(50).expect(state="C2", limit_reached=False)
    quick.wait_s(11).expect(limit_reached=True)


def test_the_60_s_start_again_with_every_entry_to_charging(quick: Street) -> None:
    quick.send(SetUnderPowerLimit(WATTS + 1)).charge()
    quick.wait_s(50)
    quick.vehicle.open_s2()
    quick.wait_s(5)
    quick.charge()
    quick.wait_s(50).expect(state="C2", limit_reached=False)
    quick.wait_s(11).expect(limit_reached=True)


@pytest.mark.parametrize(
    "commands",
    [[SetUnderPowerLimit(10)], [Authorize()], [Enable(False), Enable(True)]],
    ids=["written", "authorized", "enabled again"],
)
def test_under_power_is_released_by_somebody_who_acts(quick: Street, commands: list) -> None:
    quick.set(reaction=100)
    quick.send(SetUnderPowerLimit(WATTS + 1)).charge()
    quick.wait_s(61).expect(limit_reached=True)
    for command in commands:
        quick.send(command)
    quick.until(state="C2", within_ms=1000).expect(limit_reached=False)


def test_measured_power_is_what_the_under_power_limit_looks_at() -> None:
    ramp = replace(SIM_BOARD.sim.vehicle, ramp_a_per_s=100.0)
    street = Street(replace(SIM_BOARD, sim=replace(SIM_BOARD.sim, vehicle=ramp))).start()
    street.send(SetUnderPowerLimit(500)).charge()
    street.wait_s(5).set(maxCurrent=2)
    street.wait_s(59).expect(state="C2", limit_reached=False)
    street.wait_s(2).expect(limit_reached=True, reason="under_power_limit")


def test_a_lowered_ceiling_clamps_set_point_and_offer_at_once(quick: Street) -> None:
    quick.charge().expect(offered=32.0)
    quick.change_settings(max_charging_current_a=16, default_charging_current_da=160)
    quick.expect(offered=16.0, state="C2")
    assert quick.now.charging_current_da == 160
    with pytest.raises(RejectedError, match=r"6\.0 to 16\.0 A"):
        quick.send(SetChargingCurrent(161))


def test_an_offer_is_lowered_at_once_and_raised_once_a_second(quick: Street) -> None:
    quick.charge().send(SetChargingCurrent(60)).expect(offered=6.0)
    quick.wait_s(2).send(SetChargingCurrent(100)).expect(offered=10.0)
    quick.send(SetChargingCurrent(200)).expect(offered=10.0)
    quick.wait_ms(1000).expect(offered=20.0)
    quick.send(SetChargingCurrent(80)).expect(offered=8.0)


def test_heat_lowers_the_offer_step_by_step_and_cooling_raises_it() -> None:
    quick = Street(quick_board(), max_charging_current_a=10, default_charging_current_da=100)
    quick.start().charge().set(temperature=55.0)
    quick.wait_s(14).expect(state="C2")
    assert 8.5 < quick.now.offered_da / 10 < 10.0
    quick.wait_s(18).expect(offered=8.0, state="C2")
    assert quick.now.charging_current_da == 100
    quick.set(temperature=25.0).wait_s(32).expect(offered=10.0)
