"""The limit of a service of our own: said again it lives on, and it may be there from the start."""

import asyncio

import pytest
from station_world import World

from evsed.charging.owned_limits import MOST_LIMITS, OwnedLimit
from evsed.errors import RejectedError
from evsed.operations.limits import LimitDesk


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path).running() as one:
        yield one


def owned(world):
    return {one.owner: one for one in world.station.snapshot.owned}


async def seen(world, condition):
    async with asyncio.timeout(10):
        while not condition(owned(world)):  # noqa: ASYNC110 - a snapshot rings no bell
            await asyncio.sleep(0.01)
    return owned(world)


async def test_it_is_set_renewed_changed_and_ended(world):
    desk = LimitDesk(world.station)
    await desk.hold("ocpp", 100, lease_s=30, fallback_da=60, source="ocpp")
    first = (await seen(world, lambda now: "ocpp" in now))["ocpp"]
    assert (first.current_da, first.lease_ms, first.fallback_da) == (100, 30_000, 60)
    await desk.hold("ocpp", 100, lease_s=30, fallback_da=60, source="ocpp")
    await seen(world, lambda now: now["ocpp"].until_ms > first.until_ms)
    await desk.hold("ocpp", 80, lease_s=30, fallback_da=60, source="ocpp")
    await seen(world, lambda now: now["ocpp"].current_da == 80)
    await desk.hold("ocpp", None, lease_s=30, fallback_da=None, source="ocpp")
    await seen(world, lambda now: "ocpp" not in now)
    await desk.hold("ocpp", None, lease_s=30, fallback_da=None, source="ocpp")  # none to end
    assert owned(world) == {}


async def test_nobody_else_can_set_or_end_it(world):
    desk = LimitDesk(world.station)
    await desk.hold("ocpp", 100, lease_s=30, fallback_da=60, source="ocpp")
    with pytest.raises(RejectedError):
        await desk.set("ocpp", {"current": 32}, whole=True, source="rest")
    with pytest.raises(RejectedError):
        await desk.clear("ocpp", source="rest")
    assert "ocpp" in owned(world)


async def test_a_limit_from_the_start_is_there_in_the_first_picture(tmp_path):
    world = World(tmp_path)
    limit = OwnedLimit(owner="ocpp", current_da=60, lease_ms=30_000, fallback_da=60)
    world.station.hold_from_start(limit)
    async with world.running():
        found = owned(world)["ocpp"]
        assert (found.current_da, found.lapsed) == (60, False)
        assert found.until_ms is not None


async def test_others_cannot_take_its_place(world):
    desk = LimitDesk(world.station)
    for number in range(MOST_LIMITS):
        await desk.set(f"manager{number}", {"current": 32}, whole=True, source="mqtt")
    await desk.hold("ocpp", 100, lease_s=30, fallback_da=60, source="ocpp")
    await seen(world, lambda now: "ocpp" in now)
    with pytest.raises(RejectedError, match="there are 16 limits already"):
        await desk.set("another", {"current": 32}, whole=True, source="mqtt")
