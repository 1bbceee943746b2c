"""Both changes of the clock in three zones, minute by minute: what is written, and when."""

from datetime import UTC, datetime, timedelta

import pytest

from evsed.services.scheduler.edges import due, next_edge, wanted_at
from evsed.settings.schedule import Schedule
from evsed.settings.schema import EvseSettings
from evsed.settings.time_zone import zone
from evsed.settings.windows import Window

EVSE = EvseSettings()


def hours(*on):
    """Return a schedule for some hours of Sunday."""
    return Schedule(action="enable", sun=sum(1 << hour for hour in on))


def window(begin, end):
    """Return a schedule for one window of Sunday, given as hours and minutes."""
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (begin, end)]
    return Schedule(
        action="enable", windows=(Window(days=("sun",), begin=minutes[0], end=minutes[1]),)
    )


LORD_HOWE = "Australia/Lord_Howe"
#: zone, Sunday on which clocks change, schedule, and when it is switched, as the wall clock shows
#: it with its distance from UTC
TABLE = [
    # Berlin, 2027-03-28: 02:00 becomes 03:00
    ("Europe/Berlin", "2027-03-28", hours(1), "01:00+01:00 on, 03:00+02:00 off"),
    ("Europe/Berlin", "2027-03-28", hours(2), ""),
    ("Europe/Berlin", "2027-03-28", hours(3), "03:00+02:00 on, 04:00+02:00 off"),
    ("Europe/Berlin", "2027-03-28", hours(1, 2, 3), "01:00+01:00 on, 04:00+02:00 off"),
    ("Europe/Berlin", "2027-03-28", window("02:15", "02:45"), ""),
    ("Europe/Berlin", "2027-03-28", window("02:30", "03:20"), "03:00+02:00 on, 03:20+02:00 off"),
    ("Europe/Berlin", "2027-03-28", window("01:40", "02:20"), "01:40+01:00 on, 03:00+02:00 off"),
    # Berlin, 2026-10-25: 03:00 becomes 02:00
    ("Europe/Berlin", "2026-10-25", hours(1), "01:00+02:00 on, 02:00+02:00 off"),
    ("Europe/Berlin", "2026-10-25", hours(2), "02:00+02:00 on, 03:00+01:00 off"),
    ("Europe/Berlin", "2026-10-25", hours(3), "03:00+01:00 on, 04:00+01:00 off"),
    ("Europe/Berlin", "2026-10-25", window("02:15", "02:45"), "02:15+02:00 on, 02:45+02:00 off"),
    ("Europe/Berlin", "2026-10-25", window("02:30", "03:10"), "02:30+02:00 on, 03:10+01:00 off"),
    ("Europe/Berlin", "2026-10-25", window("01:30", "02:30"), "01:30+02:00 on, 02:30+02:00 off"),
    # New York, 2027-03-14: 02:00 becomes 03:00
    ("America/New_York", "2027-03-14", hours(1), "01:00-05:00 on, 03:00-04:00 off"),
    ("America/New_York", "2027-03-14", hours(2), ""),
    ("America/New_York", "2027-03-14", hours(3), "03:00-04:00 on, 04:00-04:00 off"),
    ("America/New_York", "2027-03-14", window("01:45", "03:01"), "01:45-05:00 on, 03:01-04:00 off"),
    # New York, 2026-11-01: 02:00 becomes 01:00
    ("America/New_York", "2026-11-01", hours(0), "00:00-04:00 on, 01:00-04:00 off"),
    ("America/New_York", "2026-11-01", hours(1), "01:00-04:00 on, 02:00-05:00 off"),
    ("America/New_York", "2026-11-01", hours(2), "02:00-05:00 on, 03:00-05:00 off"),
    ("America/New_York", "2026-11-01", window("01:07", "01:08"), "01:07-04:00 on, 01:08-04:00 off"),
    # Lord Howe, 2026-10-04: 02:00 becomes 02:30
    (LORD_HOWE, "2026-10-04", hours(1), "01:00+10:30 on, 02:30+11:00 off"),
    (LORD_HOWE, "2026-10-04", hours(2), "02:30+11:00 on, 03:00+11:00 off"),
    (LORD_HOWE, "2026-10-04", window("02:05", "02:25"), ""),
    (LORD_HOWE, "2026-10-04", window("02:10", "02:40"), "02:30+11:00 on, 02:40+11:00 off"),
    # Lord Howe, 2027-04-04: 02:00 becomes 01:30
    (LORD_HOWE, "2027-04-04", hours(1), "01:00+11:00 on, 02:00+10:30 off"),
    (LORD_HOWE, "2027-04-04", hours(2), "02:00+10:30 on, 03:00+10:30 off"),
    (LORD_HOWE, "2027-04-04", window("01:35", "01:50"), "01:35+11:00 on, 01:50+11:00 off"),
    (LORD_HOWE, "2027-04-04", window("01:40", "02:20"), "01:40+11:00 on, 02:20+10:30 off"),
]  # fmt: skip


