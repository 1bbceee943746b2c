"""Half windows become windows."""

from evsed.hardware.pi.pilot_halves import Half, PilotHalves


def halves(count, gap_us=200):
    """Return halves of 5 ms one after the other; each has its number as reading."""
    return [
        Half(number * (5_000 + gap_us), number * (5_000 + gap_us) + 5_000, [number])
        for number in range(count)
    ]


def joined(given, *, overlapping):
    joiner = PilotHalves()
    found = [joiner.add(half, overlapping=overlapping) for half in given]
    return [window and (list(window.readings_mv), window.overlapping) for window in found]


def test_windows_lie_end_to_end():
    assert joined(halves(6), overlapping=False) == [
        None,
        ([0, 1], False),
        None,
        ([2, 3], False),
        None,
        ([4, 5], False),
    ]


def test_or_begin_every_half_window():
    assert joined(halves(4), overlapping=True) == [
        None,
        ([0, 1], False),
        ([1, 2], True),
        ([2, 3], True),
    ]


def test_a_window_lasts_from_the_first_half_to_the_end_of_the_second():
    joiner = PilotHalves()
    joiner.add(Half(7_900, 12_950, [1]), overlapping=True)
    window = joiner.add(Half(13_100, 18_150, [2]), overlapping=True)
    assert (window.started_ms, window.ended_ms) == (7, 18)


def test_halves_far_apart_are_no_window():
    first, second, third = halves(3, gap_us=10_001)
    assert joined([first, second], overlapping=True) == [None, None]
    near = Half(second.ended_us + 10_000, second.ended_us + 15_000, [9])
    assert joined([first, second, near], overlapping=True)[-1] == ([1, 9], False)
    assert joined([first, second, third], overlapping=False) == [None, None, None]


def test_what_came_before_can_be_forgotten():
    joiner = PilotHalves()
    first, second, third = halves(3)
    joiner.add(first, overlapping=True)
    joiner.forget()
    assert joiner.add(second, overlapping=True) is None
    assert list(joiner.add(third, overlapping=True).readings_mv) == [1, 2]


def test_windows_stop_overlapping_when_they_are_told_to():
    joiner = PilotHalves()
    first, second, third, fourth = halves(4)
    joiner.add(first, overlapping=True)
    assert joiner.add(second, overlapping=True) is not None
    assert joiner.add(third, overlapping=False) is None
    assert list(joiner.add(fourth, overlapping=False).readings_mv) == [2, 3]
