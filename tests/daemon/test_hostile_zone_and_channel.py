"""Names that are meant to be interpreted: refused with a sentence, or kept as they are."""

import pytest
from daemon_world import ROOT, Daemon

HOSTILE = {
    "command": "$(touch owned-by-a-name)",
    "backquotes": "`id`",
    "semicolon": "stable; reboot",
    "quotes": "\"'\"'",
    "newline": "Europe/Berlin\nreboot",
    "return": "stable\r\n",
    "nul": "UTC\0",
    "path": "../../../etc/passwd",
    "absolute": "/etc/localtime",
    "colon": ":/etc/passwd",
    "option": "--help",
    "format": "%s%n{0.__class__}",
    "right to left": "Europe/\u202eegaugr",
    "not ASCII": "Évreux/Žilina",
    "blank": " ",
    "empty": "",
    "10 kB": "A" * 10_000,
    "10 kB of rule": "A" * 5_000 + "-1" * 2_500,
    "folder": "Europe",
    "dot": ".",
}


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("hostile")) as daemon:
        yield daemon


def refused(daemon, read, written, body):
    """Write what is to be refused; return the sentence, once nothing has changed."""
    before = daemon.get(read)
    status, text = daemon.ask("POST", written, body)
    assert status == 400, body
    assert daemon.get(read) == before
    return text


def test_a_time_zone_that_is_none_is_refused(daemon, name):
    words = refused(daemon, "/config/scheduler", "/config/scheduler", {"timezone": name})
    assert words.startswith("timezone: ")


def test_a_channel_that_is_none_is_refused(daemon, name):
    known = daemon.get("/firmware/channels")
    assert ", ".join(known) in refused(daemon, "/firmware/channel", "/firmware/channel", name)


def test_an_action_day_or_time_of_a_schedule_that_is_none_is_refused(daemon, name):
    window = {"days": ["mon"], "start": "01:00", "end": "02:00"}
    for entry in (
        {"action": name},
        {"action": "enable", "windows": [{**window, "days": [name]}]},
        {"action": "enable", "windows": [{**window, "end": name}]},
    ):
        body = {"schedules": [entry]}
        words = refused(daemon, "/config/scheduler", "/config/scheduler", body)
        assert words.startswith("schedules[0].")


def test_nothing_of_all_this_has_left_the_daemon(daemon):
    assert not (ROOT / "owned-by-a-name").exists()
    assert daemon.popen.poll() is None
