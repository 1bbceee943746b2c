"""The settings about time servers reach whoever keeps the clock; a jump is told to everybody."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from evsed.errors import HardwareError
from evsed.host.time_date import ClockPlan
from evsed.services.clock.service import ClockService, JumpWatch
from evsed.settings.schedule import SchedulerSettings

PLAN = ClockPlan(ntp=True, server="pool.ntp.org")


class Keeper:
    """A timekeeper that notes what it is asked for."""

    def __init__(self):
        self.before = ClockPlan(ntp=True)
        self.plans = []
        self.failure = None
        self.asked = asyncio.Event()

    async def found(self):
        if self.failure:
            raise self.failure
        return self.before

    async def keep(self, plan):
        self.plans.append(plan)
        self.asked.set()
        if self.failure:
            raise self.failure

    async def until(self, count):
        async with asyncio.timeout(30):
            while len(self.plans) < count:
                self.asked.clear()
                await self.asked.wait()


class Desk:
    """The part of the desk the service uses."""

    def __init__(self):
        self.scheduler = SchedulerSettings()
        self.store = SimpleNamespace(settings=self, fresh=False)
        self.clock = self
        self.wall_s = 1_000_000.0
        self.changes = []
        self.told = asyncio.Event()
        self.tells = 0

    def now_s(self):
        return self.wall_s

    async def change(self, section, patch, *, source):
        self.changes.append((section, patch, source))

    def tell_clock(self):
        self.tells += 1
        self.told.set()


@pytest.fixture
async def keeper():
    return Keeper()


@pytest.fixture
async def desk():
    return Desk()


@contextlib.asynccontextmanager
async def running(desk, keeper, **more):
    service = ClockService(desk, keeper, look_s=0.01, **more)
    serving = asyncio.create_task(service.serve())
    try:
        yield service
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def test_the_settings_are_put_into_force_at_the_start_and_when_they_change(desk, keeper):
    async with running(desk, keeper) as service:
        await keeper.until(1)
        before, desk.scheduler = desk.scheduler, SchedulerSettings(ntp_server="time.example")
        await service.changed(before, desk.scheduler)
        await keeper.until(2)
    assert keeper.plans == [PLAN, ClockPlan(ntp=True, server="time.example")]


async def test_a_change_of_schedules_alone_asks_nobody(desk, keeper):
    async with running(desk, keeper) as service:
        await keeper.until(1)
        await service.changed(desk.scheduler, SchedulerSettings(timezone="Europe/Prague"))
        await asyncio.sleep(0.1)
    assert keeper.plans == [PLAN]


async def test_what_is_in_force_is_looked_at_again_and_again(desk, keeper):
    async with running(desk, keeper, again_s=0.01):
        await keeper.until(5)


async def test_a_refusal_is_logged_once_and_tried_again(desk, keeper, caplog):
    keeper.failure = HardwareError("clock: nobody there")
    async with running(desk, keeper, again_s=0.01):
        await keeper.until(5)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith("nobody there; the settings are kept and tried again")


async def test_a_charger_never_configured_takes_over_what_its_machine_does(desk, keeper):
    desk.store.fresh = True
    keeper.before = ClockPlan(ntp=False, server="time.example")
    async with running(desk, keeper):
        await keeper.until(1)
    patch = {"ntpEnabled": False, "ntpServer": "time.example"}
    assert desk.changes == [("scheduler", patch, "system")]


async def test_where_nobody_can_tell_the_defaults_are_in_force(desk, keeper):
    desk.store.fresh = True
    keeper.failure = HardwareError("clock: nobody there")
    async with running(desk, keeper):
        await keeper.until(1)
    assert desk.changes == []


async def test_a_configured_charger_keeps_its_settings(desk, keeper):
    keeper.before = ClockPlan(ntp=False)
    async with running(desk, keeper):
        await keeper.until(1)
    assert desk.changes == []


async def test_a_jump_is_told(desk, keeper, caplog):
    async with running(desk, keeper, steady=lambda: 50.0):
        await keeper.until(1)
        await asyncio.sleep(0.1)
        assert desk.tells == 0
        desk.wall_s += 3600
        await asyncio.wait_for(desk.told.wait(), 30)
    assert desk.tells == 1
    assert "clock: jumped by +3600.0 s" in caplog.messages


def test_a_jump_is_what_the_steady_clock_does_not_share():
    watch = JumpWatch(1000.0, 5.0)
    assert watch.look(1060.0, 65.0) == 0
    assert watch.look(1061.3, 66.0) == 0  # a clock that is being corrected
    assert watch.look(1000.0, 66.0) == pytest.approx(-61.3)
    assert watch.look(1001.0, 67.0) == 0
    assert watch.look(90001.0, 67.0) == pytest.approx(89000.0)
