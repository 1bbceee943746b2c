"""Leases: what is in force when a script no longer renews what it said."""

import asyncio
import os
import signal

import pytest
from script_world import scripts_at_work

LEASING = """
local evse = require("evse")
evse.setchargingcurrent(20)
component.register({id = "a", name = "A", start = function()
  evse.lease(%s, %s)
  return coroutine.create(function() coroutine.yield(300) %s end) end})
"""
FOREVER = "while true do coroutine.yield(50) end"


def permitted_da(scripts):
    """Return what limits leave: the lowest of the set-point and what leases fell back to."""
    now = scripts.operations.station.snapshot
    limits = [one.in_force_da for one in now.owned if one.in_force_da is not None]
    return min([now.charging_current_da, *limits])


async def test_a_lease_that_is_not_renewed_runs_out(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING % (1, 8.04, FOREVER))
        assert permitted_da(scripts) == 200
        await scripts.until(lambda: permitted_da(scripts) == 80)
        assert scripts.operations.station.snapshot.enabled


async def test_zero_amperes_are_a_pause(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING % (1, 0, FOREVER))
        await scripts.until(lambda: permitted_da(scripts) == 0)
        assert scripts.operations.station.snapshot.charging_current_da == 200


async def test_a_lease_that_is_renewed_or_ended_by_its_script_does_nothing(tmp_path):
    renewing = (
        "for i = 1, 20 do evse.lease(1, 8) coroutine.yield(100) end print('enough') evse.lease(0)"
    )
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING % (60, 8, renewing))
        await scripts.until(lambda: list(scripts.lines) == ["enough"])
        await asyncio.sleep(1.2)
        assert permitted_da(scripts) == 200


@pytest.mark.parametrize(
    "end",
    [
        "error('no')",
        "while true do end",
        'string.find(("a"):rep(200000), ("a-"):rep(40) .. "b")',
    ],
)
async def test_a_component_that_fails_falls_back(tmp_path, end):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING % (600, 9, end))
        await scripts.until(lambda: permitted_da(scripts) == 90)


async def test_a_worker_that_dies_falls_back(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING.replace("evse.set", "--") % (600, 9, FOREVER))
        await scripts.operations.write([("chargingCurrent", 20)], source="test")
        os.kill(scripts.service._worker._process.pid, signal.SIGKILL)
        await scripts.until(lambda: permitted_da(scripts) == 90)


@pytest.mark.parametrize("how", ["switched off", "reloaded"])
async def test_whoever_ends_a_script_gets_what_it_falls_back_to(tmp_path, how):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING % (600, 9, FOREVER))
        assert permitted_da(scripts) == 200
        scripts.write("init.lua", "")
        if how == "switched off":
            await scripts.switch(enabled=False)
        else:
            await scripts.service.reload()
        await scripts.until(lambda: permitted_da(scripts) == 90)


async def test_what_a_script_may_ask_for(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(
            "local evse = require('evse')\n"
            "local all = {{}, {'x'}, {-1, 6}, {0/0, 6}, {10}, {10, 'x'}, {10, 5}, {10, 33},"
            " {0.5, 6}, {'10', '6'}, {0}, {true, 6}}\n"
            "for _, given in ipairs(all) do"
            " print((select(-1, pcall(evse.lease, table.unpack(given))))) end"
        )
        text = "bad argument #{} to 'lease' ({})".format
        assert list(scripts.lines) == [
            text(1, "Must be number"),
            text(1, "Must be number"),
            text(1, "Invalid value"),
            text(1, "Invalid value"),
            text(2, "Must be number"),
            text(2, "Must be number"),
            text(2, "Invalid value"),
            text(2, "Invalid value"),
            text(1, "Invalid value"),
            "true",
            "true",
            text(1, "Must be number"),
        ]
