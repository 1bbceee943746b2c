"""What points of a calibration say, and what is refused."""

import math

import pytest

from evsed.errors import RejectedError
from evsed.operations.metering import (
    Point,
    _steady,
    correction_of,
    line_through,
    shift_error_us,
)
from evsed.settings.calibration import CalibrationSettings


def test_one_point_sets_a_gain():
    line = line_through((Point(raw=16.0, true=16.8),))
    assert (line.gain, line.offset) == (pytest.approx(1.05), pytest.approx(0.0, abs=1e-9))


def test_two_points_with_different_loads_set_gain_and_offset():
    line = line_through((Point(raw=6.0, true=6.5), Point(raw=16.0, true=16.8)))
    assert line.gain == pytest.approx(1.03)
    assert line.offset == pytest.approx(0.32)
    assert len(line.points) == 2


def test_a_point_near_an_earlier_one_replaces_it():
    points = (Point(raw=6.0, true=6.5), Point(raw=15.0, true=15.0), Point(raw=16.0, true=16.8))
    line = line_through(points)
    assert [point.raw for point in line.points] == [6.0, 16.0]


@pytest.mark.parametrize(
    "points",
    [
        (Point(raw=16.0, true=1.6),),
        (Point(raw=1.6, true=16.0),),
        (Point(raw=6.0, true=16.0), Point(raw=16.0, true=6.0)),
    ],
)
def test_a_line_that_cannot_be_is_refused(points):
    with pytest.raises(RejectedError, match="cannot be"):
        line_through(points)


@pytest.mark.parametrize("power_factor", [1.0, 0.9, 0.5])
@pytest.mark.parametrize("error_us", [-400.0, -30.0, 0.0, 85.0, 500.0])
def test_two_powers_tell_how_wrong_a_shift_is(power_factor, error_us):
    def power(shift_us):
        angle = math.tau * 50 * (shift_us + error_us) / 1e6 + math.acos(power_factor)
        return 2300 * math.cos(angle)

    found = shift_error_us(power(-1000), power(1000), power_factor, 50)
    assert found == pytest.approx(error_us, abs=1e-6)


def test_settings_become_a_correction_in_amperes_and_volts():
    settings = CalibrationSettings(
        l2_current_gain_ppm=1_030_000,
        l2_current_offset_ma=320,
        l3_voltage_gain_ppm=990_000,
        l3_voltage_offset_mv=-1_500,
        l1_shift_ns=-85_500,
    )
    first, second, third = correction_of(settings).phases
    assert (first.amperes(10.0), first.volts(230.0), first.shift_us) == (10.0, 230.0, -85.5)
    assert second.amperes(16.0) == pytest.approx(16.8)
    assert second.amperes(0.0) == 0.0  # an offset makes no current where none flows
    assert third.volts(230.0) == pytest.approx(226.2)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "charge a vehicle"),
        ([16.0] * 10, "charge a vehicle"),
        ([0.1] * 50, "no current on L2"),
        ([10.0] * 25 + [10.5] * 25, "not steady"),
    ],
)
def test_what_cannot_be_measured_says_why(values, words):
    with pytest.raises(RejectedError, match=words):
        _steady(values, "current", 2)
