"""The settings of the charger as a whole: defaults, patches, and what the board permits."""

from dataclasses import replace

import pytest
from settings_tools import bare_board, sim_board

from evsed.board.description import Limits
from evsed.errors import RejectedError
from evsed.settings.schema import (
    EVSE,
    EvseSettings,
    check_board,
    default_evse,
    fit_to_board,
    patched_evse,
    wire_evse,
)

SEED_SAMPLE = {
    "maxChargingCurrent": 16,
    "defaultChargingCurrent": 10.0,
    "requireAuth": False,
    "socketOutlet": False,
    "rcm": False,
    "temperatureThreshold": 60,
    "defaultConsumptionLimit": 0,
    "defaultChargingTimeLimit": 0,
    "defaultUnderPowerLimit": 0,
    "socketLockOperatingTime": 3000,
    "socketLockBreakTime": 1000,
    "socketLockDetectionHigh": False,
    "socketLockRetryCount": 3,
    "energyMeterMode": "cur",
    "energyMeterAcVoltage": 230,
    "energyMeterThreePhases": False,
}


def _refused(patch, board=None, before=None):
    board = board or sim_board()
    with pytest.raises(RejectedError) as refusal:
        check_board(patched_evse(before or default_evse(board), patch), board)
    return refusal.value


def test_the_sixteen_keys_stand_in_the_order_of_the_interface():
    assert list(wire_evse(EvseSettings())) == list(EVSE) == list(SEED_SAMPLE)


def test_the_sample_of_the_interface_is_accepted_and_shown_as_written():
    after = patched_evse(default_evse(sim_board()), SEED_SAMPLE)
    check_board(after, sim_board())
    assert wire_evse(after) == SEED_SAMPLE
    assert isinstance(wire_evse(after)["defaultChargingCurrent"], float)


def test_the_defaults_are_those_of_the_specification():
    assert wire_evse(default_evse(bare_board())) == SEED_SAMPLE | {
        "maxChargingCurrent": 32,
        "defaultChargingCurrent": 32.0,
        "socketLockOperatingTime": 300,
        "socketLockRetryCount": 5,
        "energyMeterMode": "dummy",
    }


@pytest.mark.parametrize(("limit_a", "default_a"), [(6, 6), (16, 16), (32, 32), (63, 32)])
def test_the_default_ceiling_follows_the_board_up_to_32_amperes(limit_a, default_a):
    defaults = default_evse(replace(bare_board(), limits=Limits(max_current_a=limit_a)))
    assert defaults.max_charging_current_a == default_a
    assert defaults.default_charging_current_da == default_a * 10


def test_the_ceiling_may_be_set_above_the_rating_of_the_board():
    board = replace(bare_board(), limits=Limits(max_current_a=16))
    after = patched_evse(default_evse(board), {"maxChargingCurrent": 63})
    check_board(after, board)
    assert after.max_charging_current_a == 63


def test_the_default_meter_mode_is_the_best_of_the_board():
    board = sim_board()
    only_current = replace(board, energy_meter=replace(board.energy_meter, voltage=None))
    found = [default_evse(one).energy_meter_mode for one in (bare_board(), only_current, board)]
    assert found == ["dummy", "cur", "cur_vlt"]


def test_the_default_lock_times_respect_the_board():
    board = sim_board()
    lock = replace(board.socket_lock, min_break_time_ms=2500, max_operating_time_ms=200)
    defaults = default_evse(replace(board, socket_lock=lock))
    assert defaults.socket_lock_break_time_ms == 2500
    assert defaults.socket_lock_operating_time_ms == 200


def test_a_patch_changes_only_what_it_names():
    before = default_evse(sim_board())
    after = patched_evse(before, {"rcm": True, "unknown": [1]})
    assert after == replace(before, rcm=True)


def test_a_lowered_ceiling_takes_the_default_current_along():
    after = patched_evse(EvseSettings(), {"maxChargingCurrent": 10})
    assert after.default_charging_current_da == 100


def test_a_raised_ceiling_leaves_the_default_current():
    after = patched_evse(EvseSettings(), {"maxChargingCurrent": 40})
    assert after.default_charging_current_da == 320


@pytest.mark.parametrize("keys", [1, -1])
def test_ceiling_and_default_in_one_patch_are_judged_together(keys):
    patch = {"maxChargingCurrent": 40, "defaultChargingCurrent": 39.96}
    after = patched_evse(EvseSettings(), dict(list(patch.items())[::keys]))
    assert (after.max_charging_current_a, after.default_charging_current_da) == (40, 400)
    refusal = _refused({"defaultChargingCurrent": 12, "maxChargingCurrent": 10})
    assert (refusal.key, "a number 6 … 10 A" in refusal.reason) == ("defaultChargingCurrent", True)


@pytest.mark.parametrize("value", [5.96, 32.04, 33])
def test_a_current_outside_is_not_rounded_into_the_range(value):
    assert _refused({"defaultChargingCurrent": value}).key == "defaultChargingCurrent"


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"socketOutlet": True}, "needs proximity sensing on the board"),
        ({"rcm": True}, "needs a residual current monitor on the board"),
        ({"energyMeterMode": "cur_vlt"}, "cur_vlt is not permitted, the board can do dummy"),
        ({"energyMeterMode": "cur"}, "cur is not permitted, the board can do dummy"),
    ],
)
def test_what_is_not_fitted_cannot_be_chosen(patch, words):
    refusal = _refused(patch, bare_board())
    assert refusal.key in patch
    assert words in refusal.reason
    check_board(patched_evse(default_evse(sim_board()), patch), sim_board())


@pytest.mark.parametrize("value", [True, 1])
def test_three_phases_may_be_chosen_freely(value):
    after = patched_evse(default_evse(bare_board()), {"energyMeterThreePhases": value})
    check_board(after, bare_board())
    assert wire_evse(after)["energyMeterThreePhases"] is True


def test_the_board_limits_the_times_of_the_lock():
    board = sim_board()
    lock = replace(board.socket_lock, max_operating_time_ms=1000, min_break_time_ms=500)
    board = replace(board, socket_lock=lock)
    refusal = _refused({"socketLockOperatingTime": 1001}, board)
    assert "1001 is not permitted, the board allows 100 … 1000 ms" in refusal.reason
    refusal = _refused({"socketLockBreakTime": 499}, board)
    assert "499 is not permitted, the board allows 500 … 65535 ms" in refusal.reason
    edges = {"socketLockOperatingTime": 1000, "socketLockBreakTime": 500}
    check_board(patched_evse(default_evse(board), edges), board)


def test_without_a_lock_its_times_are_stored_all_the_same():
    patch = {"socketLockOperatingTime": 5000, "socketLockBreakTime": 0}
    check_board(patched_evse(EvseSettings(), patch), bare_board())


def test_settings_of_another_board_are_fitted_and_the_rest_is_kept():
    stored = EvseSettings(rcm=True, socket_outlet=True, energy_meter_mode="cur", require_auth=True)
    fitted, remarks = fit_to_board(stored, bare_board())
    assert fitted == EvseSettings(require_auth=True)
    assert [remark.split(":")[0] for remark in remarks] == [
        "socketOutlet",
        "rcm",
        "energyMeterMode",
    ]
    assert fit_to_board(stored, sim_board()) == (stored, ())