def night_of(zone_name, day):
    """Yield every minute from the evening before the day to its noon."""
    at = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=zone(zone_name)).astimezone(UTC)
    for minute in range(-60, 13 * 60):
        yield (at + timedelta(minutes=minute)).astimezone(zone(zone_name))


def text(at, on):
    return f"{at.isoformat(timespec='minutes')[11:]} {'on' if on else 'off'}"


@pytest.mark.parametrize(("zone_name", "day", "schedule", "expected"), TABLE)
def test_a_night_in_which_clocks_change(zone_name, day, schedule, expected):
    memory = (False,)
    found = []
    for at in night_of(zone_name, day):
        changes, memory = due([schedule], memory, at, EVSE)
        found += [text(at, on) for _, on in changes]
    assert ", ".join(found) == expected


@pytest.mark.parametrize(("zone_name", "day", "schedule", "expected"), TABLE)
def test_what_happens_next_is_what_then_happens(zone_name, day, schedule, expected):
    at = next(night_of(zone_name, day))
    until = at.astimezone(UTC) + timedelta(hours=13)
    found = []
    while (edge := next_edge([schedule], at)) and edge.at.astimezone(UTC) < until:
        found.append(text(edge.at, edge.on))
        at = edge.at
    assert ", ".join(found) == expected


@pytest.mark.parametrize("name", ["Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"])
def test_a_daemon_that_starts_in_the_hour_that_comes_twice_does_what_its_end_says(name):
    at = datetime(2026, 10, 25, 1, 20, tzinfo=UTC).astimezone(zone(name))
    assert (at.hour, at.minute, at.fold) == (2, 20, 1)
    schedules = [window("02:15", "02:45"), window("02:30", "03:00"), hours(2)]
    assert wanted_at(schedules, at) == (False, True, True)


def test_next_is_the_first_of_all_schedules_and_is_found_to_the_minute():
    begin = datetime(2026, 11, 27, 12, 34, 56, tzinfo=zone("Asia/Kathmandu"))
    schedules = [hours(5), window("04:07", "04:08"), Schedule(action="available", mon=1)]
    edge = next_edge(schedules, begin)
    assert (edge.number, edge.action, edge.on) == (1, "enable", True)
    assert edge.at.isoformat() == "2026-11-29T04:07:00+05:45"


def test_what_never_changes_has_no_next():
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    always = Schedule(action="enable", **dict.fromkeys(days, 0xFFFFFF))
    nonstop = Schedule(action="enable", windows=(Window(days=days, begin=0, end=1440),))
    begin = datetime(2026, 11, 27, tzinfo=UTC)
    assert next_edge([], begin) is None
    assert next_edge([Schedule(), always, nonstop], begin) is None


def test_an_hour_that_is_skipped_this_week_comes_the_next():
    begin = datetime(2027, 3, 21, 12, tzinfo=zone("Europe/Berlin"))
    assert next_edge([hours(2)], begin).at.isoformat() == "2027-04-04T02:00:00+02:00"
