"""The engine as a process: what scripts can do, and what they cannot keep from happening."""

import itertools
import os
import signal
import time
from pathlib import Path

import pytest
from script_world import scripts_at_work

from evsed.errors import RejectedError

TICKING = """
component.register({id = "a", name = "A", params = {n = {type = "number", default = 1}},
  start = function(p)
    print("n", p.n)
    return coroutine.create(function() while true do coroutine.yield(50) end end)
  end})
"""
SPINNING = """
component.register({id = "bad", name = "Bad", start = function()
  return coroutine.create(function() coroutine.yield(100) %s end) end})
component.register({id = "good", name = "Good", start = function()
  return coroutine.create(function() while true do coroutine.yield(50) end end) end})
"""


async def test_an_engine_that_is_off_says_nothing_and_knows_nothing(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        assert scripts.service.output(0) == ([], 0)
        assert scripts.service.components() == []
        assert scripts.service.component("a") is None
        await scripts.service.reload()
        assert scripts.service.output(0) == ([], 0)


async def test_switching_on_waits_until_the_components_are_known(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(TICKING)
        assert [one.id for one in scripts.service.components()] == ["a"]
        assert scripts.service.output(0)[0][1] == "loading file '/usr/lua/init.lua'..."
        assert list(scripts.lines) == ["n\t1"]
        await scripts.switch(enabled=False)
        assert scripts.service.output(0) == ([], 0)
        assert scripts.service.components() == []


async def test_a_state_directory_may_be_named_from_where_the_daemon_was_started(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    async with scripts_at_work(Path("state")) as scripts:
        await scripts.start("print('found')")
        assert list(scripts.lines) == ["found"]


async def test_a_script_reads_and_steers_the_charger(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(
            'local evse = require("evse")\n'
            "print(evse.getstate() == evse.STATEA, evse.getmaxchargingcurrent())\n"
            "evse.setchargingcurrent(10.5) evse.setenabled(false)\n"
            "print(evse.getchargingcurrent())\n"
            "print(pcall(evse.setchargingcurrent, 99))"
        )
        assert list(scripts.lines) == [
            "true\t32.0",
            "10.5",
            "false\tbad argument #1 to 'setchargingcurrent' (Invalid value)",
        ]
        now = scripts.operations.station.snapshot
        assert (now.charging_current_da, now.enabled) == (105, False)


async def test_stored_settings_are_in_force_at_once_and_written_once_a_second_at_most(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        store, written = scripts.operations.store, []
        original = store._write
        store._write = lambda text: (written.append(time.monotonic()), original(text))
        await scripts.start(
            'local evse = require("evse")\n'
            "component.register({id = 'a', name = 'A', start = function()\n"
            "return coroutine.create(function()\n"
            "for i = 1, 30 do evse.setmaxchargingcurrent(20 + i % 2)\n"
            "assert(evse.getmaxchargingcurrent() == 20 + i % 2) coroutine.yield(50) end\n"
            "evse.setmaxchargingcurrent(23) print('done') end) end})"
        )
        written.clear()  # switching on was the test's
        await scripts.until(lambda: list(scripts.lines) == ["done"])
        assert store.evse.max_charging_current_a == 23
        await scripts.until(lambda: b'"maxChargingCurrent": 23' in store._text)
        assert len(written) >= 2
        assert min(later - sooner for sooner, later in itertools.pairwise(written)) > 0.95


async def test_changed_parameters_are_kept_and_start_one_component_again(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(TICKING)
        await scripts.service.set_component("a", {"n": 6.5})
        assert list(scripts.lines) == ["n\t1", "n\t6.5"]
        assert scripts.service.component("a")[0].value == 6.5
        await scripts.service.reload()
        assert list(scripts.lines) == ["n\t6.5"]
        await scripts.service.set_component("a", {"n": None})
        assert scripts.service.component("a")[0].value == 1


@pytest.mark.parametrize("values", [{"n": "six"}, {"x": 1}, {"n": True}])
async def test_wrong_parameters_are_refused(tmp_path, values):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(TICKING)
        with pytest.raises(RejectedError):
            await scripts.service.set_component("a", values)
        assert not (scripts.root / "lua" / "params.yaml").exists()


@pytest.mark.parametrize(
    "loop",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "xpcall(function() while true do end end, function() while true do end end)",
        "local function f() return f() end f()",
        "coroutine.wrap(function() while true do end end)()",
        "local t = setmetatable({}, {__index = function(t, k) while true do end end}) print(t.x)",
        "table.sort({3, 2, 1}, function(a, b) while true do end end)",
        "print(setmetatable({}, {__tostring = function() while true do end end}))",
        "do local x <close> = setmetatable({}, {__close = function() while true do end end}) end",
        '("x"):gsub("x", function() while true do end end)',
        "local a = {} while true do a[#a + 1] = ('x'):rep(1000) .. #a end",
    ],
)
async def test_what_runs_too_long_ends_alone(tmp_path, loop):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(SPINNING % loop)
        await scripts.until(lambda: scripts.status("bad") == "failed")
        assert scripts.status("good") == "running"


async def test_one_endless_library_call_ends_the_worker_and_a_new_one_starts(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(
            SPINNING % 'if not io.open("once") then io.open("once", "w"):close() '
            'local s = ("a"):rep(200000) s:find(("a-"):rep(40) .. "b") end'
        )
        await scripts.until(lambda: scripts.status("bad") is None)
        await scripts.until(lambda: scripts.status("good") == "running")
        await scripts.until(lambda: scripts.status("bad") == "finished")


async def test_a_worker_that_is_killed_comes_back(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(TICKING)
        os.kill(scripts.service._worker._process.pid, signal.SIGKILL)
        await scripts.until(lambda: scripts.status("a") is None)
        await scripts.until(lambda: scripts.status("a") == "running")


async def test_a_changed_file_is_loaded_when_that_is_wanted(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.switch(autoReload=True)
        await scripts.start("print('one')")
        scripts.write("init.lua", "print('another')")
        scripts.service.files_changed()
        await scripts.until(lambda: list(scripts.lines) == ["another"])


async def test_a_flood_of_output_is_cut_and_the_rest_goes_on(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start("for i = 1, 100000 do print(i) end")
        await scripts.until(lambda: scripts.service.output(0)[1] > 100)
        assert scripts.service.output(0)[1] <= 1000


LEASING = """
local evse = require("evse")
component.register({id = "guard", name = "Guard", params = {n = {type = "number", default = 1}},
  start = function(p)
    return coroutine.create(function()
      evse.lease(3600, 8)
      print("leased", p.n)
      while true do
        coroutine.yield(50)
        if evse.getconsumptionlimit() > 0 then error("it breaks") end
        if not evse.getenabled() then evse.lease(0) end
      end
    end)
  end})
"""


def lease(scripts):
    """Return the limit of the component as anybody sees it."""
    return scripts.operations.limits.of("script:guard")


async def leased(tmp_scripts):
    await tmp_scripts.start(LEASING)
    await tmp_scripts.until(lambda: lease(tmp_scripts) is not None)


async def test_a_lease_limits_nothing_while_its_script_lives_and_can_be_ended(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await leased(scripts)
        shown = lease(scripts)
        assert (shown["expires"], shown["fallback"], shown["inForce"]) == (3600, 8.0, None)
        await scripts.operations.write([("enabled", False)], source="test")
        await scripts.until(lambda: lease(scripts) is None)


async def test_a_component_that_fails_leaves_its_fallback_behind(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await leased(scripts)
        await scripts.operations.write([("consumptionLimit", 3600)], source="test")
        await scripts.until(lambda: scripts.status("guard") == "failed")
        await scripts.until(lambda: lease(scripts)["lapsed"])
        assert scripts.operations.limits.shown()["permitted"] == 8.0
        assert scripts.operations.limits.shown()["limitedBy"] == "script:guard"
        await scripts.operations.limits.clear("script:guard", source="test")
        assert lease(scripts) is None


async def test_a_worker_that_dies_leaves_the_fallback_until_its_successor_leases_again(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        seen = []
        scripts.world.station.control_pass.changes = Listener(seen)
        await leased(scripts)
        os.kill(scripts.service._worker._process.pid, signal.SIGKILL)
        await scripts.until(lambda: True in seen)
        await scripts.until(lambda: not lease(scripts)["lapsed"])


async def test_an_engine_that_is_switched_off_leaves_the_fallback(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await leased(scripts)
        await scripts.switch(enabled=False)
        await scripts.until(lambda: lease(scripts)["lapsed"])


async def test_a_component_that_is_started_again_leases_again(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        seen = []
        scripts.world.station.control_pass.changes = Listener(seen)
        await leased(scripts)
        await scripts.service.set_component("guard", {"n": 2})
        await scripts.until(lambda: "leased\t2" in scripts.lines)
        assert True in seen
        assert not lease(scripts)["lapsed"]


class Listener(list):
    """Takes the pictures of a station; notes whether a lease had lapsed in them."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def append(self, picture):
        self.seen += [one.lapsed for one in picture.owned]


async def test_local_time_follows_the_zone_of_the_charger(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        scripts.operations.on_change("scheduler", scripts.service.zone_changed)
        await scripts.start(
            "component.register({id = 'a', name = 'A', start = function()\n"
            "return coroutine.create(function() local last while true do\n"
            "local now = os.date('%H', 0) if now ~= last then print(now) last = now end\n"
            "coroutine.yield(50) end end) end})"
        )
        await scripts.until(lambda: list(scripts.lines) == ["00"])
        change = scripts.operations.change
        await change("scheduler", {"timezone": "CET-1CEST,M3.5.0,M10.5.0/3"}, source="test")
        await scripts.until(lambda: list(scripts.lines) == ["00", "01"])
        await change("scheduler", {"timezone": "Asia/Tokyo"}, source="test")
        await scripts.until(lambda: list(scripts.lines) == ["00", "01", "09"])
