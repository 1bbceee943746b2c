"""A factory reset of a whole daemon: over REST, and with the command for the desk."""

import signal
import subprocess
import sys

import pytest
from daemon_world import Daemon, RunningSimulator, eventually

CONFIRMED = {"confirm": "erase all settings"}


@pytest.fixture
def simulator(tmp_path):
    with RunningSimulator(tmp_path / "sim") as simulator:
        yield simulator


def reset_command(daemon, *words, answer=""):
    command = [sys.executable, "-m", "evsed", "reset", "--state-dir", daemon.state_dir, *words]
    done = subprocess.run(command, input=answer, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_reset_ends_charging_first_and_then_everything_is_as_delivered(tmp_path, simulator):
    with Daemon(tmp_path, simulator=simulator) as daemon:
        daemon.ready()
        delivered = daemon.get("/config")
        daemon.post("/config/evse", {"maxChargingCurrent": 10})
        daemon.post("/config/scheduler", {"timezone": "Europe/Berlin"})
        daemon.post("/config/scheduler", {"schedules": [{"action": "available", "mon": 1}]})
        daemon.post("/state", {"available": True})
        daemon.charge()
        eventually(lambda: daemon.get("/state")["totalConsumption"])
        daemon.post("/credentials", {"user": "me", "password": "secret"})
    # (the file of the password closes the door to the next daemon's tests, too)
    with Daemon(tmp_path, simulator=simulator) as daemon:
        assert daemon.ask("POST", "/reset", CONFIRMED)[0] == 401
        assert reset_command(daemon, "--yes")[0] == 0
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    with Daemon(tmp_path, simulator=simulator) as daemon:
        daemon.ready()
        assert daemon.get("/config") == delivered
        assert "factory reset, asked for by command line" in "\n".join(_log(daemon))
        daemon.charge()
        daemon.post("/reset", CONFIRMED)
        assert daemon.wait(30) == 3
        assert simulator.safe()
    with Daemon(tmp_path, simulator=simulator) as daemon:
        daemon.ready()
        assert any("asked for by rest" in line for line in _log(daemon))
        assert daemon.get("/config") == delivered


def _log(daemon):
    return daemon.log.splitlines()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "confirm"),
        ({"confirm": True}, "confirm"),
        ({"confirm": "yes"}, "erase all settings"),
        ({"confirm": "erase all settings\n"}, "confirm"),
        ([], "confirm"),
        ("erase all settings", "confirm"),
        ({**CONFIRMED, "sessions": "yes"}, "sessions"),
    ],
)
def test_a_reset_that_is_not_confirmed_word_for_word_is_refused(untouched, body, words):
    status, text = untouched.ask("POST", "/reset", body)
    assert (status, words in text) == (400, True)
    assert not (untouched.state_dir / "reset.json").exists()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("untouched")) as daemon:
        yield daemon


@pytest.mark.parametrize("answer", ["", "y\n", "no\n", "YES\n"])
def test_the_command_asks_and_anything_but_yes_is_no(untouched, answer):
    assert reset_command(untouched, answer=answer)[0] == 1
    assert not (untouched.state_dir / "reset.json").exists()
