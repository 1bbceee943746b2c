"""The scheduler at work on a real desk."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from station_world import BOARD, World

from evsed.host.clock import ShiftedClock, SystemClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.services.scheduler.service import SchedulerService
from evsed.settings.store import SettingsStore

#: a Monday, half past nine
NOW_S = datetime(2026, 11, 23, 9, 30, tzinfo=UTC).timestamp()
ON_NOW, OFF_NOW = {"action": "enable", "mon": 1 << 9}, {"action": "enable", "tue": 1}


@asynccontextmanager
async def at_work(tmp_path, clock=None):
    world = World(tmp_path)
    async with world.running():
        store = SettingsStore(tmp_path, BOARD)
        operations = Operations(
            station=world.station,
            settings=store,
            board=BOARD,
            machine=Machine(simulated=True),
            network=UnmanagedNetwork(),
            clock=clock or ShiftedClock(),
        )
        if clock is None:
            await operations.set_time(NOW_S, source="test")
        await operations.change("scheduler", {"timezone": "Etc/UTC"}, source="test")
        scheduler = SchedulerService(operations, first_look_s=0)
        operations.scheduler = scheduler
        service = asyncio.create_task(scheduler.serve())
        try:
            yield operations, world
        finally:
            service.cancel()
            with suppress(asyncio.CancelledError):
                await service


async def post(operations, *schedules):
    await operations.change("scheduler", {"schedules": list(schedules)}, source="test")


async def test_a_posted_schedule_acts_at_once_and_then_leaves_the_owner_alone(tmp_path):
    async with at_work(tmp_path) as (operations, world):
        await post(operations, OFF_NOW)
        await world.until(enabled=False)
        await operations.write([("enabled", True)], source="owner")
        await operations.change("scheduler", {"ntpEnabled": False}, source="test")
        await asyncio.sleep(0.2)
        assert world.station.snapshot.enabled is True


async def test_the_same_schedule_posted_again_acts_again(tmp_path):
    async with at_work(tmp_path) as (operations, world):
        await post(operations, OFF_NOW)
        await world.until(enabled=False)
        await operations.write([("enabled", True)], source="owner")
        await world.until(enabled=True)
        await post(operations, OFF_NOW)
        await world.until(enabled=False)


async def test_a_clock_that_is_set_and_a_zone_that_is_changed_are_looked_at(tmp_path):
    async with at_work(tmp_path) as (operations, world):
        await post(operations, ON_NOW)
        await world.until(enabled=True)
        await operations.set_time(NOW_S + 3600, source="test")
        await world.until(enabled=False)
        await operations.change("scheduler", {"timezone": "<-01>1"}, source="test")
        await world.until(enabled=True)


async def test_nothing_happens_by_a_clock_that_was_never_set(tmp_path):
    clock = SystemClock(root=tmp_path / "nothing")
    async with at_work(tmp_path, clock) as (operations, world):
        await post(operations, {"action": "enable"})
        await asyncio.sleep(0.3)
        assert world.station.snapshot.enabled is True


def test_a_clock_is_plausible_once_the_network_has_set_it(tmp_path):
    clock = SystemClock(root=tmp_path)
    assert clock.plausible() is False
    sign = tmp_path / "run/systemd/timesync/synchronized"
    sign.parent.mkdir(parents=True)
    sign.touch()
    assert clock.plausible() is True


async def test_the_next_event_is_told_and_follows_the_settings(tmp_path):
    async with at_work(tmp_path) as (operations, _):
        assert (await operations.scheduler.standing()).edge is None
        await post(operations, OFF_NOW, ON_NOW)
        standing = await operations.scheduler.standing()
        assert (standing.waiting, standing.active) == (False, (False, True))
        assert (standing.edge.number, standing.edge.on) == (1, False)
        assert standing.edge.at == datetime(2026, 11, 23, 10, tzinfo=UTC)


async def test_a_window_to_the_minute_acts_when_the_clock_reaches_it(tmp_path):
    window = {"days": ["mon"], "start": "09:41", "end": "09:43"}
    async with at_work(tmp_path) as (operations, world):
        await post(operations, {"action": "enable", "windows": [window]})
        await world.until(enabled=False)
        await operations.set_time(NOW_S + 11 * 60, source="test")
        await world.until(enabled=True)
        await operations.set_time(NOW_S + 13 * 60, source="test")
        await world.until(enabled=False)
