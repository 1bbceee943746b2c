"""The curve of the last two hours: means of five seconds, gaps, and no more than it may keep."""

from evsed.charging.snapshot import Snapshot
from evsed.services.rest.curve import ROWS, STEP_S, Curve

CLOCK_S = 1_790_000_000


def at(power_w=0, current_a=0.0, offered_da=0):
    return Snapshot(power_w=power_w, currents_a=(0.0, current_a, 0.0), offered_da=offered_da)


def test_a_row_is_the_mean_of_its_five_seconds():
    curve = Curve()
    for second, power in enumerate([1000, 2000, 3000, 4000, 5000, 9000]):
        curve.note(100.0 + second, at(power, 10.0 + second, 160))
    shown = curve.shown(105.0, CLOCK_S)
    assert shown["power"] == [3000]
    assert shown["current"] == [12.0]
    assert shown["offered"] == [16.0]
    assert (shown["step"], shown["end"]) == (STEP_S, CLOCK_S)


def test_nothing_is_shown_before_a_row_is_full():
    curve = Curve()
    assert curve.shown(7.0, CLOCK_S)["power"] == []
    curve.note(100.0, at(1000))
    assert curve.shown(104.0, CLOCK_S)["power"] == []


def test_the_end_is_the_moment_of_the_last_row():
    curve = Curve()
    curve.note(100.0, at())
    curve.note(105.0, at())
    assert curve.shown(108.5, CLOCK_S)["end"] == CLOCK_S - 4


def test_rows_that_were_passed_over_are_gaps():
    curve = Curve()
    for second in (100.0, 105.0, 120.0):
        curve.note(second, at(500))
    assert curve.shown(120.0, CLOCK_S)["power"] == [500, 500, None, None]


def test_only_two_hours_are_kept():
    curve = Curve()
    for row in range(ROWS + 10):
        curve.note(row * STEP_S, at(row))
    power = curve.shown((ROWS + 10) * STEP_S, CLOCK_S)["power"]
    assert len(power) == ROWS
    assert power[-1] == ROWS + 8


def test_a_long_sleep_is_one_long_gap():
    curve = Curve()
    curve.note(0.0, at(500))
    curve.note(1_000_000.0, at(500))
    assert curve.shown(1_000_000.0, CLOCK_S)["power"] == [None] * ROWS
