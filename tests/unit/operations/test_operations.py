"""The desk: what is refused changes nothing, what is accepted is saved and in force."""

import asyncio
import json
import os
from contextlib import asynccontextmanager

import pytest
from station_world import BOARD, World

from evsed.errors import HardwareError, RejectedError, StorageError
from evsed.host.clock import ShiftedClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.settings.store import SettingsStore
from evsed.station.alarms import Alarm
from evsed.station.station import ParkedStation


def desk(state_dir, station):
    store = SettingsStore(state_dir, BOARD)
    store.load()
    return Operations(
        station=station,
        settings=store,
        board=BOARD,
        machine=Machine(simulated=True),
        network=UnmanagedNetwork(),
        clock=ShiftedClock(),
    )


@asynccontextmanager
async def open_desk(tmp_path):
    world = World(tmp_path)
    async with world.running():
        yield desk(tmp_path, world.station)


def parked_desk(tmp_path):
    """Return a desk for what has nothing to do with charging."""
    return desk(tmp_path, ParkedStation("board.yaml:1:1: nothing fitted"))


def kept(tmp_path):
    return json.loads((tmp_path / "settings.json").read_text())


async def test_state_and_settings_are_written_together(tmp_path):
    async with open_desk(tmp_path) as operations:
        told = []
        operations.listen(told.append)
        changes = [("maxChargingCurrent", 20), ("chargingCurrent", 18.5), ("enabled", False)]
        await operations.write(changes, source="test")
        picture = operations.picture()
        assert (picture.snapshot.charging_current_da, picture.snapshot.enabled) == (185, False)
        assert picture.settings.evse.max_charging_current_a == 20
        assert kept(tmp_path)["evse"]["maxChargingCurrent"] == 20
        assert told == ["evse"]


async def test_one_bad_value_leaves_everything_as_it_was(tmp_path):
    async with open_desk(tmp_path) as operations:
        before = operations.picture()
        changes = [("enabled", False), ("requireAuth", True), ("chargingCurrent", 99)]
        with pytest.raises(RejectedError, match="chargingCurrent"):
            await operations.write(changes, source="test")
        after = operations.picture()
        assert (after.snapshot.enabled, after.settings) == (True, before.settings)
        assert not (tmp_path / "settings.json").exists()


async def test_a_write_that_changes_nothing_does_not_touch_the_disk(tmp_path):
    async with open_desk(tmp_path) as operations:
        evse = operations.store.evse
        await operations.write([("maxChargingCurrent", evse.max_charging_current_a)], source="test")
        await operations.write([("enabled", True)], source="test")
        assert not (tmp_path / "settings.json").exists()


async def test_a_full_disk_refuses_settings_and_the_command_that_came_with_them(
    tmp_path, monkeypatch
):
    async with open_desk(tmp_path) as operations:
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", _disk_full)
            with pytest.raises(StorageError):
                await operations.write([("requireAuth", True), ("enabled", False)], source="test")
        assert operations.picture().snapshot.enabled is True
        assert operations.store.evse.require_auth is False


async def test_settings_the_station_does_not_take_are_taken_back(tmp_path):
    world = World(tmp_path)
    async with world.running():
        operations = desk(tmp_path, world.station)
        world.stuck.clear()
        with pytest.raises(TimeoutError):
            await operations.write([("requireAuth", True)], source="test")
        assert operations.store.evse.require_auth is False
        assert kept(tmp_path)["evse"]["requireAuth"] is False


