"""Several stations behind one fuse, in stepped time: the charging rules, one pass after the other.

What shares the current out is a program of somebody else's: here it follows the rule of
docs/integrations/load-sharing.md. What is checked is what the fuse sees.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from csms_world import AGREED, DIALECTS, Csms16, Ledger, offline, wire
from exploration.explorer import window
from ocpp.v16 import call

from evsed.charging.commands import SetLimit
from evsed.charging.machine import step
from evsed.charging.memory import Inputs, Memory
from evsed.charging.picture import take_snapshot
from evsed.charging.requests import accept
from evsed.charging.rules import Rules
from evsed.charging.snapshot import Lateness, Snapshot
from evsed.services.ocpp.book import Book
from evsed.services.ocpp.dialog import Dialog
from evsed.services.ocpp.moment import moment_of
from evsed.services.ocpp.orders import LEASE_S
from evsed.services.ocpp.point import Point
from evsed.services.ocpp.talk import GoneError, Talk

MONDAY_S = 1_772_438_400.0
PASS_MS = 20
LONG_PASS_MS = 200
#: Passes are short so long after something has happened.
RESTLESS_S = 7
#: A vehicle takes so long to follow the pilot. Source: IEC 61851-1:2017 Annex A, table A.6.
FOLLOWS_S = 5
#: A decrease is reckoned to be in force so long after it was confirmed.
SETTLED_S = FOLLOWS_S + 2


@dataclass
class Share:
    """What a manager knows of one station."""

    #: the least it can be counted on to keep to now; None: nothing is known of it
    reckoned_a: float | None = None
    #: what it was told last and has confirmed, and when
    told_a: float | None = None
    told_s: float = 0.0


@dataclass
class Manager:
    """Shares a site's current out: a decrease first, and what it frees only when it is in force.

    Args:
        site_a: what the fuse bears.
        dead_man_a: what a station falls back to by itself.
        silent_s: after which it does.
    """

    site_a: float
    dead_man_a: float
    silent_s: float
    count: int
    shares: list = field(default_factory=list)

    def __post_init__(self):
        self.shares = [Share() for _ in range(self.count)]

    def reckon(self, now_s):
        """Count on every decrease that has had time to be followed."""
        for share in self.shares:
            if share.told_a is not None and now_s - share.told_s >= SETTLED_S:
                share.reckoned_a = share.told_a

    def taken_a(self):
        """Return the most that all stations together can take now."""
        return sum(self.site_a if one.reckoned_a is None else one.reckoned_a for one in self.shares)

    def wanted(self, asking):
        """Return the share of each: the dead-man current for who does not ask, the rest evenly."""
        asks = sum(asking)
        rest_a = self.site_a - self.dead_man_a * (self.count - asks)
        each_a = min(32.0, int(rest_a / asks * 10) / 10) if asks else self.dead_man_a
        return [each_a if one else self.dead_man_a for one in asking]

    async def step(self, now_s, asking, tell):
        """Tell what may be told now.

        Args:
            now_s: the time.
            asking: of each station, whether a vehicle wants to charge.
            tell: tells one station a current; False: nobody is there.
        """
        self.reckon(now_s)
        wanted = self.wanted(asking)
        for place, share in enumerate(self.shares):
            if share.told_a is None or wanted[place] < share.told_a:
                first_a = self.dead_man_a if share.told_a is None else wanted[place]
                await self._tell(place, first_a, now_s, tell)
        for place, share in enumerate(self.shares):
            if share.reckoned_a is None or wanted[place] <= share.told_a:
                continue
            free_a = self.site_a - self.taken_a()
            more_a = min(wanted[place], share.reckoned_a + free_a)
            if more_a > share.told_a and share.told_a == share.reckoned_a:
                share.reckoned_a = more_a  # from now on it may take that
                await self._tell(place, more_a, now_s, tell)

    async def _tell(self, place, amperes, now_s, tell):
        if await tell(place, amperes):
            self.shares[place].told_a = amperes
            self.shares[place].told_s = now_s


class Station:
    """The charging rules of one station, and a car that comes and goes."""

    def __init__(self, chance):
        self.memory = Memory(rules=Rules())
        self.chance = chance
        self.now = Snapshot()
        #: begin and end of a visit, s
        self.comes_s = self.leaves_s = 0.0
        self.car = "12"
        self._lasting = deque()
        self.plan(0)

    def plan(self, now_s):
        self.comes_s = now_s + self.chance.uniform(5, 900)
        self.leaves_s = self.comes_s + self.chance.uniform(120, 3600)

    def drive(self, now_s):
        """Let the car come, ask, pause now and then, and leave; tell whether it did anything."""
        if now_s >= self.leaves_s:
            self.plan(now_s)
        wanted = "12"
        if self.comes_s <= now_s:
            wanted = "9" if int(now_s) % 600 < 20 else "6"
        changed, self.car = self.car != wanted, wanted
        return changed

    @property
    def asking(self):
        return self.now.session

    def post(self, command):
        self.memory = accept(self.memory, command, self.now.at_ms)

    def one_pass(self, now_ms):
        """Run one control pass on what the pilot says."""
        mode = self.memory.pilot.mode
        windows = tuple(window(self.car, mode, now_ms - 20 + 10 * one) for one in range(2))
        inputs = Inputs(now_ms=now_ms, windows=windows)
        self.memory, _ = step(self.memory, inputs)
        self.now = take_snapshot(self.memory, inputs, Lateness())

    def lasting_da(self, at_ms):
        """Return the highest offer of the last seconds: the car may not have followed yet."""
        offered_da, lasting = self.now.offered_da, self._lasting
        while lasting and lasting[-1][1] <= offered_da:
            lasting.pop()
        lasting.append((at_ms, offered_da))
        while lasting[0][0] < at_ms - FOLLOWS_S * 1000:
            lasting.popleft()
        return lasting[0][1]


class Site:
    """Stations behind one fuse, and whoever shares the current out."""

    def __init__(self, count=10, site_a=80.0, dead_man_a=6.0, silent_s=60, seed=1):
        self.site_a, self.dead_man_a, self.silent_s = site_a, dead_man_a, silent_s
        seeds = [Random(f"{seed} {one}") for one in range(count)]  # noqa: S311
        self.stations = [Station(one) for one in seeds]
        self.passes = 0
        self.highest_da = 0
        self.now_ms = 10_000
        self.restless_until_s = 0.0
        self.manager = self.new_manager()

    def new_manager(self):
        """Return a manager who has forgotten everything."""
        return Manager(self.site_a, self.dead_man_a, self.silent_s, len(self.stations))

    @property
    def now_s(self):
        return self.now_ms / 1000

    def second(self):
        """Let one second of control passes go by; check the fuse after each.

        While nothing has happened for a while, passes are ten times as long: the rules take any.
        """
        for station in self.stations:
            if station.drive(self.now_s):
                self.restless_until_s = self.now_s + RESTLESS_S
        pass_ms = PASS_MS if self.now_s < self.restless_until_s else LONG_PASS_MS
        for _ in range(1000 // pass_ms):
            self.now_ms += pass_ms
            for station in self.stations:
                station.one_pass(self.now_ms)
            self.passes += 1
            total_da = sum(one.lasting_da(self.now_ms) for one in self.stations)
            self.highest_da = max(self.highest_da, total_da)
            assert total_da <= self.site_a * 10, self.report()

    def told(self):
        """Somebody has been told something: short passes again."""
        self.restless_until_s = self.now_s + RESTLESS_S

    def report(self):
        rows = [
            (one.now.offered_da, one.now.state.value, one.now.limited_by) for one in self.stations
        ]
        return self.now_s, self.manager, rows


def share_profile(amperes):
    """Return a station's share as a charging profile of 1.6."""
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "ChargePointMaxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": round(amperes, 1)}],
        },
    }


