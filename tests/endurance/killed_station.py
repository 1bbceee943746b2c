"""Kills a station again and again while it writes, and looks at what is left on the disk.

``python killed_station.py FOLDER KILLS SEED`` prints one JSON object with what it found; every
broken promise is in ``broken``. Each round forks a station that charges in stepped time, ledger and
history written for real, and kills it with SIGKILL at a moment of the seed's choosing. What the
station knew when it died is in memory shared with it.
"""

import json
import logging
import mmap
import os
import random
import shutil
import signal
import sqlite3
import struct
import sys
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

from sessions_world import SmallStation  # found only now

from evsed.station.counters import MOST_LOST_MS, MOST_LOST_WS, Ledger
from evsed.station.keeper import Keeper

STEP_MS = 100
#: keys of the shared memory, each eight bytes
KEYS = (
    "ready",
    "total_ws",  # lifetime energy the station shows
    "power_w",
    "plugs",  # vehicles that have come so far
    "plugged",
    "plugged_ms",  # how long this one has been there
    "session_ws",  # energy of this vehicle, what was lost in crashes apart
    "steps",
    "now_ms",
)


class Shared:
    """A few numbers that outlive the one who writes them."""

    def __init__(self):
        object.__setattr__(self, "_memory", mmap.mmap(-1, 8 * len(KEYS)))

    def __getattr__(self, key):
        return struct.unpack_from("q", self._memory, 8 * KEYS.index(key))[0]

    def __setattr__(self, key, value):
        struct.pack_into("q", self._memory, 8 * KEYS.index(key), value)


class Places:
    """Where everything is kept."""

    def __init__(self, folder):
        self.ledger = folder / "ledger.json"
        self.database = folder / "sessions" / "sessions.db"
        self.recordings = folder / "recordings"
        self.copy = folder / "copy"


class Station:
    """Plugs, charges, pauses, unplugs, for ever; ledger and history look after every step."""

    def __init__(self, places, shared, chance):
        self.shared, self.chance = shared, chance
        ledger = Ledger(places.ledger)
        total_ws = ledger.load().total_energy_ws
        self.street = SmallStation(places.database, now_ms=shared.now_ms, total_ws=total_ws)
        self.small_pass = SimpleNamespace(
            snapshot=self.street.snapshot,
            recorder=SimpleNamespace(recordings=deque()),
            taken=deque(),
            changes=deque(),
        )
        self.keeper = Keeper(self.small_pass, ledger, places.recordings)
        self.street.look()  # takes up what was open
        record = self.street.writer._tracker.record
        #: what is known of the vehicle from before the crash
        self.known_ws = record.energy_ws if record is not None and shared.plugged else 0

    def live(self):
        """Never return."""
        if not self.shared.plugged:
            self.street.idle()
        self.run(0.5)  # the pilot settles
        self.shared.ready = 1
        while True:
            self.one_vehicle()

    def one_vehicle(self):
        chance, street, shared = self.chance, self.street, self.shared
        street.plug()
        if not shared.plugged:
            shared.plugs += 1
            shared.plugged_ms = 0
        shared.plugged = 1
        self.run(chance.uniform(1, 20))
        street.charge(chance.choice([2.2, 6, 16, 32]), chance.choice([1, 3]))
        self.run(chance.choice([chance.uniform(5, 60), chance.uniform(60, 1200)]))
        if chance.random() < 0.3:
            street.pause()
            self.run(chance.uniform(1, 400))
        # Both at once for whoever looks: nobody looks in between.
        street.unplug()
        shared.plugged = self.known_ws = 0
        self.run(chance.uniform(1, 20))

    def run(self, seconds):
        for _ in range(round(seconds * 1000 / STEP_MS)):
            self.street.step(STEP_MS)
            self.small_pass.snapshot = self.street.snapshot
            self.tell()
            self.keeper.look()
            if self.street.now_ms % (2 * STEP_MS) == 0:
                self.street.look()

    def tell(self):
        """Say what is known now to those who live on."""
        now, shared = self.street.snapshot, self.shared
        shared.total_ws, shared.power_w = now.total_energy_ws, now.power_w
        shared.session_ws = self.known_ws + now.session_energy_ws
        shared.steps += 1
        shared.now_ms = now.at_ms
        shared.plugged_ms += STEP_MS


