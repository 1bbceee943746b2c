from evsed.bench.figures import distribution, shown, table


def test_percentiles_are_values_that_occurred():
    found = distribution(range(1, 1001))
    assert (found.p50, found.p99, found.p999, found.worst) == (500, 990, 999, 1000)
    assert found.mean == 500.5


def test_a_single_value_is_every_percentile():
    found = distribution([7])
    assert (found.p50, found.p99, found.p999, found.worst, found.count) == (7, 7, 7, 7, 1)


def test_one_bad_value_of_a_hundred_is_above_p99():
    found = distribution([10] * 99 + [90])
    assert (found.p99, found.p999, found.worst) == (10, 90, 90)


def test_nothing_measured_shows_as_such():
    assert distribution([]) is None
    assert shown(None) == ["0", "-", "-", "-", "-"]


def test_microseconds_are_shown_as_milliseconds():
    assert shown(distribution([12_340])) == ["1", *["12.34"] * 4]


def test_columns_line_up():
    lines = table([["name", "count"], ["a", "1"], ["longer", "1000"]]).splitlines()
    assert lines == ["name    count", "a           1", "longer   1000"]
