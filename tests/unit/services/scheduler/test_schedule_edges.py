"""Schedules act on their edges, by the wall clock, in any zone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from evsed.services.scheduler.edges import due, forgotten
from evsed.settings.schedule import Schedule
from evsed.settings.schema import EvseSettings
from evsed.settings.time_zone import zone

EVSE = EvseSettings(max_charging_current_a=16, default_charging_current_da=130)
MONDAY = datetime(2026, 11, 23, 0, 30)  # noqa: DTZ001  # a wall clock has no zone
AT_NIGHT = Schedule(action="enable", mon=0b1111)


def hours_of(schedules, begin, zone_name, hours):
    """Return what is written in each hour after ``begin`` (UTC), hour by hour."""
    memory = (False,) * len(schedules)
    found = {}
    for hour in range(hours):
        now = begin + timedelta(hours=hour)
        changes, memory = due(schedules, memory, now.astimezone(zone(zone_name)), EVSE)
        if changes:
            found[hour] = changes
    return found


def test_a_new_schedule_acts_at_once_whichever_way():
    for hour, on in ((1, True), (5, False)):
        changes, memory = due([AT_NIGHT], (None,), MONDAY.replace(hour=hour), EVSE)
        assert (changes, memory) == ((("enabled", on),), (on,))


def test_between_the_edges_nothing_is_written():
    for hour, before in ((1, True), (5, False)):
        assert due([AT_NIGHT], (before,), MONDAY.replace(hour=hour), EVSE) == ((), (before,))


@pytest.mark.parametrize(
    ("action", "on", "off"),
    [
        ("enable", ("enabled", True), ("enabled", False)),
        ("available", ("available", True), ("available", False)),
        ("ch_cur_6a", ("chargingCurrent", 6.0), ("chargingCurrent", 13.0)),
        ("ch_cur_8a", ("chargingCurrent", 8.0), ("chargingCurrent", 13.0)),
        ("ch_cur_10a", ("chargingCurrent", 10.0), ("chargingCurrent", 13.0)),
    ],
)
def test_every_action_has_two_edges(action, on, off):
    schedule = Schedule(action=action, mon=0b10)
    assert due([schedule], (False,), MONDAY.replace(hour=1), EVSE)[0] == (on,)
    assert due([schedule], (True,), MONDAY.replace(hour=2), EVSE)[0] == (off,)


def test_a_current_above_the_maximum_is_lowered_to_it():
    small = replace(EVSE, max_charging_current_a=7, default_charging_current_da=60)
    schedule = Schedule(action="ch_cur_10a", mon=1)
    assert due([schedule], (False,), MONDAY, small)[0] == (("chargingCurrent", 7.0),)


def test_several_schedules_write_in_their_order():
    schedules = [Schedule(action="enable", mon=1), Schedule(action="enable", tue=1)]
    changes, _ = due(schedules, forgotten(schedules), MONDAY, EVSE)
    assert changes == (("enabled", True), ("enabled", False))


def test_a_week_has_its_days_in_order():
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    for day, name in enumerate(names):
        schedule = Schedule(**{name: 1 << 13})
        on = [
            (weekday, hour)
            for weekday in range(7)
            for hour in range(24)
            if schedule.active(weekday, hour * 60)
        ]
        assert on == [(day, 13)]


#: zone, hour before the change (UTC), local hour that is skipped or doubled
SPRING = [
    ("Europe/Prague", datetime(2027, 3, 28, 0, 0, tzinfo=UTC), 2),
    ("America/New_York", datetime(2027, 3, 14, 6, 0, tzinfo=UTC), 2),
    ("Australia/Adelaide", datetime(2026, 10, 3, 15, 30, tzinfo=UTC), 2),
    ("CET-1CEST,M3.5.0,M10.5.0/3", datetime(2027, 3, 28, 0, 0, tzinfo=UTC), 2),
]
AUTUMN = [
    ("Europe/Prague", datetime(2026, 10, 24, 23, 0, tzinfo=UTC), 2),
    ("America/New_York", datetime(2026, 11, 1, 4, 0, tzinfo=UTC), 1),
    ("Australia/Adelaide", datetime(2027, 4, 3, 14, 30, tzinfo=UTC), 2),
    ("CET-1CEST,M3.5.0,M10.5.0/3", datetime(2026, 10, 24, 23, 0, tzinfo=UTC), 2),
]


@pytest.mark.parametrize(("zone_name", "begin", "hour"), SPRING)
def test_an_hour_that_is_skipped_never_comes(zone_name, begin, hour):
    only_then = Schedule(action="enable", sun=1 << hour)
    around = Schedule(action="enable", sun=1 << (hour - 1) | 1 << hour | 1 << (hour + 1))
    assert hours_of([only_then], begin, zone_name, 6) == {}
    assert list(hours_of([around], begin, zone_name, 6)) == [0, 2]


@pytest.mark.parametrize(("zone_name", "begin", "hour"), AUTUMN)
def test_an_hour_that_comes_twice_has_one_edge(zone_name, begin, hour):
    only_then = Schedule(action="enable", sun=1 << hour)
    assert hours_of([only_then], begin, zone_name, 6) == {
        1: (("enabled", True),),
        3: (("enabled", False),),
    }
