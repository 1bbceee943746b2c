"""Mean and median are those of Python's library."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsed.middle import mean, median, median_low

_NUMBERS = st.lists(st.integers(-5000, 5000), min_size=1, max_size=50)


@given(_NUMBERS)
def test_they_are_what_the_library_says(values: list[int]) -> None:
    assert mean(values) == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert median(values) == statistics.median(values)
    assert median_low(values) == statistics.median_low(values)
