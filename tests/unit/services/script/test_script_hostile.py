"""Scripts that mean harm: each ends within its bound, and the others go on or come back."""

import asyncio
import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
from script_world import scripts_at_work

#: How often a worker is killed; ``EVSED_FUZZ`` wants more.
KILLS = min(100, int(os.environ.get("EVSED_FUZZ", "8")))

GOOD = """
component.register({id = "good", name = "Good", start = function()
  return coroutine.create(function() while true do coroutine.yield(50) end end) end})
"""
BAD = (
    """
component.register({id = "bad", name = "Bad", start = function()
  return coroutine.create(function() coroutine.yield(100) %s end) end})
"""
    + GOOD
)
#: Does it once: the worker that follows finds the file.
ONCE = 'if not io.open("once") then io.open("once", "w"):close() %s end'

#: End with the soft watchdog: the component fails, nobody else notices.
SOFT = {
    "load": "while true do load(function() while true do end end) end",
    "wrap": "while true do pcall(coroutine.wrap(function() while true do end end)) end",
    "close": "while true do local c = coroutine.create(function() local x <close> = setmetatable({}"
    ", {__close = function() while true do end end}) coroutine.yield() end) coroutine.resume(c) "
    "coroutine.close(c) end",
    "nested": "local function nest() return coroutine.wrap(nest)() end nest()",
    "handlers": "while true do xpcall(error, function() xpcall(error, function() end) end) end",
    "metamethods": "local t = setmetatable({}, {__eq = function() while true do end end}) "
    "print(t == setmetatable({}, getmetatable(t)))",
    "replaced": "string.format = function() while true do end end error({})",
    "gc in a method": "local f = io.open('x', 'w') rawset(f, '__gc', function() while true do end "
    "end) f = nil collectgarbage() while true do end",
    "memory": "local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end",
    "one text": "local s = 'x' while true do s = s .. s end",
    "rep": "local s = ('x'):rep(1e9)",
    "tables": "local t = {} while true do t = {t} end",
    "file": "local f = io.open('big', 'w') local s = ('x'):rep(2e5) while f:write(s) do end "
    "while true do end",
    "files": "for i = 1, 1e9 do local f = io.open('f' .. i, 'w') if f then f:write(('x'):rep(2e5)) "
    "f:close() end end",
}
#: Only ending the process helps: one call of the library that takes for ever.
HARD = {
    "pattern": 'local s = ("a"):rep(200000) s:find(("a-"):rep(40) .. "b")',
    "pattern in pcall": 'while true do pcall(string.find, ("a"):rep(250000), "(.-)*b") end',
    "move": "table.move({}, 1, 1e15, 2)",
}


@pytest.mark.parametrize("name", SOFT)
async def test_what_the_watchdog_reaches_ends_alone(tmp_path, name):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(BAD % SOFT[name])
        worker = scripts.service._worker._process.pid
        await scripts.until(lambda: scripts.status("bad") in {"failed", "finished"})
        assert scripts.status("good") == "running"
        assert scripts.service._worker._process.pid == worker


@pytest.mark.parametrize("name", HARD)
async def test_what_only_ends_with_the_process_ends_and_the_others_come_back(tmp_path, name):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(BAD % (ONCE % HARD[name]))
        await scripts.until(lambda: scripts.service.components() == [])
        await scripts.until(lambda: scripts.status("bad") == "finished")
        assert scripts.status("good") == "running"


async def test_a_component_that_ends_the_engine_three_times_is_not_started_again(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(BAD % HARD["move"])
        await scripts.until(lambda: scripts.status("bad") == "stopped", within_s=60)
        assert scripts.status("good") == "running"
        assert any("is not started" in line for line in scripts.lines)
        await scripts.service.reload()
        assert scripts.status("bad") == "running"


async def test_an_engine_that_died_five_times_stays_down_until_somebody_wants_it(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("evsed.services.script.service._PAUSES_S", (0.01,))
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(GOOD + "os.execute()")
        assert any("attempt to call a nil value" in line for line in scripts.lines)
        for death in range(5):
            await scripts.until(lambda: scripts.status("good") == "running")
            os.kill(scripts.service._worker._process.pid, signal.SIGKILL)
            await scripts.until(lambda: scripts.status("good") is None)
            assert death < 5
        await scripts.until(lambda: any("stays down" in line for line in scripts.lines))
        await scripts.service.reload()
        assert scripts.status("good") == "running"


async def test_a_worker_that_does_not_answer_is_killed(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(GOOD)
        first = scripts.service._worker
        first._patient_until_s = 0
        os.kill(first._process.pid, signal.SIGSTOP)
        await scripts.until(lambda: first._process.returncode is not None)
        assert first._process.returncode == -signal.SIGKILL
        await scripts.until(lambda: scripts.status("good") == "running")


async def test_a_flood_of_calls_is_slowed_down_and_serves_everybody(tmp_path):
    flood = (
        "local evse = require('evse') local count = 0 "
        "while true do for i = 1, 50 do evse.setchargingcurrent(6 + i / 10) count = count + 1 end "
        "coroutine.yield(50) end"
    )
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(BAD % flood)
        for _ in range(20):
            began = time.monotonic()
            await scripts.operations.write([("enabled", True)], source="test")
            assert time.monotonic() - began < 1
        assert scripts.status("bad") == "running"
        assert scripts.status("good") == "running"


async def test_messages_of_brokers_are_counted_when_the_worker_has_taken_them(tmp_path):
    message = {"t": "mqtt", "c": 1, "topic": "t", "data": "\xff" * 65536}
    line = json.dumps(message, ensure_ascii=False).encode() + b"\n"
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(BAD % "while true do coroutine.yield(50) end")
        for _ in range(20):
            scripts.service._relay(line)
        await scripts.until(lambda: scripts.brokers.taken == 20)
        assert scripts.status("good") == "running"


async def test_a_worker_killed_at_any_moment_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("evsed.services.script.service._PAUSES_S", (0.01,))
    monkeypatch.setattr("evsed.services.script.service._DEATHS", 1000)
    dice = random.Random(6)  # noqa: S311  # moments, not secrets
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(GOOD + "print('hello')")
        before = descriptors()
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0, 0.3))
            worker = scripts.service._worker
            if worker is not None and worker._process is not None:
                try:
                    os.kill(worker._process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            listed = [one.id for one in scripts.service.components()]
            assert listed in ([], ["good"])
            assert scripts.service.output(0)[1] >= 0
        await scripts.until(lambda: scripts.status("good") == "running")
        assert list(scripts.lines) == ["hello"]
        assert zombies() == []
        assert descriptors() <= before + 1
    assert zombies() == []


def descriptors():
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def zombies():
    """Return the children of this process that have died and were not looked after."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if words[0] == "Z" and int(words[1]) == os.getpid():
            found.append(place.parent.name)
    return found


async def test_a_worker_taken_over_by_a_script_only_harms_itself(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(GOOD)
        service = scripts.service
        for message in (
            {"t": "comp", "list": [{"id": 1}]},
            {"t": "comp"},
            {"t": "stuck", "ms": "x"},
            {"t": "call", "f": ["x"], "a": 5, "n": None},
            {"t": "call", "f": "evse.setenabled", "a": [1, 2, 3]},
            {"t": "call", "f": "aux.read", "a": [{}]},
            {"t": "call", "f": "mqtt.publish", "a": [1]},
            {"t": "call", "f": "serial.write", "a": [1, 5]},
            {"t": "call", "f": "__class__", "a": []},
            {"t": "out", "l": [1, None, {}]},
            {"t": []},
        ):
            try:
                await service._take(message)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
        assert scripts.status("good") == "running"
