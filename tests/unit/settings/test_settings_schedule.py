"""Clock and schedules: what is permitted, and what is shown of it."""

import pytest
from settings_tools import sim_board

from evsed.errors import RejectedError
from evsed.settings.schedule import (
    MAX_SCHEDULES,
    SCHEDULER,
    Schedule,
    SchedulerSettings,
    patched_scheduler,
)

START = SchedulerSettings(schedules=(Schedule(action="available", mon=1),))
SEED_SAMPLE = {
    "ntpEnabled": True,
    "ntpServer": "pool.ntp.org",
    "ntpFromDhcp": False,
    "timezone": "CET-1CEST,M3.5.0,M10.5.0/3",
    "schedules": [
        {
            "action": "ch_cur_6a",
            **dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), 16777215),
            "sat": 0,
            "sun": 0,
        }
    ],
}


def refused(patch, before=START):
    with pytest.raises(RejectedError) as refusal:
        patched_scheduler(before, patch)
    return refusal.value


def test_the_sample_of_the_interface_is_shown_as_it_was_written():
    assert SCHEDULER.shown(patched_scheduler(START, SEED_SAMPLE)) == SEED_SAMPLE


def test_what_is_kept_is_what_comes_back():
    after = patched_scheduler(START, SEED_SAMPLE)
    assert SCHEDULER.restored(SCHEDULER.kept(after), sim_board()) == (after, ())


def test_a_zone_that_is_gone_after_an_update_becomes_the_systems():
    kept = {**SCHEDULER.kept(START), "timezone": "Mars/Base", "ntpEnabled": False}
    found, remarks = SCHEDULER.restored(kept, sim_board())
    assert (found.ntp_enabled, found.schedules) == (False, START.schedules)
    assert found.timezone == SCHEDULER.default(sim_board()).timezone
    assert "timezone" in remarks[0]


def test_what_else_was_kept_wrong_is_refused():
    with pytest.raises(RejectedError):
        SCHEDULER.restored({"ntpEnabled": 3}, sim_board())


def test_absent_keys_keep_their_value_and_a_list_is_replaced():
    assert patched_scheduler(START, {"timezone": "Etc/UTC"}).schedules == START.schedules
    assert patched_scheduler(START, {"schedules": []}).schedules == ()


def test_absent_days_are_never():
    after = patched_scheduler(START, {"schedules": [{"action": "enable", "sun": 5.0}]})
    assert after.schedules == (Schedule(action="enable", sun=5),)


@pytest.mark.parametrize(
    ("schedule", "key"),
    [
        ({"action": "fly", "mon": 1}, "schedules[0].action"),
        ({"action": "enable", "mon": 16777216}, "schedules[0].mon"),
        ({"action": "enable", "sun": -1}, "schedules[0].sun"),
        ({"action": "enable", "sat": 1.5}, "schedules[0].sat"),
        ({"action": "enable", "fri": True}, "schedules[0].fri"),
        ({"action": "enable", "thu": None}, "schedules[0].thu"),
        ({"mon": 1}, "schedules[0]"),
        ([], "schedules[0]"),
        ("enable", "schedules[0]"),
    ],
)
def test_a_wrong_schedule_is_named(schedule, key):
    assert refused({"schedules": [schedule]}).key == key


@pytest.mark.parametrize("value", [None, {}, "x", [{"action": "enable"}] * (MAX_SCHEDULES + 1)])
def test_the_schedules_are_an_array_of_at_most_64(value):
    assert refused({"schedules": value}).key == "schedules"


def test_64_schedules_are_taken():
    after = patched_scheduler(START, {"schedules": [{"action": "enable"}] * MAX_SCHEDULES})
    assert len(after.schedules) == MAX_SCHEDULES


@pytest.mark.parametrize(
    "server", ["pool.ntp.org", "192.168.1.1", "fd00::1", "ntp", "a.b.", "x" * 63]
)
def test_a_server_is_a_name_or_an_address(server):
    assert patched_scheduler(START, {"ntpServer": server}).ntp_server == server


@pytest.mark.parametrize("server", ["x" * 64, "a b", "-a", "a..b", "1.2.3", "256.1.1.1", "a/b", 1])
def test_anything_else_is_no_server(server):
    assert refused({"ntpServer": server}).key == "ntpServer"


