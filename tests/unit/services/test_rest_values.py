import math

import pytest

from evsed.errors import RejectedError
from evsed.operations.values import amperes, boolean, json_object, rounded, whole

HUGE = int("9" * 4000)


@pytest.mark.parametrize("value", [0, 1, "true", None, [], {}, 1.0])
def test_only_true_and_false_are_booleans(value):
    with pytest.raises(RejectedError, match="enabled: boolean expected"):
        boolean("enabled", value)


@pytest.mark.parametrize(
    "value", [True, False, "1", None, [1], {}, -1, -0.5, 65535.5, 65536, 1e300, HUGE, -HUGE]
)
def test_a_whole_number_outside_its_range_or_of_another_type_is_refused(value):
    with pytest.raises(RejectedError, match=r"underPowerLimit: number 0\.\.65535 expected"):
        whole("underPowerLimit", value, 0, 65535)


@pytest.mark.parametrize(
    ("value", "taken"), [(0, 0), (65535, 65535), (200.0, 200), (0.9, 0), (-0.0, 0)]
)
def test_a_whole_number_drops_its_fraction(value, taken):
    assert whole("underPowerLimit", value, 0, 65535) == taken


@pytest.mark.parametrize("value", [5.9, 5.96, 5.9999, 32.04, 33, True, "10", None, HUGE, -HUGE])
def test_a_current_is_checked_before_it_is_rounded(value):
    with pytest.raises(RejectedError, match=r"chargingCurrent: number 6\.\.32 expected"):
        amperes("chargingCurrent", value, 6, 32)


@pytest.mark.parametrize("value", [6, 6.0, 32, 13.57, 5.9999999, 32.0000009])
def test_a_current_of_the_range_passes_with_a_tiny_tolerance(value):
    assert amperes("chargingCurrent", value, 6, 32) == value


@pytest.mark.parametrize("value", [[], None, "{}", 1, True])
def test_only_objects_are_objects(value):
    with pytest.raises(RejectedError, match="JSON object"):
        json_object(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_unknown_measurement_is_sent_as_zero(value):
    assert rounded(value, 1) == 0


def test_minus_zero_is_sent_as_zero():
    assert str(rounded(-0.001, 1)) == "0.0"
