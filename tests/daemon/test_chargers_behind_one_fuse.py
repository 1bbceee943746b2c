"""Real daemons behind one fuse, under charging profiles of one management system.

``EVSED_CHARGERS`` of them for twice ``EVSED_CHARGERS_S`` seconds; `make load-day` takes ten. What
the fuse sees is what the cars hear on the pilot. A simulated day of the same is in tests/scenarios.
"""

import asyncio
import os
import time
from collections import deque
from contextlib import ExitStack, suppress
from random import Random

import pytest
from aiohttp import web
from csms_world import Csms16, Ledger
from daemon_world import Daemon, eventually
from load_world import FOLLOWS_S, Manager, share_profile
from ocpp.v16 import call
from ocpp_systems import Loop, Socket, System

from evsed.services.ocpp.talk import GoneError

CHARGERS = int(os.environ.get("EVSED_CHARGERS", "3"))
SECONDS = float(os.environ.get("EVSED_CHARGERS_S", "30"))
DEAD_MAN_A = 6.0
#: beside the dead-man currents
SHARED_A = 20.0
SITE_A = DEAD_MAN_A * CHARGERS + SHARED_A
OFFLINE_AFTER_S = 20
#: A process has to start first, and a machine may be busy.
WITHIN_S = 120.0


class Operator(System):
    """A management system of 1.6 that many chargers are connected to."""

    def __init__(self, loop):
        super().__init__(loop, None, ("ocpp1.6",))
        self.ledger, self.points = Ledger(), {}
        self.ledger.clock = time.time

    async def _serve(self, request):
        name = request.path.rpartition("/")[2]
        web_socket = web.WebSocketResponse(protocols=self.protocols, timeout=0.5)
        await web_socket.prepare(request)
        point = self.points[name] = Csms16(Socket(web_socket), self.ledger)
        with suppress(GoneError, ConnectionError):
            await point.start()
        return web_socket

    async def tell(self, name, amperes):
        """Set a charger's share; return whether it has confirmed it."""
        try:
            asked = self.points[name].call(
                call.SetChargingProfile(0, share_profile(amperes)), suppress=False
            )
            answer = await asyncio.wait_for(asked, 10)
        except (KeyError, TimeoutError, GoneError, ConnectionError):
            return False
        return answer.status == "Accepted"


class Car:
    """Comes and goes at one charger."""

    def __init__(self, daemon, dice, stays_s):
        self.daemon, self._dice, self._stays_s = daemon, dice, stays_s
        self.here, self._until_s = False, time.monotonic() + dice.uniform(0, 8)

    def drive(self):
        now_s = time.monotonic()
        if now_s < self._until_s:
            return
        self.here = not self.here
        self._until_s = now_s + self._dice.uniform(*self._stays_s)
        self.daemon.street(vehicle="charging" if self.here else "none")


class Fuse:
    """What all cars together may draw, as they hear it."""

    def __init__(self, daemons):
        self._heard = [(daemon, deque()) for daemon in daemons]
        self.highest_a = 0.0

    def look(self):
        """Add up the highest offers of the last seconds: a car may not have followed yet."""
        total_a = 0.0
        for daemon, heard in self._heard:
            pilot = daemon.get("/simulator")["pilot"]
            offered_a = pilot["offeredCurrent"] if pilot["mode"] == "pwm" else 0.0
            now_s = time.monotonic()
            heard.append((now_s, offered_a))
            while heard[0][0] < now_s - FOLLOWS_S:
                heard.popleft()
            total_a += max(offered for _, offered in heard)
        self.highest_a = max(self.highest_a, total_a)
        assert total_a <= SITE_A + 0.1 * CHARGERS, [list(heard) for _, heard in self._heard]
        return total_a


def run(seconds, fuse, cars, operator, manager):
    """Let cars come and go under a manager, or none, for a while."""
    loop, names = operator.loop, [str(number) for number in range(CHARGERS)]
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        for car in cars:
            car.drive()
        if manager is not None:
            asking = [car.daemon.get("/reason")["session"] for car in cars]
            shares = manager.step(
                time.monotonic(), asking, lambda place, a: operator.tell(names[place], a)
            )
            loop.run(shares, within_s=60)
        fuse.look()
        time.sleep(0.2)


def fleet(stack, folder):
    daemons = [
        stack.enter_context(
            Daemon(folder / str(number), "--runtime-dir", str(folder / f"run{number}"))
        )
        for number in range(CHARGERS)
    ]
    return [daemon.ready() for daemon in daemons]


def join(daemons, operator):
    for number, daemon in enumerate(daemons):
        settings = {
            "url": f"ws://127.0.0.1:{operator.port}/ocpp",
            "identity": str(number),
            "enabled": True,
            "offlineCurrent": int(DEAD_MAN_A),
            "offlineAfter": OFFLINE_AFTER_S,
        }
        daemon.post("/config/ocpp", settings)
    accepted(daemons)


def accepted(daemons):
    for daemon in daemons:
        eventually(lambda daemon=daemon: daemon.get("/ocpp/state")["accepted"], WITHIN_S)


def new_manager():
    return Manager(SITE_A, DEAD_MAN_A, OFFLINE_AFTER_S, CHARGERS)


@pytest.fixture
def loop():
    one = Loop()
    yield one
    one.close()


def test_the_fuse_bears_it_also_when_the_management_system_dies_and_returns(tmp_path, loop):
    dice = Random(1)  # noqa: S311  # no secret
    stays_s = (SECONDS / 3, SECONDS / 2) if SECONDS < 240 else (20, 120)
    with ExitStack() as stack:
        daemons = fleet(stack, tmp_path)
        operator = Operator(loop)
        loop.run(operator.start())
        join(daemons, operator)
        fuse, cars = Fuse(daemons), [Car(daemon, dice, stays_s) for daemon in daemons]
        manager = new_manager()
        run(10, fuse, [], operator, None)
        for number in range(CHARGERS):
            assert loop.run(operator.tell(str(number), DEAD_MAN_A))
        run(SECONDS, fuse, cars, operator, manager)
        assert fuse.highest_a > DEAD_MAN_A * CHARGERS  # it is used, not only spared
        loop.run(operator.stop())
        operator.points.clear()
        give_up_s = time.monotonic() + WITHIN_S
        while fuse.look() > DEAD_MAN_A * CHARGERS:
            assert time.monotonic() < give_up_s, "the dead-man current is not in force"
            run(1, fuse, cars, operator, None)
        fuse.highest_a = 0.0
        loop.run(operator.start())  # at the same port; its manager has forgotten everything
        accepted(daemons)
        run(SECONDS, fuse, cars, operator, new_manager())
        assert fuse.highest_a > DEAD_MAN_A * CHARGERS
        loop.run(operator.stop())