def test_an_enabled_client_without_any_server_is_refused():
    assert refused({"ntpServer": ""}).key == "ntpServer"
    assert patched_scheduler(START, {"ntpServer": "", "ntpFromDhcp": True}).ntp_server == ""
    off = patched_scheduler(START, {"ntpServer": "", "ntpEnabled": False})
    assert refused({"ntpEnabled": True}, off).key == "ntpServer"


@pytest.mark.parametrize("zone", ["Mars/Base", "", "CET-1CEST", "CET-25", 1, None, "x" * 64])
def test_an_unknown_zone_is_refused_with_everything_beside_it(zone):
    assert refused({"timezone": zone, "ntpEnabled": False}).key == "timezone"


@pytest.mark.parametrize("patch", [{}, [], None, {"foo": 1}])
def test_something_known_must_be_in_an_object(patch):
    refused(patch)


def test_a_schedule_knows_its_hours():
    one = Schedule(mon=0x800001, sun=2)
    assert [one.active(0, hour * 60 + 59) for hour in (0, 1, 22, 23)] == [True, False, False, True]
    assert (one.active(6, 60), one.active(6, 59), one.active(3, 60)) == (True, False, False)


# windows to the minute

NIGHT = {"days": ["fri", "mon"], "start": "22:30", "end": "06:15"}


def posted(*entries):
    return patched_scheduler(START, {"schedules": list(entries)})


def shown(settings):
    return SCHEDULER.shown(settings)["schedules"][0]


def test_windows_are_shown_as_they_were_written_and_their_full_hours_as_masks():
    found = shown(posted({"action": "enable", "mon": 7, "windows": [NIGHT]}))
    assert found["windows"] == [{"days": ["mon", "fri"], "start": "22:30", "end": "06:15"}]
    assert {day: found[day] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")} == {
        "mon": 1 << 23,
        "tue": 0b111111,
        "wed": 0,
        "thu": 0,
        "fri": 1 << 23,
        "sat": 0b111111,
        "sun": 0,
    }


def test_hours_that_several_windows_fill_together_are_full():
    windows = [
        {"days": ["sun"], "start": "23:00", "end": "23:30"},
        {"days": ["sun"], "start": "23:20", "end": "00:30"},
        {"days": ["mon"], "start": "00:30", "end": "01:00"},
    ]
    found = shown(posted({"action": "enable", "windows": windows}))
    assert (found["sun"], found["mon"]) == (1 << 23, 1)


def test_a_schedule_by_the_hour_looks_as_it_always_did():
    found = shown(posted({"action": "enable", "sun": 1, "windows": []}))
    assert list(found) == ["action", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def test_windows_are_kept_over_a_restart():
    before = posted({"action": "enable", "windows": [NIGHT]})
    assert SCHEDULER.restored(SCHEDULER.kept(before), sim_board()) == (before, ())


def test_a_window_has_its_minutes_and_no_others():
    (schedule,) = posted({"action": "enable", "windows": [NIGHT]}).schedules
    on = [
        (day, minute) for day in range(7) for minute in range(1440) if schedule.active(day, minute)
    ]
    evening, morning = range(22 * 60 + 30, 1440), range(6 * 60 + 15)
    assert on == [
        (day, minute)
        for day, minutes in ((0, evening), (1, morning), (4, evening), (5, morning))
        for minute in minutes
    ]


def test_a_whole_day_ends_at_24_00():
    window = {"days": ["mon"], "start": "00:00", "end": "24:00"}
    assert shown(posted({"action": "enable", "windows": [window]}))["mon"] == 0xFFFFFF


@pytest.mark.parametrize(
    "windows",
    [
        None,
        {},
        "22:30",
        [[]],
        [NIGHT] * 17,
        [{"days": ["mon"], "start": "01:00"}],
        *(
            [NIGHT | change]
            for change in (
                {"days": []},
                {"days": ["mon", "Monday"]},
                {"days": "mon"},
                {"days": [1]},
                {"days": [["mon"]]},
                {"start": "1:00"},
                {"start": "24:00"},
                {"start": "22:60"},
                {"start": 2230},
                {"start": None},
                {"start": "06:15"},
                {"start": "22:30\n"},
                {"start": "$(id)"},
                {"end": "24:01"},
                {"end": "٠٦:١٥"},
                {"end": "0" * 10_000},
            )
        ),
    ],
)
def test_windows_that_are_none_are_refused_with_their_place(windows):
    with pytest.raises(RejectedError, match=r"^schedules\[0\]\.windows"):
        posted({"action": "enable", "windows": windows})
