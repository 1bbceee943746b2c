"""Who held the interpreter: found in stepped time, and once for real."""

import asyncio
import json
import logging
import threading
from collections import deque

import pytest
from station_world import World

from evsed.station import held_up
from evsed.station.held_up import LatePass, Place, Report, Watcher, told

MS = 1_000_000


class Passes:
    """A control loop as the watcher sees it."""

    def __init__(self):
        self.due_ns = 0
        self.late = deque()
        self.thread = None


class Watched:
    """A watcher in time that moves when it sleeps; things happen while it does."""

    def __init__(self):
        self.passes = Passes()
        self.now_ns = 1000 * MS
        self.slept = []
        self.meanwhile = lambda: None
        self.watcher = Watcher(self.passes, lambda: self.now_ns, self._sleep)

    def _sleep(self, seconds):
        self.slept.append(seconds)
        self.now_ns += round(seconds * 1e9)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()

    def quiet(self, looks):
        for _ in range(looks):
            self.passes.due_ns = self.now_ns + 17 * MS
            self.meanwhile = lambda: setattr(self.passes, "due_ns", 0)
            self.watcher.look()

    def late(self, late_ms, woke_ms):
        """Have a pass begin late, and the watcher come at a time, both after it was due."""
        due_ns = self.passes.due_ns = self.now_ns + 17 * MS

        def meanwhile():
            self.now_ns = due_ns + woke_ms * MS
            if woke_ms >= late_ms:
                self.passes.due_ns = 0
                self.passes.late.append(LatePass(due_ns, late_ms * 1000))

        self.meanwhile = meanwhile
        self.watcher.look()
        if woke_ms < late_ms:
            self.meanwhile = lambda: self.passes.late.append(LatePass(due_ns, late_ms * 1000))
            self.watcher.look()

    def told(self):
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        return [told(report, names) for report in self.watcher.reports]


@pytest.fixture
def watched():
    return Watched()


@pytest.fixture
def stuck():
    """Yield a thread that stands in one function, by its name."""
    standing, end = threading.Event(), threading.Lock()
    end.acquire()

    def stands_in_the_way():
        standing.set()
        end.acquire()

    thread = threading.Thread(target=stands_in_the_way, name="the-hog")
    thread.start()
    standing.wait()
    yield thread
    end.release()
    thread.join()


def test_passes_that_begin_in_time_are_no_news(watched):
    watched.quiet(200)
    assert not watched.watcher.reports
    assert set(watched.slept) == {0.020}


@pytest.mark.parametrize(("late_ms", "woke_ms"), [(6, 3), (40, 40)])
def test_a_late_pass_is_reported_with_who_was_busy(watched, stuck, late_ms, woke_ms):
    watched.late(late_ms, woke_ms)
    (report,) = watched.watcher.reports
    assert report.late_us == late_ms * 1000
    assert report.suspects[stuck.ident][0].function == "stands_in_the_way"
    assert any("the-hog was in stands_in_the_way (unit/station/test_held_up.py:" in one
               for one in watched.told())  # fmt: skip


def test_where_a_thread_usually_is_explains_nothing(watched, stuck):
    watched.quiet(200)
    watched.late(6, 3)
    (report,) = watched.watcher.reports
    assert stuck.ident not in report.suspects


def test_a_watcher_that_came_too_late_says_so(watched, stuck):
    watched.quiet(200)
    watched.late(10, 15)
    (report,) = watched.watcher.reports
    assert report.after_us == 5000
    watched.watcher.reports[0] = Report(report.late_us, report.after_us, {})
    assert watched.told() == ["whoever held the interpreter was gone when the watcher came"]


def test_a_late_pass_nobody_looked_at_is_reported_all_the_same(watched):
    watched.passes.late.append(LatePass(watched.now_ns, 7000))
    watched.quiet(1)
    assert watched.told() == ["nobody looked in time"]


def test_a_pass_that_never_begins_is_looked_at_once_and_not_without_pause(watched, monkeypatch):
    asked = []
    monkeypatch.setattr(held_up, "_stacks", lambda depth=1: asked.append(depth) or {})
    watched.passes.due_ns = watched.now_ns
    for _ in range(100):
        watched.watcher.look()
    assert len(asked) == 1
    assert min(watched.slept[1:]) == 0.005


@pytest.mark.parametrize(
    ("functions", "waited_for", "counts"),
    [
        (["_wait"], True, False),
        (["wait", "_wait"], True, False),
        (["exchange"], True, True),
        (["exchange"], False, False),
    ],
)
def test_the_control_thread_is_a_reason_only_when_it_is_busy_before_its_pass(
    watched, monkeypatch, functions, waited_for, counts
):
    stack = tuple(Place("/opt/evsed/hardware/pi/link.py", name, 7) for name in functions)
    monkeypatch.setattr(held_up, "_stacks", lambda: {77: stack})
    watched.passes.thread = 77
    watched.late(6, 3 if waited_for else 8)
    assert (77 in watched.watcher.reports[0].suspects) is counts


def test_what_is_told_names_the_place_and_whom_it_was_for():
    inner = Place("/usr/lib/python3.11/json/encoder.py", "iterencode", 258)
    ours = Place("/opt/lib/evsed/services/rest/answers.py", "json_bytes", 35)
    report = Report(7000, 0, {1: (inner, inner, ours), 2: (ours, inner), 3: (inner,)})
    assert told(report, {1: "MainThread", 2: "evsed-files"}) == (
        "a thread that has ended was in iterencode (python3.11/json/encoder.py:258); "
        "MainThread was in iterencode (python3.11/json/encoder.py:258) for "
        "json_bytes (services/rest/answers.py:35); "
        "evsed-files was in json_bytes (services/rest/answers.py:35)"
    )
    assert told(Report(7000, 0, {}), {}).startswith("no thread of ours was busy")


def holds_the_interpreter(numbers):
    """One call into C that lets nobody else run."""
    return json.dumps(numbers)


async def test_the_log_of_a_running_station_names_who_held_the_interpreter(tmp_path, caplog):
    caplog.set_level(logging.INFO, "evsed.station")
    numbers = list(range(400_000))

    def named():
        return any("late: MainThread was in" in text and "json" in text for text in caplog.messages)

    async with World(tmp_path).running(), asyncio.timeout(60):
        while not named():  # the keeper rings no bell
            holds_the_interpreter(numbers)
            await asyncio.sleep(0.1)
