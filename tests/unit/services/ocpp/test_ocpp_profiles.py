"""What charging profiles permit, by hand-made examples and the rules of both versions."""

import math
from dataclasses import replace

import pytest

from evsed.services.ocpp.profiles import (
    DEFAULT,
    MAX_PROFILES,
    STATION,
    TX,
    BadProfileError,
    Mains,
    Period,
    Profile,
    check_profile,
    composite,
    permitted_da,
    tenths_of,
    with_profile,
)

NOW = 1_772_438_400.0  # 2026-03-02 08:00 UTC, a Monday
MAINS = Mains()
HOUR = 3600


def profile(*limits, **more):
    periods = tuple(Period(start_s=start, limit=limit) for start, limit in limits)
    given = {
        "id": 1,
        "stack": 0,
        "purpose": DEFAULT,
        "kind": "Absolute",
        "unit": "A",
        "start_s": NOW,
    }
    return Profile(**{**given, "periods": periods, **more})


def at(now_s, *profiles, tx=("t", NOW)):
    return permitted_da(profiles, now_s, MAINS, tx)


def test_without_a_profile_nothing_is_limited():
    assert at(NOW) is None


def test_periods_follow_one_another_until_the_duration_is_over():
    one = profile((0, 10), (60, 16.1), duration_s=120)
    found = [at(NOW + seconds, one) for seconds in (-1, 0, 59.9, 60, 119.9, 120)]
    assert found == [None, 100, 100, 161, 161, None]


def test_validity_bounds_a_profile():
    one = profile((0, 10), valid_from_s=NOW + 10, valid_to_s=NOW + 20)
    assert [at(NOW + seconds, one) for seconds in (9, 10, 19, 20)] == [None, 100, 100, None]


def test_the_highest_level_that_says_something_is_followed_not_the_lowest_current():
    low, high = profile((0, 8)), profile((0, 20), id=2, stack=3, duration_s=60)
    assert [at(NOW + seconds, low, high) for seconds in (0, 60)] == [200, 80]


def test_a_profile_of_the_transaction_stands_in_place_of_the_default():
    default = profile((0, 8))
    own = profile((0, 20), id=2, purpose=TX, transaction="t", duration_s=60)
    assert [at(NOW + seconds, default, own) for seconds in (0, 60)] == [200, 80]
    assert at(NOW, default, own, tx=("another", NOW)) == 80


def test_the_station_s_maximum_bounds_everything():
    assert at(NOW, profile((0, 20)), profile((0, 12), id=2, purpose=STATION)) == 120
    assert at(NOW, profile((0, 8)), profile((0, 12), id=2, purpose=STATION)) == 80


def test_relative_means_since_the_transaction_began():
    one = profile((0, 10), (600, 16), kind="Relative", start_s=None)
    assert at(NOW + 599, one) == 100
    assert at(NOW + 600, one) == 160
    assert at(NOW + 600, one, tx=None) == 100  # it would begin now


@pytest.mark.parametrize(("repeats", "days"), [("Daily", 1), ("Weekly", 7)])
def test_a_recurring_profile_comes_again(repeats, days):
    one = profile((0, 6), (HOUR, 16), kind="Recurring", repeats=repeats, duration_s=2 * HOUR)
    again = NOW + days * 86_400 * 3
    assert [at(again + seconds, one) for seconds in (0, HOUR, 2 * HOUR)] == [60, 160, None]
    assert at(NOW - 1, one) is None


def test_watts_become_amperes_of_all_phases_and_are_rounded_down():
    assert tenths_of(Period(start_s=0, limit=11_000), "W", MAINS) == 159
    assert tenths_of(Period(start_s=0, limit=3680, phases=1), "W", MAINS) == 160
    assert tenths_of(Period(start_s=0, limit=3680, phases=3), "W", Mains(phases=1)) == 160
    assert tenths_of(Period(start_s=0, limit=3680), "W", Mains(phases=1)) == 160
    assert tenths_of(Period(start_s=0, limit=3680), "W", Mains(phases=3)) == 0


def test_a_default_of_the_connector_stands_in_place_of_the_station_s():
    whole, own = profile((0, 8), place=0, stack=5), profile((0, 20), id=2, duration_s=60)
    assert [at(NOW + seconds, whole, own) for seconds in (0, 60)] == [200, 80]
    assert with_profile((whole,), replace(own, stack=5)) == (whole, replace(own, stack=5))


@pytest.mark.parametrize(
    ("limit", "expected"), [(0, 0), (5.9, 0), (6, 60), (16.19, 161), (1e9, 10_000)]
)
def test_less_than_six_amperes_is_a_pause(limit, expected):
    assert tenths_of(Period(start_s=0, limit=limit), "A", MAINS) == expected


@pytest.mark.parametrize(
    "bad",
    [
        profile((0, -1)),
        profile((0, math.nan)),
        profile((0, math.inf)),
        profile((1, 10)),
        profile((0, 10), (0, 8)),
        profile(),
        profile(*((n, 10) for n in range(49))),
        profile((0, 10), stack=9),
        profile((0, 10), stack=-1),
        profile((0, 10), purpose="ChargingStationExternalConstraints"),
        profile((0, 10), kind="Recurring"),
        profile((0, 10), kind="Recurring", repeats="Daily", start_s=None),
        profile((0, 10), unit="V"),
        profile((0, 10), duration_s=-1),
        profile((0, 10), kind="Relative", purpose=STATION),
        profile((0, 10), periods=(Period(start_s=0, limit=10, phases=0),)),
    ],
    ids=lambda one: f"{one.kind}-{one.purpose}-{one.periods[:1]}"[:60],
)
def test_what_cannot_be_followed_is_refused(bad):
    with pytest.raises(BadProfileError):
        check_profile(bad)


def test_a_profile_takes_the_place_of_its_number_and_of_its_level():
    first, second = profile((0, 10)), profile((0, 8), id=2)
    assert with_profile((first,), second) == (second,)  # the same purpose and level
    higher = replace(first, stack=1)
    assert with_profile((first,), higher) == (higher,)  # the same number
    assert with_profile((second,), higher) == (second, higher)


def test_there_is_room_for_some_only():
    profiles = ()
    for number in range(MAX_PROFILES):
        profiles = with_profile(
            profiles, profile((0, 10), id=number, purpose=TX, transaction=f"{number}")
        )
    with pytest.raises(BadProfileError):
        with_profile(profiles, profile((0, 10), id=99))
    assert len(with_profile(profiles, profile((0, 9), id=3, purpose=TX, transaction="3"))) == 20


def test_a_composite_schedule_says_what_will_be_permitted_at_every_second():
    profiles = (
        profile((0, 16), (600, 8), (1200, 20)),
        profile((0, 12), (900, 32), id=2, purpose=STATION, duration_s=1500),
        profile(
            (0, 6),
            id=3,
            stack=2,
            kind="Recurring",
            repeats="Daily",
            duration_s=60,
            start_s=NOW + 300 - 86_400,
        ),
    )
    steps = composite(profiles, NOW, 1800, MAINS, ("t", NOW))
    for second in range(0, 1800, 7):
        said = [one.limit_da for one in steps if one.start_s <= second][-1]
        assert said == at(NOW + second, *profiles), second
    assert len(steps) == len({one.start_s for one in steps})