async def test_a_client_that_goes_away_leaves_disk_and_station_agreed(tmp_path):
    async with open_desk(tmp_path) as operations:
        work = asyncio.ensure_future(operations.write([("requireAuth", True)], source="test"))
        await asyncio.sleep(0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await operations.write([("enabled", True)], source="test")  # waits for the one under way
        assert operations.store.evse.require_auth is True
        assert kept(tmp_path)["evse"]["requireAuth"] is True


async def test_nothing_is_saved_in_maintenance(tmp_path):
    operations = parked_desk(tmp_path)
    with pytest.raises(RejectedError, match="maintenance"):
        await operations.write([("requireAuth", True)], source="test")
    assert not (tmp_path / "settings.json").exists()


async def test_a_section_is_saved_and_then_applied(tmp_path):
    operations = parked_desk(tmp_path)
    seen = []

    async def apply(before, after):
        seen.append((before.unit_id, after.unit_id, kept(tmp_path)["modbus"]["unitId"]))

    operations.on_change("modbus", apply)
    await operations.change("modbus", {"unitId": 7}, source="test")
    await operations.change("modbus", {"unitId": 7}, source="test")
    assert seen == [(1, 7, 7)]


@pytest.mark.parametrize(
    "error", [OSError(98, "port in use"), HardwareError("no radio"), KeyError("a bug")]
)
async def test_a_section_that_cannot_be_applied_is_as_before(tmp_path, error):
    operations = parked_desk(tmp_path)
    applied = []

    async def first(before, after):
        applied.append((before.tcp_enabled, after.tcp_enabled))

    async def second(_before, _after):
        raise error

    operations.on_change("modbus", first)
    operations.on_change("modbus", second)
    with pytest.raises(type(error)):
        await operations.change("modbus", {"tcpEnabled": True}, source="test")
    assert applied == [(False, True), (True, False)]
    assert operations.store.settings.modbus.tcp_enabled is False
    assert kept(tmp_path)["modbus"]["tcpEnabled"] is False


async def test_writes_at_the_same_time_are_all_kept(tmp_path):
    async with open_desk(tmp_path) as operations:
        await asyncio.gather(
            operations.write([("requireAuth", True)], source="a"),
            operations.write([("temperatureThreshold", 50)], source="b"),
            operations.change("discovery", {"hostname": "garage"}, source="c"),
        )
        settings = operations.store.settings
        assert (settings.evse.require_auth, settings.evse.temperature_threshold_c) == (True, 50)
        assert settings.discovery.hostname == "garage"


async def test_a_restart_is_due_once_and_a_little_later(tmp_path):
    operations = parked_desk(tmp_path)
    await operations.restart(source="test")
    await operations.restart(source="test")
    assert not operations.restart_due.is_set()
    async with asyncio.timeout(10):
        await operations.restart_due.wait()


@pytest.mark.parametrize("seconds", [-1, 4294967296, True, "x", None, float("nan")])
async def test_a_time_out_of_range_is_refused(tmp_path, seconds):
    operations = parked_desk(tmp_path)
    before_s = operations.picture().clock_s
    with pytest.raises(RejectedError, match="time"):
        await operations.set_time(seconds, source="test")
    assert abs(operations.picture().clock_s - before_s) < 60


async def test_the_clock_is_set_and_whoever_waits_for_it_is_told(tmp_path):
    operations = parked_desk(tmp_path)
    told = []
    operations.clock_listeners.append(lambda: told.append(True))
    await operations.set_time(1795363646.471, source="test")
    assert 0 <= operations.picture().clock_s - 1795363646 < 60
    assert told == [True]


def _disk_full(*_arguments):
    raise OSError(28, "No space left on device")


async def test_who_authorized_is_known_and_who_was_refused_is_not(tmp_path):
    async with open_desk(tmp_path) as operations:
        assert operations.authorized is None
        await operations.authorize(source="at")
        source, at_ms = operations.authorized
        assert source == "at"
        assert 0 <= operations.station.snapshot.at_ms - at_ms < 10_000
    parked = parked_desk(tmp_path)
    with pytest.raises(RejectedError):
        await parked.authorize(source="rest")
    assert parked.authorized is None


async def test_alarms_of_the_station_and_of_services_are_one_list(tmp_path):
    operations = parked_desk(tmp_path)
    assert operations.alarms() == ()
    operations.alarm_sources.append(lambda: (Alarm("sessions_not_saved", "the disk is full"),))
    assert [alarm.name for alarm in operations.alarms()] == ["sessions_not_saved"]
