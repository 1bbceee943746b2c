from dataclasses import fields, replace

import pytest

from evsed.board.description import EnergyMeter, ExternalMeter, MeterChannels
from evsed.board.reader import find_board, read_board
from evsed.charging.owned_limits import OwnedLimit
from evsed.charging.rules import PilotLevels, ProximityLevels, Rules
from evsed.charging.states import MeterMode
from evsed.hardware.interfaces import LockTiming
from evsed.settings.administrator import Administrator, Supervision
from evsed.settings.modbus_access import ModbusAccess
from evsed.settings.schema import EvseSettings
from evsed.station.rules_in_force import lock_timing, rules_in_force, waited_for

SIM = read_board(find_board("sim"))
BARE = replace(SIM, proximity=None, socket_lock=None, rcm=None, onewire=None, energy_meter=None)
EVERYTHING = EvseSettings(
    max_charging_current_a=20,
    require_auth=True,
    socket_outlet=True,
    rcm=True,
    temperature_threshold_c=50,
    energy_meter_mode="cur",
    energy_meter_ac_voltage_v=240,
    energy_meter_three_phases=True,
)


def test_on_a_board_with_everything_every_setting_counts():
    assert rules_in_force(SIM, EVERYTHING, Administrator(charging_wake_up_s=30)) == Rules(
        max_charging_current_a=20,
        board_limit_a=63,
        require_auth=True,
        socket_outlet=True,
        lock_fitted=True,
        proximity_fitted=True,
        rcm=True,
        temperature_sensor=True,
        temperature_threshold_c=50,
        thermal_derating=True,
        ventilation=True,
        contactor_rest_ms=0,
        wake_up_after_s=30,
        meter_mode=MeterMode.CURRENT,
        ac_voltage_v=240,
        three_phases=True,
        meter_channels=3,
        board_channels=3,
        pilot_levels=PilotLevels(),
        proximity_levels=ProximityLevels(a13=1650, a20=820, a32=430, open=2700, short=187),
    )


@pytest.mark.parametrize(
    "name",
    [
        "socket_outlet",
        "lock_fitted",
        "proximity_fitted",
        "rcm",
        "temperature_sensor",
        "thermal_derating",
    ],
)
def test_on_a_bare_board_nothing_that_is_missing_is_in_force(name):
    assert getattr(rules_in_force(BARE, EVERYTHING, Administrator()), name) is False


def test_a_bare_board_measures_nothing_and_has_the_usual_proximity_levels():
    rules = rules_in_force(BARE, EvseSettings(), Administrator())
    assert rules.meter_channels == 1
    assert rules.proximity_levels == ProximityLevels()


@pytest.mark.parametrize("name", ["socket_outlet", "rcm", "require_auth"])
def test_what_is_fitted_is_not_in_force_before_somebody_chooses_it(name):
    assert getattr(rules_in_force(SIM, EvseSettings(), Administrator()), name) is False


def test_one_current_channel_is_one_measured_phase():
    one = MeterChannels(adc_channels=SIM.energy_meter.current.adc_channels[:1], scale=1, invert=())
    board = replace(SIM, energy_meter=EnergyMeter(current=one))
    assert rules_in_force(board, EvseSettings(), Administrator()).meter_channels == 1


def test_derating_is_the_administrators_switch():
    without = Administrator(charging_thermal_derating=False)
    assert rules_in_force(SIM, EvseSettings(), without).thermal_derating is False


def test_levels_and_times_of_the_board_are_taken_over():
    pilot = replace(SIM.pilot, levels_mv=(2000, 1700, 1400, 1100, 500), hysteresis_mv=25)
    relay = replace(SIM.ac_relay, open_time_ms=30, close_time_ms=40, min_off_time_ms=3000)
    rules = rules_in_force(
        replace(SIM, pilot=pilot, ac_relay=relay), EvseSettings(), Administrator()
    )
    assert rules.pilot_levels == PilotLevels(
        v12=2000, v9=1700, v6=1400, v3=1100, minus12=500, hysteresis=25
    )
    assert (rules.open_time_ms, rules.close_time_ms, rules.contactor_rest_ms) == (30, 40, 3000)


def test_the_board_protects_its_lock_motor():
    slow = EvseSettings(socket_lock_operating_time_ms=3000, socket_lock_break_time_ms=400)
    board = replace(SIM, socket_lock=replace(SIM.socket_lock, max_operating_time_ms=600))
    assert lock_timing(board, slow) == LockTiming(operating_ms=600, break_ms=400, attempts=5)
    assert lock_timing(BARE, slow).operating_ms == 3000


def test_no_attempts_at_locking_behave_as_one():
    timing = lock_timing(SIM, EvseSettings(socket_lock_retry_count=0))
    assert timing.attempts == 1


def test_every_rule_is_decided_here():
    """A rule that nobody sets keeps its default for ever: only the unused ones may."""
    odd = replace(
        SIM,
        limits=replace(SIM.limits, max_current_a=17),
        ac_relay=replace(SIM.ac_relay, open_time_ms=1, close_time_ms=2, min_off_time_ms=3),
        pilot=replace(SIM.pilot, hysteresis_mv=7),
        external_meter=ExternalMeter(model="sdm630", host="meter", fallback="assumed"),
    )
    rules = rules_in_force(odd, EVERYTHING, Administrator(charging_wake_up_s=1))
    same = {
        one.name for one in fields(Rules) if getattr(rules, one.name) == getattr(Rules(), one.name)
    }
    assert same <= {"feedback_fitted"}


def test_nobody_is_waited_for_unless_the_administrator_says_so():
    assert waited_for(Administrator()) == ()
    wanted = Administrator(
        modbus=ModbusAccess(silence_s=90, fallback_da=70),
        supervision=Supervision(silence_s=60, fallback_da=0),
    )
    assert waited_for(wanted) == (
        OwnedLimit(owner="modbus", lease_ms=90_000, fallback_da=70, lowers_set_point=True),
        OwnedLimit(owner="supervision", lease_ms=60_000, fallback_da=0),
    )


@pytest.mark.parametrize(
    ("fallback", "own", "assumes"),
    [
        (None, True, False),
        (None, False, True),
        ("assumed", True, True),
        ("board", True, False),
        ("none", False, False),
    ],
)
def test_what_counts_while_an_external_meter_is_silent(fallback, own, assumes):
    external = ExternalMeter(model="em340", host="meter", fallback=fallback)
    board = replace(SIM if own else BARE, external_meter=external)
    rules = rules_in_force(board, EVERYTHING, Administrator())
    assert rules.meter_lost_assumes is assumes
    assert rules.meter_channels == 3