class ProfileSite(Site):
    """Shares come as charging profiles of a management system of 1.6."""

    def __init__(self, folder, **more):
        super().__init__(**more)
        agreed = offline(offline_da=round(self.dead_man_a * 10), offline_after_s=self.silent_s)
        assert agreed.id_tag == AGREED.id_tag
        self.points, self.talks, self.lines = [], [], [None] * len(self.stations)
        for place, station in enumerate(self.stations):
            book = Book(folder / f"{place}" / "ocpp.db")
            point = Point(book, agreed, lambda order, one=station: _obey(one, order))
            self.points.append(point)
            self.talks.append(Talk(point, DIALECTS["1.6"]()))
        self.ledger = Ledger()
        self.ledger.clock = lambda: MONDAY_S + self.now_s

    async def connect(self, place):
        ours, theirs = wire()
        dialog, csms = Dialog(ours, self.talks[place]), Csms16(theirs, self.ledger)
        tasks = [asyncio.create_task(_quiet(one)) for one in (dialog.run(), csms.start())]
        self.talks[place].attach(dialog)
        self.lines[place] = (ours, csms, tasks)

    async def cut(self, place):
        if self.lines[place] is None:
            return
        ours, _csms, tasks = self.lines[place]
        ours.cut()
        await asyncio.gather(*tasks)
        self.talks[place].detach()
        self.lines[place] = None

    async def run(self, seconds, *, managed=True):
        for _ in range(round(seconds)):
            self.second()
            for place, station in enumerate(self.stations):
                wall_s = MONDAY_S + self.now_s
                now = moment_of(station.now, wall_s=wall_s, clock_set=True, boot="b")
                self.points[place].look(now)
                await self.talks[place].pump()
            if managed:
                asking = [one.asking for one in self.stations]
                await self.manager.step(self.now_s, asking, self.tell)

    async def tell(self, place, amperes):
        self.told()
        if self.lines[place] is None or not self.talks[place].booted:
            return False
        csms = self.lines[place][1]
        answer = await csms.call(call.SetChargingProfile(0, share_profile(amperes)), suppress=False)
        return answer.status == "Accepted"

    async def close(self):
        for place in range(len(self.stations)):
            await self.cut(place)
            self.points[place].book.close()


class OwnedSite(Site):
    """Shares come as owned limits of an energy manager, written again before they expire."""

    OWNER = "manager"

    async def run(self, seconds, *, managed=True):
        for _ in range(round(seconds)):
            self.second()
            if managed:
                asking = [one.asking for one in self.stations]
                await self.manager.step(self.now_s, asking, self.tell)
                self._renew()

    async def tell(self, place, amperes):
        self.told()
        self.stations[place].post(self._limit(amperes))
        return True

    def _renew(self):
        if int(self.now_s) % (self.silent_s // 3) == 0:
            for station, share in zip(self.stations, self.manager.shares, strict=True):
                if share.told_a is not None:
                    station.post(self._limit(share.told_a))

    def _limit(self, amperes):
        return SetLimit(
            owner=self.OWNER,
            current_da=round(amperes * 10),
            lease_ms=self.silent_s * 1000,
            fallback_da=round(self.dead_man_a * 10),
        )


def _obey(station, order):
    if order["t"] == "limit":
        station.post(
            SetLimit(
                owner="ocpp",
                current_da=order["current"],
                lease_ms=LEASE_S * 1000,
                fallback_da=order["fallback"],
            )
        )


async def _quiet(work):
    with suppress(GoneError):
        await work
