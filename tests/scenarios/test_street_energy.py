"""Volts, amperes and what they add up to: section 13 of charging.md."""

from dataclasses import replace

import pytest

from evsed.charging.commands import Enable, ResetEnergy
from scenarios.street import SIM_BOARD, Street

#: 3600 W in each of the ways a station can measure: settings, and amperes the car takes
MODES = {
    "dummy": ({"default_charging_current_da": 150, "energy_meter_ac_voltage_v": 240}, 63.0),
    "cur": ({"energy_meter_ac_voltage_v": 240}, 15.0),
    "cur_vlt": ({}, 3600 / 230),
}


def metering(mode: str, amperes: float, **settings: object) -> Street:
    """Return a station that charges a car that takes its current at once."""
    car = replace(SIM_BOARD.sim.vehicle, ramp_a_per_s=1000.0, max_current_a=amperes)
    board = replace(SIM_BOARD, sim=replace(SIM_BOARD.sim, vehicle=car))
    return Street(board, energy_meter_mode=mode, **settings).start().charge().wait_s(1)


@pytest.mark.parametrize("mode", MODES)
def test_3600_w_for_100_s_are_100_wh_within_one_percent(mode: str) -> None:
    settings, amperes = MODES[mode]
    street = metering(mode, amperes, **settings)
    before = street.now
    street.wait_s(100)
    gained_ws = street.now.session_energy_ws - before.session_energy_ws
    assert gained_ws == pytest.approx(360_000, rel=0.01)
    assert street.now.total_energy_ws - before.total_energy_ws == gained_ws
    assert street.now.charging_time_ms - before.charging_time_ms == 100_000
    assert street.now.power_w == pytest.approx(3600, rel=0.01)


@pytest.mark.parametrize("mode", MODES)
def test_one_phase_in_use_counts_one_phase_and_three_count_three(mode: str) -> None:
    settings, amperes = MODES[mode]
    street = metering(mode, amperes, **settings)
    now = street.now
    assert now.voltages_v[1:] == now.currents_a[1:] == (0.0, 0.0)
    assert now.power_w == pytest.approx(3600, rel=0.01)
    street.change_settings(energy_meter_three_phases=True).wait_s(1)
    now = street.now
    assert now.power_w == pytest.approx(3 * 3600, rel=0.01)
    assert now.power_w == pytest.approx(
        sum(u * i for u, i in zip(now.voltages_v, now.currents_a, strict=True)), rel=0.01
    )


def test_volts_amperes_and_watts_fit_together(street: Street) -> None:
    street.charge().wait_s(10)
    now, world = street.now, street.circuit.get()
    assert now.voltages_v[0] == pytest.approx(world["voltage"][0], rel=0.01)
    assert now.currents_a[0] == pytest.approx(world["current"][0], rel=0.01)
    assert now.power_w == pytest.approx(now.voltages_v[0] * now.currents_a[0], rel=0.01)


def test_what_flows_in_grace_is_counted(street: Street) -> None:
    street.vehicle.ignore_the_pilot()
    street.charge().wait_s(8).send(Enable(False))
    before = street.now
    street.wait_s(5).expect(state="C1", contactor=True)
    assert street.now.session_energy_ws - before.session_energy_ws > 4 * 3600
    assert street.now.charging_time_ms - before.charging_time_ms <= 20


def test_with_the_contactor_open_everything_reads_nothing(street: Street) -> None:
    street.charge().wait_s(5)
    street.vehicle.open_s2()
    street.until(state="B2").wait_ms(100)
    now = street.now
    assert (now.power_w, now.voltages_v, now.currents_a) == (0, (0.0,) * 3, (0.0,) * 3)


def test_session_figures_start_afresh_and_the_total_goes_on(street: Street) -> None:
    street.charge().wait_s(5)
    street.vehicle.open_s2()
    street.until(state="B2").wait_s(1)
    first = street.now
    assert first.session_time_ms > first.charging_time_ms > 4900
    assert first.session_energy_ws == first.total_energy_ws > 0
    street.vehicle.unplug()
    street.until(state="A")
    resting = street.now
    assert (resting.session_energy_ws, resting.charging_time_ms, resting.session_time_ms) == (
        0,
        0,
        0,
    )
    assert resting.total_energy_ws == first.total_energy_ws
    street.charge().wait_s(2)
    assert 0 < street.now.session_energy_ws < first.session_energy_ws
    sum_ws = first.total_energy_ws + street.now.session_energy_ws
    assert 0 <= street.now.total_energy_ws - sum_ws <= 1, "both are whole Ws, rounded down"


def test_a_reset_in_a_session_leaves_the_session_alone(street: Street) -> None:
    street.charge().wait_s(5)
    before = street.now.session_energy_ws
    street.send(ResetEnergy())
    assert street.now.total_energy_ws < 100
    assert street.now.session_energy_ws >= before
    street.wait_s(2)
    gained = street.now.session_energy_ws - before
    assert street.now.total_energy_ws == pytest.approx(gained, abs=200)


def test_energy_never_falls_in_a_session(street: Street) -> None:
    street.charge()
    readings = []
    for amperes in (16, 0, 32, 6, 0.05, 16):
        street.set(maxCurrent=amperes)
        readings += [street.wait_ms(50).now.session_energy_ws for _ in range(20)]
    assert readings == sorted(readings)
