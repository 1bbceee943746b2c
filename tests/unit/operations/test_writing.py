"""What a client wants written, and the steps that come of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from evsed.board.reader import read_board
from evsed.charging.commands import Enable, SetChargingCurrent, SetConsumptionLimit
from evsed.errors import RejectedError
from evsed.operations.writing import steps_for
from evsed.settings.schema import default_evse

BOARD = read_board(Path(__file__).parents[3] / "boards/sim.yaml")
BEFORE = replace(default_evse(BOARD), max_charging_current_a=16, default_charging_current_da=100)


def steps(*changes, board=BOARD):
    return steps_for(changes, BEFORE, board)


def test_values_become_commands_in_their_order():
    found, after = steps(("chargingCurrent", 13.54), ("enabled", False), ("consumptionLimit", 3600))
    assert found == (SetChargingCurrent(135), Enable(False), SetConsumptionLimit(3600))
    assert after == BEFORE


def test_a_raised_maximum_counts_for_what_comes_after_it():
    raised = replace(BEFORE, max_charging_current_a=20)
    assert steps(("maxChargingCurrent", 20), ("chargingCurrent", 18)) == (
        (raised, SetChargingCurrent(180)),
        raised,
    )
    with pytest.raises(RejectedError, match=r"chargingCurrent: .*16"):
        steps(("chargingCurrent", 18), ("maxChargingCurrent", 20))


def test_settings_in_a_row_are_one_step():
    found, after = steps(("maxChargingCurrent", 20), ("requireAuth", True))
    assert found == (after,)
    assert (after.max_charging_current_a, after.require_auth) == (20, True)


def test_settings_that_do_not_change_are_no_step():
    assert steps(("maxChargingCurrent", 16), ("requireAuth", False)) == ((), BEFORE)


def test_a_lowered_maximum_takes_the_default_along():
    _, after = steps(("maxChargingCurrent", 8))
    assert after.default_charging_current_da == 80


def test_what_the_board_cannot_do_is_refused():
    with pytest.raises(RejectedError, match="socketOutlet"):
        steps(("socketOutlet", True), board=replace(BOARD, proximity=None))


def test_unknown_and_read_only_keys_are_refused():
    with pytest.raises(RejectedError, match="power: unknown key"):
        steps(("power", 1))
