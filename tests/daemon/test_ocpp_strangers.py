"""A real daemon, and management systems that mean harm: charging goes on, the loop stays free."""

import asyncio
import itertools
import json
import random

import pytest
from daemon_world import Daemon, RunningSimulator, eventually
from ocpp_systems import Loop, System, serving

WITHIN_S = 60.0


@pytest.fixture
def loop():
    one = Loop()
    yield one
    one.close()


async def close_at_once(web_socket):
    await web_socket.close()


async def never_answer(web_socket):
    async for _ in web_socket:
        pass


async def flood(web_socket):
    """Send profiles, garbage and long texts as fast as they are taken."""
    chance = random.Random(5)  # noqa: S311
    for number in itertools.count():
        limit = chance.choice((-5.0, 0.0, 7.0, 31.0, 1e300))
        profile = {
            "chargingProfileId": number,
            "stackLevel": number % 12,
            "chargingProfilePurpose": "ChargePointMaxProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            },
        }
        asked = {"connectorId": 0, "csChargingProfiles": profile}
        await web_socket.send_str(json.dumps([2, str(number), "SetChargingProfile", asked]))
        await web_socket.send_str(
            chance.choice(("[" * 50_000, "x" * 200_000, "[3]", "[2,1,[],{}]"))
        )
        await asyncio.sleep(0)


async def too_long(web_socket):
    await web_socket.send_str("x" * 3_000_000)
    await asyncio.sleep(3600)


def owners(daemon):
    return [one["owner"] for one in daemon.get("/limits")["limits"]]


def test_charging_goes_on_and_the_daemon_answers(tmp_path, loop):
    system = System(loop, close_at_once)
    with (
        serving(system),
        RunningSimulator(tmp_path / "sim") as simulator,
        Daemon(tmp_path, simulator=simulator) as daemon,
    ):
        daemon.ready()
        daemon.charge()
        for meet in (close_at_once, never_answer, flood, too_long):
            system.meet = meet
            before = len(system.requests)
            settings = {"url": f"ws://127.0.0.1:{system.port}", "identity": "X", "enabled": True}
            daemon.post("/config/ocpp", settings)
            eventually(lambda count=before: len(system.requests) > count, WITHIN_S)
            for _ in range(20):
                now = daemon.get("/state")
                assert (now["state"] in {"C2", "C1"}, now["errors"]) == (True, None), meet
            state = daemon.get("/ocpp/state")
            assert (state["accepted"], state["profiles"] <= 20) == (False, True)
            daemon.post("/config/ocpp", {"enabled": False})
            daemon.until("C2", WITHIN_S)
            eventually(lambda: "ocpp" not in owners(daemon), WITHIN_S)


WITHOUT = """
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "ocpp" else real(name, *more)
from evsed.cli import main
sys.exit(main())
"""


def test_without_the_library_the_daemon_runs_and_says_what_is_missing(tmp_path):
    file = tmp_path / "without.py"
    file.write_text(WITHOUT)
    with (
        RunningSimulator(tmp_path / "sim") as simulator,
        Daemon(tmp_path, simulator=simulator, program=(str(file),)) as daemon,
    ):
        daemon.ready()
        assert daemon.get("/ocpp/state")["installed"] is False
        wanted = {"url": "ws://127.0.0.1:1", "identity": "X", "enabled": True}
        status, words = daemon.ask("POST", "/config/ocpp", wanted)
        assert status == 400
        assert "evsed-ocpp" in words
        assert daemon.get("/config/ocpp")["enabled"] is False
        status, words = daemon.ask("POST", "/ocpp/authorize", {"token": "A"})
        assert (status, "switched off" in words) == (400, True)
