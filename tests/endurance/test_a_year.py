"""A year of charging in stepped time: what was counted is what the mains gave.

``make endurance`` lives through a whole year; the usual run through some days.
"""

import gc
import os
import random
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import pytest
from growth import growth
from sessions_world import SmallStation

from evsed.charging.states import Fault
from evsed.operations.session_log import EVERY_SESSION
from evsed.settings.tariff import SessionsSettings, Window
from evsed.station.counters import Ledger
from evsed.station.keeper import Keeper

DAYS = int(os.environ.get("EVSED_DAYS", "5"))
STEP_MS = 5000
#: objects; a leak of one each minute would be 1440 a day
MOST_GROWTH = 2500


class Household:
    """Comes home in the evening, charges, leaves in the morning; sometimes something goes wrong."""

    def __init__(self, folder):
        self.street = SmallStation(folder / "sessions" / "sessions.db")
        self.street.tariff = SessionsSettings(
            price_e4=3219, prices=(Window(start="22:00", end="06:00", price_e4=2155),)
        )
        self.small_pass = SimpleNamespace(
            snapshot=self.street.snapshot,
            recorder=SimpleNamespace(recordings=deque()),
            taken=deque(),
            changes=deque(),
        )
        self.ledger = Ledger(folder / "ledger.json")
        self.keeper = Keeper(self.small_pass, self.ledger, folder / "recordings")
        self.chance = random.Random(3)  # noqa: S311  # a seeded year
        self.plugs = 0
        self.cost = 0

    def pass_time(self, seconds, step_ms=STEP_MS):
        left_ms = round(seconds) * 1000
        while left_ms > 0:
            ms = min(step_ms, left_ms)
            self.street.step(ms)
            self.small_pass.snapshot = self.street.snapshot
            self.keeper.look()
            self.street.look()
            self.cost += self.street.snapshot.power_w * ms * self._price()
            left_ms -= ms

    def _price(self):
        """Say the price by the words of the tariff, worked out anew."""
        hour = int(self.street.wall_s // 3600) % 24
        return 2155 if hour >= 22 or hour < 6 else 3219

    def day(self):
        chance, street = self.chance, self.street
        street.idle()
        self.pass_time(chance.uniform(14, 18) * 3600, step_ms=60_000)
        street.plug()
        self.plugs += 1
        self.pass_time(chance.uniform(5, 60))
        street.charge(chance.uniform(6, 32), chance.choice([1, 3]))
        self.pass_time(chance.uniform(600, 12_000))
        if chance.random() < 0.05:
            street.fail(Fault.RCM_TRIGGERED)
            self.pass_time(61)
            street.heal()
            self.pass_time(1)
            street.plug().charge(16, 1)
            self.pass_time(chance.uniform(60, 3600))
        street.pause()
        self.pass_time(chance.uniform(1, 8) * 3600, step_ms=10_000)
        street.unplug()
        self.pass_time(5)


@pytest.fixture
def household():
    """Yield one that writes to memory where it can: a year has half a million writes."""
    memory = Path("/dev/shm")  # noqa: S108  # a private folder in it
    with tempfile.TemporaryDirectory(
        prefix="evsed-test-", dir=memory if memory.is_dir() else None
    ) as name:
        yield Household(Path(name))


def test_a_year_adds_up_and_takes_no_more_memory_than_a_week(household):
    began_s, began_ms = time.monotonic(), household.street.now_ms
    sizes = []
    while (days := (household.street.now_ms - began_ms) / 86_400_000) < DAYS:
        household.day()
        if days >= min(7, DAYS // 2):
            gc.collect()
            sizes.append((days, float(sys.getallocatedblocks())))
    spent_s = time.monotonic() - began_s
    simulated_s = (household.street.now_ms - began_ms) / 1000
    given_ws = household.street.given_mws / 1000
    with household.street.reader() as reader:
        rows = reader.sessions(EVERY_SESSION, None, 10_000)
        months = reader.months()
    grown = growth(sizes)
    sys.stdout.write(
        f"measured: {simulated_s / 86_400:.1f} days in {spent_s:.0f} s"
        f" ({simulated_s / spent_s:.0f} x), "
        f"{len(rows)} sessions, mains {given_ws / 3.6e6:.3f} kWh, "
        f"sessions {sum(row.energy_ws for row in rows) / 3.6e6:.3f} kWh, "
        f"ledger {household.ledger.load().total_energy_ws / 3.6e6:.3f} kWh, "
        f"growth {grown:.0f} objects over {len(sizes)} days\n"
    )
    assert simulated_s / spent_s >= 100
    assert len(rows) == household.plugs
    for total_ws in (
        sum(row.energy_ws for row in rows),
        sum(month.energy_ws for month in months),
        household.ledger.load().total_energy_ws,
    ):
        assert total_ws == pytest.approx(given_ws, rel=0.001)
    assert sum(row.cost for row in rows) == pytest.approx(household.cost / 1000, rel=0.001)
    assert sum(month.cost for month in months) == sum(row.cost for row in rows)
    assert grown < MOST_GROWTH
