"""Leases: what is in force when a script no longer renews what it said."""

import asyncio
import os
import signal

import pytest
from script_world import scripts_at_work

from evsed.errors import RejectedError
from evsed.services.script.leases import Leases

LEASING = """
local evse = require("evse")
evse.setchargingcurrent(20)
component.register({id = "a", name = "A", start = function()
  evse.lease(%s, %s)
  return coroutine.create(function() coroutine.yield(300) %s end) end})
"""
FOREVER = "while true do coroutine.yield(50) end"


def current_da(scripts):
    return scripts.operations.station.snapshot.charging_current_da


async def test_a_lease_that_is_not_renewed_runs_out(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING % (0.5, 8.04, FOREVER))
        assert current_da(scripts) == 200
        await scripts.until(lambda: current_da(scripts) == 80)
        assert list(scripts.lines) == ["lease of a has run out: 8 A"]
        assert scripts.operations.station.snapshot.enabled


async def test_zero_amperes_are_a_pause(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING % (0.5, 0, FOREVER))
        await scripts.until(lambda: not scripts.operations.station.snapshot.enabled)
        assert current_da(scripts) == 200


async def test_a_lease_that_is_renewed_or_ended_by_its_script_does_nothing(tmp_path):
    renewing = (
        "for i = 1, 20 do evse.lease(0.5, 8) coroutine.yield(100) end print('enough') evse.lease(0)"
    )
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING % (60, 8, renewing))
        await scripts.until(lambda: list(scripts.lines) == ["enough"])
        await asyncio.sleep(0.7)
        assert current_da(scripts) == 200


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
        await scripts.until(lambda: current_da(scripts) == 90)


async def test_a_worker_that_dies_falls_back(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING.replace("evse.set", "--") % (600, 9, FOREVER))
        await scripts.operations.write([("chargingCurrent", 20)], source="test")
        os.kill(scripts.service._worker._process.pid, signal.SIGKILL)
        await scripts.until(lambda: current_da(scripts) == 90)


@pytest.mark.parametrize("how", ["switched off", "started again", "reloaded"])
async def test_whoever_ends_a_script_gets_what_it_falls_back_to(tmp_path, how):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING % (600, 9, FOREVER))
        assert current_da(scripts) == 200
        scripts.write("init.lua", "")
        if how == "switched off":
            await scripts.switch(enabled=False)
        elif how == "reloaded":
            await scripts.service.reload()
        else:
            await scripts.service.set_component("a", {})
        await scripts.until(lambda: current_da(scripts) == 90)


async def test_a_lease_of_more_than_is_permitted_by_now_falls_back_to_the_most(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(LEASING % (0.8, 32, FOREVER))
        await scripts.operations.write([("maxChargingCurrent", 13)], source="test")
        await scripts.operations.write([("chargingCurrent", 7)], source="test")
        await scripts.until(lambda: current_da(scripts) == 130)


async def test_what_a_script_may_ask_for(tmp_path):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(
            "local evse = require('evse')\n"
            "local all = {{}, {'x'}, {-1, 6}, {0/0, 6}, {10}, {10, 'x'}, {10, 5}, {10, 33},"
            " {'10', '6'}, {0}, {true, 6}}\n"
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
            "true",
            "true",
            text(1, "Must be number"),
        ]


async def test_what_cannot_be_done_is_tried_until_it_can(monkeypatch):
    monkeypatch.setattr("evsed.services.script.leases._AGAIN_S", 0.01)
    tried = []

    async def fall_back(amps):
        tried.append(amps)
        if len(tried) < 3:
            raise TimeoutError if len(tried) == 1 else RejectedError("maintenance")

    said = []
    leases = Leases(fall_back, said.append)
    leases.renew("a", 600, 6.0)
    await leases.end("a")
    async with asyncio.timeout(20):
        while len(tried) < 3:  # noqa: ASYNC110  # nothing rings
            await asyncio.sleep(0.01)
    assert tried == [6.0, 6.0, 6.0]
    assert said == ["lease of a ended: 6 A"]


async def test_a_new_lease_stops_what_an_old_one_could_not_do():
    async def never(_amps):
        await asyncio.Event().wait()

    leases = Leases(never, lambda _line: None)
    leases.renew("a", 600, 6.0)
    leases.end_all()
    (falling,) = leases._falling.values()
    leases.renew("a", 600, 7.0)
    await asyncio.gather(falling, return_exceptions=True)
    assert falling.cancelled()
    leases.drop_all()
