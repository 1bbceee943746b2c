"""The wall clock may be anything, also while a vehicle charges: nothing that charges reads it."""

import ast
import asyncio
import time
from pathlib import Path

import pytest
from station_world import World

ROOT = Path(__file__).parents[3]
#: What tells the wall clock; ``time.monotonic`` and its kin do not.
WALL = {"time", "time_ns", "gmtime", "localtime", "ctime", "strftime", "CLOCK_REALTIME"}
DAY_S = 86400


@pytest.fixture
def wall_clock(monkeypatch):
    """Return what moves every wall clock of this process, in any thread."""
    real, real_ns, clock_gettime = time.time, time.time_ns, time.clock_gettime
    shift_s = [0.0]

    def gettime(clock):
        return clock_gettime(clock) + (shift_s[0] if clock == time.CLOCK_REALTIME else 0)

    monkeypatch.setattr(time, "time", lambda: real() + shift_s[0])
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + int(shift_s[0] * 1e9))
    monkeypatch.setattr(time, "clock_gettime", gettime)

    def jump(seconds):
        shift_s[0] += seconds

    return jump


@pytest.mark.parametrize("jump_s", [10 * 365 * DAY_S, -DAY_S, 3600, -3600, 1.5])
async def test_a_session_is_as_long_as_it_was_whatever_the_wall_clock_does(
    tmp_path, wall_clock, jump_s
):
    world = World(tmp_path)
    async with world.running():
        world.changes.append({"vehicle": "charging"})
        await world.until(state="C2", contactor_closed=True)
        before, began_s = world.station.snapshot, time.monotonic()
        wall_clock(jump_s)
        async with asyncio.timeout(30):
            while world.station.snapshot.charging_time_ms < before.charging_time_ms + 2000:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        after, took_ms = world.station.snapshot, (time.monotonic() - began_s) * 1000
        for key in ("session_time_ms", "charging_time_ms"):
            grown_ms = getattr(after, key) - getattr(before, key)
            assert 2000 <= grown_ms <= took_ms + 500
        assert (after.state, after.contactor_closed) == ("C2", True)
        assert after.lateness.passes > before.lateness.passes


def test_what_charges_does_not_know_the_wall_clock():
    """The one exception stamps the recorder's files, and nothing is decided by it."""
    found = set()
    for room in ("charging", "station", "hardware"):
        for file in (ROOT / "evsed" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                named = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
                if named and node.value.id == "time" and node.attr in WALL:
                    found.add(file.relative_to(ROOT / "evsed").as_posix())
                if (
                    named
                    and node.value.id in {"datetime", "date"}
                    and node.attr
                    in {
                        "now",
                        "utcnow",
                        "today",
                    }
                ):
                    found.add(file.relative_to(ROOT / "evsed").as_posix())
    assert found == {"station/recorder.py"}
