"""What waits while the pilot may be changing, and for how long."""

import pytest

from evsed.hardware.pi.pilot_changes import PilotChanges

HIGH, LOW = 2000, 400


def window(high=HIGH, low=LOW, share=0.5, count=156):
    highs = round(count * share)
    return [high] * highs + [low] * (count - highs)


def calm_after(*windows):
    changes = PilotChanges()
    for readings in (window(), window(), window()):
        changes.see(readings)
    changes.caught_up()
    seen = []
    for readings in windows:
        changes.see(readings)
        seen.append(changes.calm)
    return seen


def test_the_same_again_leaves_time():
    assert calm_after(window(), window()) == [True, True]


def test_noise_is_no_change():
    assert calm_after(window(HIGH + 20, LOW - 20), window(HIGH - 20, LOW + 20)) == [True, True]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(window(HIGH + 300), id="s2 opens"),
        pytest.param(window(HIGH, LOW + 600), id="diode is lost"),
        pytest.param(window(1200, 1200), id="short to earth"),
        pytest.param([*window()[:-1], HIGH + 300], id="a single reading of something else"),
    ],
)
def test_a_change_leaves_no_time_until_the_second_window_like_it(changed):
    after = max(changed)
    new = window(after, min(changed))
    assert calm_after(new, new, new) == [False, False, True]


def test_an_event_late_in_a_window_is_seen_in_its_mean():
    late = [*window()[:140], *[1200] * 16]
    assert calm_after(late)[0] is False


def test_a_pilot_that_never_rests_does_not_put_the_rest_off_for_ever():
    changes = PilotChanges()
    seen = []
    for number in range(12):
        changes.see(window(HIGH + 200 * (number % 2)))
        seen.append(changes.calm)
    assert seen.index(True) == 4
    assert all(seen[4:])  # until somebody has caught up
    changes.caught_up()
    changes.see(window())
    assert changes.calm is False