def rows_of(places):
    """Return integrity and sessions of a copy: what was left stays as it was left."""
    shutil.rmtree(places.copy, ignore_errors=True)
    shutil.copytree(places.database.parent, places.copy)
    connection = sqlite3.connect(places.copy / places.database.name)
    try:
        whole = connection.execute("PRAGMA integrity_check").fetchone()[0]
        there = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        rows = (
            connection.execute("SELECT id, energy_ws, ended FROM session ORDER BY id").fetchall()
            if there
            else []
        )
        minutes = (
            dict(connection.execute("SELECT session, sum(energy_ws) FROM sample GROUP BY session"))
            if there
            else {}
        )
    finally:
        connection.close()
    return whole, rows, minutes


class Judge:
    """Holds what is left against what was promised."""

    def __init__(self):
        self.broken = []
        self.worst_ledger_ws = self.worst_session_ws = self.worst_s = 0
        self.kept_ws = 0

    def expect(self, holds, kill, text):
        if not holds:
            self.broken.append(f"kill {kill}: {text}")

    def judge(self, kill, places, shared):
        loaded_ws = Ledger(places.ledger).load().total_energy_ws
        lost_ws = shared.total_ws - loaded_ws
        lost_s = lost_ws / shared.power_w if shared.power_w else 0
        self.worst_ledger_ws = max(self.worst_ledger_ws, lost_ws)
        self.worst_s = max(self.worst_s, lost_s)
        self.expect(loaded_ws >= self.kept_ws, kill, f"ledger fell {self.kept_ws} -> {loaded_ws}")
        self.expect(0 <= lost_ws <= MOST_LOST_WS, kill, f"ledger lost {lost_ws} Ws")
        self.expect(lost_s * 1000 <= MOST_LOST_MS, kill, f"ledger lost {lost_s:.0f} s")
        self.kept_ws = loaded_ws
        whole, rows, minutes = rows_of(places)
        self.expect(whole == "ok", kill, f"integrity: {whole}")
        fresh = shared.plugged and shared.plugged_ms <= 2 * STEP_MS
        expected = {shared.plugs, shared.plugs - 1} if fresh else {shared.plugs}
        self.expect(len(rows) in expected, kill, f"{len(rows)} sessions, {shared.plugs} vehicles")
        still_open = [row for row in rows if not row[2]]
        self.expect(len(still_open) <= 1, kill, f"{len(still_open)} sessions open")
        for number, energy_ws, _ in rows:
            kept = minutes.get(number, 0)
            self.expect(
                kept == energy_ws, kill, f"session {number}: {energy_ws} Ws, {kept} in minutes"
            )
        if shared.plugged and rows and not fresh:
            lost_ws = shared.session_ws - rows[-1][1]
            self.worst_session_ws = max(self.worst_session_ws, lost_ws)
            self.expect(0 <= lost_ws <= MOST_LOST_WS, kill, f"session lost {lost_ws} Ws")
        return rows


def main(folder, kills, seed):
    logging.disable(logging.CRITICAL)
    places, shared, judge = Places(folder), Shared(), Judge()
    chance = random.Random(seed)  # noqa: S311  # seeded moments
    shared.now_ms = 1_000_000
    began, rows = time.monotonic(), []
    for kill in range(kills):
        shared.ready = 0
        child = os.fork()
        if not child:
            try:
                life = random.Random(seed * 100_003 + kill)  # noqa: S311  # a seeded life
                Station(places, shared, life).live()
            finally:
                os._exit(1)  # only by an exception: it was not killed
        while (
            not shared.ready
            and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        ):
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.5 if chance.random() < 0.1 else 0.06))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        judge.expect(os.WIFSIGNALED(status), kill, "the station ended by itself")
        rows = judge.judge(kill, places, shared)
        if shared.plugged and shared.plugged_ms > 1000 and chance.random() < 0.3:
            shared.plugged = 0  # the vehicle leaves while the charger is off
    print(  # noqa: T201  # the answer
        json.dumps(
            {
                "kills": kills,
                "seconds": round(time.monotonic() - began, 1),
                "steps": shared.steps,
                "sessions": len(rows),
                "interrupted": sum(row[2] == "interrupted" for row in rows),
                "worst_ledger_wh": round(judge.worst_ledger_ws / 3600, 1),
                "worst_session_wh": round(judge.worst_session_ws / 3600, 1),
                "worst_s": round(judge.worst_s),
                "broken": judge.broken[:20],
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
