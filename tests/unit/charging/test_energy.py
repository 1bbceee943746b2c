"""Volts, amperes, watts by meter mode."""

from dataclasses import replace

import pytest

from evsed.charging.energy import Energy, Measured, Power, add_up, begin_session, power_now
from evsed.charging.rules import Rules
from evsed.charging.snapshot import DARK, Phases
from evsed.charging.states import MeterMode

ONE = Measured(voltages_v=(229.0, 0, 0), currents_a=(10.0, 0, 0), real_powers_w=(2200.4, 0, 0))
THREE = Measured(
    voltages_v=(229.0, 230.0, 231.0),
    currents_a=(10.0, 11.0, 12.0),
    real_powers_w=(2000.0, 2100.0, 2200.0),
)
CURRENT = Rules(meter_mode=MeterMode.CURRENT)
BOTH = Rules(meter_mode=MeterMode.CURRENT_VOLTAGE)


@pytest.mark.parametrize(
    ("rules", "measured", "watts"),
    [
        (Rules(), None, 3680),
        (Rules(three_phases=True), None, 11_040),
        (CURRENT, None, 0),
        (CURRENT, ONE, 2300),
        (replace(CURRENT, three_phases=True, meter_channels=1), ONE, 6900),
        (replace(CURRENT, three_phases=True, meter_channels=3), THREE, 7590),
        (CURRENT, THREE, 2300),
        (BOTH, None, 0),
        (BOTH, ONE, 2200),
        (BOTH, replace(ONE, real_powers_w=None), 2290),
        (BOTH, THREE, 2000),
        (replace(BOTH, three_phases=True, meter_channels=3), THREE, 6300),
    ],
)
def test_power_by_meter_mode(rules: Rules, measured: Measured | None, watts: int) -> None:
    assert power_now(rules, measured, 160, closed=True).power_w == watts


@pytest.mark.parametrize(
    ("rules", "measured", "voltages_v", "currents_a"),
    [
        (Rules(ac_voltage_v=240), None, (240.0, 0.0, 0.0), (16.0, 0.0, 0.0)),
        (Rules(three_phases=True), None, (230.0,) * 3, (16.0,) * 3),
        (CURRENT, ONE, (230.0, 0.0, 0.0), (10.0, 0.0, 0.0)),
        (BOTH, None, DARK, DARK),
        (BOTH, THREE, (229.0, 0.0, 0.0), (10.0, 0.0, 0.0)),
        (replace(BOTH, three_phases=True), ONE, (229.0,) * 3, (10.0,) * 3),
        (
            replace(BOTH, three_phases=True, meter_channels=3),
            THREE,
            (229.0, 230.0, 231.0),
            (10.0, 11.0, 12.0),
        ),
    ],
)
def test_volts_and_amperes_are_those_of_the_phases_in_use(
    rules: Rules, measured: Measured | None, voltages_v: Phases, currents_a: Phases
) -> None:
    power = power_now(rules, measured, 160, closed=True)

    assert (power.voltages_v, power.currents_a) == (voltages_v, currents_a)


def test_an_open_contactor_shows_nothing() -> None:
    assert power_now(BOTH, THREE, 160, closed=False) == Power()
    assert power_now(BOTH, THREE, 160, closed=False).currents_a == DARK


def test_small_powers_add_up_without_rounding() -> None:
    energy = begin_session(Energy(), 0)
    for _ in range(1000):
        energy = add_up(energy, Power(power_mw=7_000), 20, charging=True)

    assert (energy.session_ws, energy.total_ws, energy.charging_time_ms) == (140, 140, 20_000)


def test_energy_outside_a_session_counts_for_the_register_only() -> None:
    energy = add_up(Energy(), Power(power_mw=1_000_000), 1000, charging=False)

    assert (energy.session_ws, energy.total_ws) == (0, 1000)


def test_nothing_drawn_makes_no_new_object() -> None:
    energy = Energy()
    assert add_up(energy, Power(), 20, charging=False) is energy


def test_a_running_session_is_not_begun_again() -> None:
    energy = begin_session(Energy(), 5)
    assert begin_session(energy, 9) is energy
