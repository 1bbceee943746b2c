"""When the service manager hears from the daemon, and when it must not."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import pytest

from evsed.attendance import attend
from evsed.charging.snapshot import Lateness, Snapshot


@dataclass
class Manager:
    """Notes what it is told."""

    patience_s: float | None = 0.02
    told: list[tuple[str, ...]] = field(default_factory=list)

    def tell(self, *lines):
        self.told.append(lines)

    @property
    def signs(self):
        return sum("WATCHDOG=1" in lines for lines in self.told)


@dataclass
class Station:
    """As much of a station as attendance looks at."""

    maintenance: str | None = None
    watched: bool = True
    lapses: int = 0
    passes: int = 0

    @property
    def snapshot(self):
        return Snapshot(lateness=Lateness(passes=self.passes))


@contextlib.asynccontextmanager
async def attending(manager, station, *, listening=True):
    event = asyncio.Event()
    if listening:
        event.set()
    task = asyncio.create_task(attend(manager, station, event))
    try:
        yield event
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def test_a_charger_is_ready_once_a_pass_has_succeeded():
    manager, station = Manager(), Station()
    async with attending(manager, station):
        await asyncio.sleep(0.2)
        assert not manager.told
        station.passes = 1
        await until(lambda: manager.told)
    assert manager.told[0][:2] == ("READY=1", "STATUS=running")


async def test_it_is_ready_when_its_port_listens():
    manager, station = Manager(), Station(passes=1)
    async with attending(manager, station, listening=False) as listening:
        await asyncio.sleep(0.2)
        assert not manager.told
        listening.set()
        await until(lambda: manager.told)


async def test_only_new_passes_are_signs_of_life():
    manager, station = Manager(), Station(passes=1)
    async with attending(manager, station):
        await until(lambda: manager.told)
        before = manager.signs
        await asyncio.sleep(0.2)  # a hundred times the pause between two signs
        assert manager.signs == before
        station.passes += 1
        await until(lambda: manager.signs == before + 1)
        await asyncio.sleep(0.2)
        assert manager.signs == before + 1


async def test_maintenance_is_ready_says_why_and_is_alive():
    manager = Manager()
    async with attending(manager, Station(maintenance="board.yaml: wrong\nin many ways")):
        await until(lambda: manager.signs > 3)
    assert manager.told[0][:2] == ("READY=1", "STATUS=maintenance: board.yaml: wrong")


async def test_a_guard_that_goes_and_comes_is_logged_once_each(caplog):
    manager, station = Manager(), Station(passes=1)
    async with attending(manager, station):
        await until(lambda: manager.told)
        station.watched, station.lapses = False, 1
        await until(lambda: "nothing is charged without it" in caplog.text)
        station.watched = True
        await until(lambda: "answers again" in caplog.text)
        await asyncio.sleep(0.1)
    assert caplog.text.count("guard:") == 2


async def test_a_guard_that_goes_and_comes_between_two_looks_is_logged_too(caplog):
    manager, station = Manager(), Station(passes=1)
    async with attending(manager, station):
        await until(lambda: manager.told)
        station.lapses = 1
        await until(lambda: "answers again" in caplog.text)
    assert caplog.text.count("nothing is charged without it") == 1


@pytest.mark.parametrize("patience_s", [None, 5.0])
async def test_without_a_watchdog_or_with_a_patient_one_it_is_ready_too(patience_s):
    manager = Manager(patience_s=patience_s)
    async with attending(manager, Station(passes=1)):
        await until(lambda: manager.told)
    assert "READY=1" in manager.told[0]
