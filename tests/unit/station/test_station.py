"""The station's face on a real event loop and a real thread, the hat in process."""

import asyncio
import logging
import threading
import time
from collections import deque
from dataclasses import replace

import pytest
from station_world import BOARD, World

from evsed.charging.commands import Enable, SetChargingCurrent, ShutDown
from evsed.errors import RejectedError
from evsed.settings.schema import default_evse
from evsed.station import station as module
from evsed.station.counters import Ledger
from evsed.station.running_mark import RunningMark
from evsed.station.station import ParkedStation


async def test_a_station_starts_offers_current_and_stops(tmp_path):
    world = World(tmp_path)
    world.station.lateness_us = deque()
    async with world.running():
        world.changes.append({"vehicle": "connected"})
        picture = await world.until(state="B2")
        assert picture.offered_da == 320
        assert picture.lateness.passes > 10
        assert len(world.station.lateness_us) >= picture.lateness.passes - 1
    assert world.station.snapshot.reason == "shutting_down"
    assert world.made_safe == 1
    assert world.circuit.get()["pilot"]["mode"] == "low"
    assert await world.station.ended() is None
    assert not [one for one in threading.enumerate() if one.name.startswith("evsed-")]


async def test_a_run_that_broke_off_is_known_to_the_next_one_and_an_orderly_one_is_not(tmp_path):
    path = tmp_path / "run" / "running"
    async with World(tmp_path, mark=RunningMark(path)).running() as world:
        assert not world.station.control_pass.memory.unclean_end
        assert path.exists()
    assert not path.exists()

    path.touch()
    again = World(tmp_path, mark=RunningMark(path))
    assert again.station.control_pass.memory.unclean_end
    async with again.running():
        pass
    assert not path.exists()


async def test_a_run_that_failed_leaves_its_mark(tmp_path):
    path = tmp_path / "run" / "running"
    async with World(tmp_path, mark=RunningMark(path)).running() as world:
        world.changes.append(OSError("the bus is gone"))
        assert await world.station.ended() is not None
    assert path.exists()


def test_a_mark_that_cannot_be_set_keeps_nobody_from_charging(tmp_path, caplog):
    (tmp_path / "run").write_text("")
    mark = RunningMark(tmp_path / "run" / "running")
    assert not mark.begin()
    mark.end()
    assert "would not be noticed" in caplog.text


async def test_a_stop_while_charging_waits_for_the_car_and_opens(tmp_path):
    world = World(tmp_path)
    async with world.running():
        world.changes.append({"vehicle": "charging", "reaction": 300})
        await world.until(contactor_closed=True)
    assert world.station.snapshot.contactor_closed is False
    assert world.circuit.get()["contactor"]["commanded"] is False
    assert world.circuit.get()["pilot"]["mode"] == "low"


async def test_minus_12_v_has_lasted_300_ms_before_the_thread_ends(tmp_path):
    world = World(tmp_path)
    async with world.running():
        pass
    low = world.station.control_pass.memory.pilot
    assert low.mode == "low"
    assert world.station.snapshot.at_ms - low.since_ms >= 300


async def test_what_is_written_is_read_back(tmp_path):
    async with World(tmp_path).running() as world:
        await world.station.send(SetChargingCurrent(77), source="test")
        assert world.station.snapshot.charging_current_da == 77


async def test_a_refusal_reaches_the_caller_and_changes_nothing(tmp_path):
    async with World(tmp_path).running() as world:
        with pytest.raises(RejectedError, match="chargingCurrent"):
            await world.station.send(SetChargingCurrent(5), source="test")
        assert world.station.snapshot.charging_current_da == 320


async def test_settings_are_in_force_when_their_sender_is_answered(tmp_path):
    async with World(tmp_path).running() as world:
        evse = replace(world.evse, max_charging_current_a=10, socket_lock_retry_count=2)
        await world.station.write([evse], source="test")
        assert world.station.snapshot.charging_current_da == 100
        assert world.hat.lock._timing.attempts == 2


async def test_settings_need_no_lock(tmp_path):
    board = replace(BOARD, socket_lock=None)
    async with World(tmp_path, board).running() as world:
        evse = replace(world.evse, max_charging_current_a=10)
        await world.station.write([evse], source="test")
        assert world.station.snapshot.charging_current_da == 100


async def test_an_exception_on_the_control_thread_ends_the_station_safely(tmp_path):
    world = World(tmp_path)
    async with world.running():
        world.changes.append(ZeroDivisionError("a bug"))
        failure = await asyncio.wait_for(world.station.ended(), 5)
        assert isinstance(failure, ZeroDivisionError)
        assert world.made_safe == 1
        with pytest.raises(TimeoutError):
            await world.station.send(Enable(True), source="test")
    assert world.circuit.get()["pilot"]["mode"] == "low"


async def test_a_thread_that_hangs_is_made_safe_from_outside(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "_JOIN_S", 0.05)
    world = World(tmp_path)
    async with world.running():
        world.stuck.clear()
        stopping = asyncio.create_task(world.station.stop())
        while not world.made_safe:  # noqa: ASYNC110 - counted on a thread
            await asyncio.sleep(0.01)
        world.stuck.set()
        await stopping
        logged = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
        assert any("does not answer" in line for line in logged)
        assert any("making the hat safe from outside" in line for line in logged)
        monkeypatch.setattr(world.station, "stop", _nothing)


async def _nothing():
    """Stand in for a stop that has been done."""


async def test_a_hurried_stop_does_not_wait_for_the_vehicle(tmp_path):
    world = World(tmp_path)
    async with world.running():
        world.station.hurry()
        began = time.monotonic()
        await asyncio.wait_for(world.station.stop(), 5)
        assert time.monotonic() - began < 1.5
        world.station.stop = _nothing


async def test_the_last_word_is_on_disk_after_a_stop(tmp_path):
    async with World(tmp_path).running() as world:
        await world.station.send(Enable(False), source="test")
    assert Ledger(tmp_path / "ledger.json").load().enabled is False


async def test_real_time_is_granted_or_refused_with_a_reason(tmp_path):
    async with World(tmp_path).running() as world:
        refused = world.station.real_time_refused
        assert (refused is None) is world.station.snapshot.lateness.real_time


def test_a_station_that_was_not_started_cannot_be_asked_how_it_runs(tmp_path):
    with pytest.raises(RuntimeError, match="not been started"):
        _ = World(tmp_path).station.real_time_refused


async def test_a_parked_station_shows_f_and_refuses_everything(tmp_path):
    station = ParkedStation("board.yaml:3:1: pilot: missing")
    assert (station.snapshot.state, station.snapshot.reason) == ("F", "maintenance")
    assert station.maintenance == "board.yaml:3:1: pilot: missing"
    with pytest.raises(RejectedError, match="maintenance mode"):
        await station.send(ShutDown(), source="test")
    with pytest.raises(RejectedError, match="maintenance mode"):
        await station.write([default_evse(BOARD)], source="test")
