"""Clock and time servers through timedated and timesyncd, as python-dbusmock plays them."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from bus_world import MOCK, PrivateBus

from evsed.errors import HardwareError
from evsed.host.bus import BusAbsentError, BusError, Remote, SystemBus
from evsed.host.clock import SystemClock
from evsed.host.time_date import ClockPlan, NoTimekeeper, TimeDate

TIMEDATE = "org.freedesktop.timedate1"
TIMESYNC = "org.freedesktop.timesync1"
CLOCK = Remote(TIMEDATE, "/org/freedesktop/timedate1")
SYNC = Remote(TIMESYNC, "/org/freedesktop/timesync1")
TEMPLATE = Path(__file__).parents[2] / "time_mock.py"
POOL = ClockPlan(ntp=True, server="pool.ntp.org")
OFF = ClockPlan(ntp=False, server="pool.ntp.org")


@pytest.fixture
async def bus():
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name:
        private = PrivateBus(Path(name))
        private.open()
        yield private
        private.client.close()
        private.close()


class World:
    """timedated on a private bus, and who is tested."""

    def __init__(self, bus):
        self.bus, self.client = bus, bus.client
        self.leased = ()
        self.system = SystemBus(bus.address)
        self.time_date = TimeDate(self.system, self.lease, patience_s=2.0)

    async def lease(self):
        if isinstance(self.leased, Exception):
            raise self.leased
        return self.leased

    async def play(self, **parameters):
        await self.bus.play(TEMPLATE, parameters, service=TIMEDATE)

    async def is_set_to(self):
        return await self.client.get(CLOCK, f"{TIMEDATE}.Set")

    async def switched(self):
        return await self.client.get(CLOCK, f"{TIMEDATE}.Switched")

    async def servers(self):
        return await self.client.get(SYNC, f"{TIMESYNC}.Manager.RuntimeNTPServers")


@pytest.fixture
async def world(bus):
    made = World(bus)
    yield made
    made.system.close()


async def test_the_clock_is_set_with_ntp_off_for_that_moment(world):
    await world.play(NTP=True)
    await SystemClock(world.time_date).set(1795363646.471)
    assert await world.is_set_to() == 1795363646471000
    assert await world.switched() == [False, True]


async def test_ntp_that_was_off_stays_off(world):
    await world.play(NTP=False)
    await world.time_date.set_time(1795363646)
    assert await world.is_set_to() == 1795363646000000
    assert await world.switched() == []


async def test_a_refusal_that_passes_is_waited_out(world):
    await world.play(NTP=True, Linger=2)
    await world.time_date.set_time(1795363646)
    assert await world.is_set_to() == 1795363646000000


async def test_a_refusal_that_stays_is_an_error_and_ntp_is_on_again(world):
    await world.play(NTP=True, Linger=10**6)
    with pytest.raises(BusError, match="Previous request is not finished"):
        await world.time_date.set_time(1795363646)
    assert await world.switched() == [False, True]


async def test_without_timedated_the_kernel_is_asked(world, monkeypatch):
    asked = []
    monkeypatch.setattr("time.clock_settime", lambda _clock, seconds: asked.append(seconds))
    await SystemClock(world.time_date).set(1795363646.5)
    assert asked == [1795363646.5]


async def test_who_may_not_set_the_clock_is_told_so(world, monkeypatch):
    def refuse(clock, seconds):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("time.clock_settime", refuse)
    with pytest.raises(HardwareError, match="clock: may not be set: Operation not permitted"):
        await SystemClock().set(1795363646.5)


async def test_ntp_and_its_server_are_what_the_plan_says(world):
    await world.play(NTP=False)
    await world.time_date.keep(POOL)
    assert await world.switched() == [True]
    assert await world.servers() == ["pool.ntp.org"]
    await world.time_date.keep(OFF)
    assert await world.switched() == [True, False]


async def test_what_is_as_it_should_be_is_left_alone(world):
    await world.play(NTP=True)
    await world.time_date.keep(POOL)
    await world.time_date.keep(POOL)
    assert await world.switched() == []
    named = await world.client.call(SYNC, f"{MOCK}.GetMethodCalls", "s", "SetRuntimeNTPServers")
    assert len(named) == 1


async def test_a_server_that_was_forgotten_is_named_again(world):
    await world.play(NTP=True)
    await world.time_date.keep(POOL)
    await world.time_date.set_time(1795363646)  # timesyncd starts anew
    assert await world.servers() == []
    await world.time_date.keep(POOL)
    assert await world.servers() == ["pool.ntp.org"]


async def test_servers_by_dhcp_come_before_the_one_of_the_settings(world):
    await world.play(NTP=True)
    world.leased = ("10.0.0.1", "10.0.0.2")
    plan = ClockPlan(ntp=True, server="pool.ntp.org", from_dhcp=True)
    await world.time_date.keep(plan)
    assert await world.servers() == ["10.0.0.1", "10.0.0.2", "pool.ntp.org"]
    world.leased = BusAbsentError("no NetworkManager")
    await world.time_date.keep(plan)
    assert await world.servers() == ["pool.ntp.org"]


async def test_a_machine_that_cannot_do_it_says_so(world):
    await world.play(NTP=False, CanNTP=False)
    with pytest.raises(HardwareError, match="nothing on this machine sets it from the network"):
        await world.time_date.keep(POOL)


async def test_another_time_service_takes_no_server_and_that_is_an_error_to_log(world):
    await world.play(NTP=False, Timesync=False)
    with pytest.raises(BusAbsentError):
        await world.time_date.keep(POOL)
    assert await world.switched() == [True]


async def test_what_the_machine_did_before_is_found(world):
    await world.play(NTP=True, Servers=["time.example", "other.example"])
    assert await world.time_date.found() == ClockPlan(ntp=True, server="time.example")


async def test_ntp_that_is_off_is_found_too(world):
    await world.play(NTP=False, Servers=["time.example"])
    assert await world.time_date.found() == ClockPlan(ntp=False)


async def test_setting_the_clock_and_keeping_ntp_do_not_meet(world):
    await world.play(NTP=True, Linger=1)
    await asyncio.gather(world.time_date.set_time(1795363646), world.time_date.keep(POOL))
    assert await world.switched() == [False, True]
    assert await world.is_set_to() == 1795363646000000


async def test_a_simulated_charger_has_no_timekeeper():
    await NoTimekeeper().keep(POOL)
    with pytest.raises(HardwareError):
        await NoTimekeeper().found()
