"""Garbage is collected in small pieces, the oldest of it while a vehicle charges as well."""

import asyncio
import gc
import weakref
from types import SimpleNamespace

import pytest

from evsed import supervision
from evsed.supervision import collect_garbage, garbage_by_appointment


class Knot:
    """Refers to itself: only a collection can free it."""

    def __init__(self):
        self.me = self


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Look without a pause, settle at the tenth look."""
    monkeypatch.setattr(supervision, "_LOOK_EVERY_S", 0)
    monkeypatch.setattr(supervision, "_SETTLED_AT", 10)


def old_garbage():
    """Return a watcher of something that died old."""
    knot = Knot()
    watcher = weakref.ref(knot)
    gc.collect(0)
    gc.collect(1)
    return watcher


async def looks(count):
    for _ in range(count * 3):
        await asyncio.sleep(0)


@pytest.fixture
async def collecting():
    """Collect for a station at which a vehicle charges, long after its start."""
    station = SimpleNamespace(snapshot=SimpleNamespace(contactor_closed=True))
    with garbage_by_appointment():
        task = asyncio.create_task(collect_garbage(station))
        await looks(20)
        yield
        task.cancel()
        await asyncio.wait({task})


async def test_old_garbage_goes_while_a_vehicle_charges(collecting):
    watcher = old_garbage()
    assert watcher() is not None
    async with asyncio.timeout(60):
        while watcher() is not None:  # noqa: ASYNC110  # a collection rings no bell
            await asyncio.sleep(0)


async def test_what_the_start_has_left_behind_is_not_looked_at_again(collecting):
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects(generation=2)) < 10_000


async def test_before_it_has_settled_the_oldest_waits_for_the_vehicle_to_go(monkeypatch):
    monkeypatch.setattr(supervision, "_SETTLED_AT", 10**9)
    station = SimpleNamespace(snapshot=SimpleNamespace(contactor_closed=True))
    with garbage_by_appointment():
        task = asyncio.create_task(collect_garbage(station))
        await looks(1)
        watcher = old_garbage()
        await looks(200)
        assert watcher() is not None
        station.snapshot.contactor_closed = False
        async with asyncio.timeout(60):
            while watcher() is not None:  # noqa: ASYNC110  # a collection rings no bell
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
