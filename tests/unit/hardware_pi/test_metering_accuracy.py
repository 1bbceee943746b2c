"""Counted energy against simulated mains whose truth is known, as the charger would count it."""

import pytest

from evsed.bench.metering import CASES, Case, measure, text
from evsed.board.reader import find_board, read_board

#: Source: half a per cent of reading from 1 A up
MOST_PERCENT = 0.5
SECONDS = 8
HARD = [case for case in CASES if case.harmonics == 15.0]
BOARDS = {name: read_board(find_board(name)) for name in ("sim", "full-three-phase")}


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("case", HARD, ids=lambda case: f"{case.amperes:g}A-{case.hz:g}Hz")
def test_energy_is_right_under_everything_at_once(name, case):
    outcome = measure(BOARDS[name], case, SECONDS)
    assert abs(outcome.error_percent) <= MOST_PERCENT
    assert outcome.alarms == ()


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("phase", [1, 2, 3])
def test_a_transformer_mounted_backwards_is_found_and_counted_right(name, phase):
    case = Case(amperes=10.0, power_factor=0.8, reversed_ct=phase)
    outcome = measure(BOARDS[name], case, SECONDS)
    assert outcome.alarms == (f"l{phase}_current_reversed",)
    # until it was found its energy was missing: a second of eight, of one phase of three
    assert -6 < outcome.error_percent <= MOST_PERCENT


@pytest.mark.parametrize("phase", [2, 3])
def test_a_missing_phase_is_found(phase):
    outcome = measure(BOARDS["sim"], Case(amperes=10.0, missing_phase=phase), SECONDS)
    assert outcome.alarms == (f"l{phase}_voltage_missing",)
    assert abs(outcome.error_percent) <= MOST_PERCENT


def test_less_than_the_noise_floor_counts_as_nothing():
    outcome = measure(BOARDS["sim"], Case(amperes=0.05, noise_mv=2.0), SECONDS)
    assert outcome.counted_ws == 0


def test_the_table_has_a_line_for_every_case():
    outcomes = [measure(BOARDS["sim"], case, 1) for case in CASES[:2]]
    lines = text(outcomes, 1).splitlines()
    assert lines[0] == "1 s of virtual time per case"
    assert len(lines) == 2 + 1 + 2
