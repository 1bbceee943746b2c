"""Faults around a vehicle that charges, from the first moment until everything is as before.

What else is in the campaign, and how each of its tests is shown to be able to fail: tests/faults.
"""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from daemon_world import ROOT, Daemon, eventually, milliseconds_until
from mqtt_world import mosquitto
from own_network import FIRST, SECOND, OwnNetwork

HERE = Path(__file__).parent
#: 600 ms are promised of the fail-safe chain, 300 of the daemon; what a busy machine may add
BUSY_MS = 700
DAY_S = 86_400
CROWD = 500
MOST_CONNECTIONS = 128
#: requests whose answers are some 100 kB each
MANY_LARGE = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20
MOST_KILOBYTES = 60_000
SILENCE_S = 3


def goes_on(daemon):
    """Check that the vehicle is being charged, and that its energy is counted."""
    before = daemon.get("/state")
    eventually(lambda: daemon.get("/state")["consumption"] > before["consumption"])
    now = daemon.get("/state")
    assert (now["state"], now["errors"]) == ("C2", None)
    assert daemon.get("/simulator")["contactor"]["closed"]


@contextlib.contextmanager
def undisturbed(daemon):
    """Check that charging is never interrupted meanwhile, and goes on afterwards."""
    before = daemon.get("/reason")["contactor"]["closings"]
    yield
    goes_on(daemon)
    assert daemon.get("/reason")["contactor"]["closings"] == before


# --- the program and the hardware ---


def test_a_daemon_frozen_while_charging_says_so_and_charges_again_by_itself(folder, simulator):
    with Daemon(folder, simulator=simulator, program=(str(HERE / "hasty_daemon.py"),)) as daemon:
        daemon.ready().charge()
        daemon.signal(signal.SIGSTOP)
        assert milliseconds_until(lambda: not simulator.closed()) <= 600 + BUSY_MS
        daemon.signal(signal.SIGCONT)
        eventually(lambda: daemon.get("/state")["errors"] == ["controller_fault"])
        assert not simulator.closed()
        daemon.until("C2")
        eventually(simulator.closed)
        goes_on(daemon)


def test_a_pin_daemon_that_goes_while_charging_and_comes_back(folder, simulator, charging):
    simulator.set(pigpiod={"refuse": True, "closeAll": True})
    assert milliseconds_until(lambda: not simulator.closed()) <= 600 + BUSY_MS
    assert charging.wait() == 1  # systemd starts it again
    assert "control thread failed" in charging.log
    with Daemon(folder, simulator=simulator) as waiting:
        assert waiting.state() == "F"
        assert "pin daemon" in waiting.get("/reason")["maintenance"]
        simulator.set(pigpiod={"refuse": False})
        assert waiting.wait() == 1
    with Daemon(folder, simulator=simulator) as successor:
        successor.until("C2")
        eventually(simulator.closed)
        goes_on(successor)


def test_spi_errors_while_charging_open_the_contactor_until_they_are_over(folder, simulator):
    failing = folder / "failing"
    program = (str(HERE / "daemon_with_spi_errors.py"), str(failing))
    with Daemon(folder, simulator=simulator, program=program) as daemon:
        daemon.ready().charge()
        failing.touch()
        assert milliseconds_until(lambda: not simulator.closed()) <= 300 + BUSY_MS
        eventually(lambda: daemon.get("/state")["errors"] == ["controller_fault"])
        assert simulator.safe()
        eventually(lambda: "controller_fault" in daemon.log)
        failing.unlink()
        daemon.until("C2")
        eventually(simulator.closed)
        goes_on(daemon)


# --- time ---


@pytest.mark.parametrize("years", [10, -10])
def test_a_clock_set_by_ten_years_while_charging_changes_nothing_but_the_date(charging, years):
    shift_s = years * 365 * DAY_S
    was_s, began_s = charging.get("/time"), time.monotonic()
    session_s = charging.get("/state")["sessionTime"]
    with undisturbed(charging):
        charging.post("/time", was_s + shift_s)
        assert abs(charging.get("/time") - was_s - shift_s) < 60
        assert 0 <= charging.get("/state")["sessionTime"] - session_s < 60
    assert f"{years * 365}" not in charging.log  # no duration was worked out from dates
    took_s = time.monotonic() - began_s
    charging.street(vehicle="none")
    charging.until("A")
    (kept,) = eventually(
        lambda: [one for one in charging.get("/sessions")["sessions"] if one["endReason"]]
    )
    assert kept["duration"] <= session_s + took_s + 5


# --- networks ---


def test_an_address_that_changes_while_charging_is_answered_and_announced(folder):
    config = folder / "evsed.yaml"
    config.write_text("http: {address: 0.0.0.0}\nnetwork: {discovery: always}\n")
    program, environment = (str(HERE / "own_network.py"),), {"TMPDIR": str(folder)}
    with Daemon(
        folder, "--config", str(config), program=program, environment=environment
    ) as daemon:
        network, port = OwnNetwork(daemon.popen.pid), daemon.port

        def state(address):
            return network.ask(address, port, "/state")["state"]

        network.ask(FIRST, port, "/simulator", {"vehicle": "charging"})
        eventually(lambda: state(FIRST) == "C2")
        found = "discovery: found as"
        eventually(lambda: found in daemon.log)
        announced = daemon.log.count(found)
        network.lease(SECOND)
        assert state(SECOND) == "C2"
        with pytest.raises(subprocess.CalledProcessError):
            state(FIRST)
        eventually(lambda: daemon.log.count(found) > announced, 30)
        assert network.ask(SECOND, port, "/reason")["contactor"]["closings"] == 1


def test_a_broker_that_goes_while_charging_leaves_the_fallback_until_it_is_back(folder, charging):
    home = Path(charging.state_dir, "usr", "lua")
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "docs" / "scripts" / "fallback" / "fallback.lua", home)
    (home / "init.lua").write_text('component.register(require("fallback"))\n')
    with mosquitto(folder / "broker") as broker, undisturbed(charging):
        charging.post("/config/script", {"enabled": True})
        eventually(lambda: charging.get("/script/components"))
        given = {"uri": broker.uri(), "silence": SILENCE_S, "amps": 7}
        wanted = [{"key": key, "value": value} for key, value in given.items()]
        charging.post("/script/components/fallback", {"params": wanted})
        commanded(charging, broker, 12)
        broker.stop()
        eventually(lambda: charging.get("/state")["chargingCurrent"] == 7)
        assert "fallback: no command for" in charging.ask("GET", "/script/output")[1]
        goes_on(charging)
        broker.start()
        commanded(charging, broker, 9)


def commanded(daemon, broker, amps):
    """Publish until the charger has heard it: it may still be on its way to the broker."""

    def heard():
        broker.publish("evse/current", str(amps).encode())
        return daemon.get("/state")["chargingCurrent"] == amps

    eventually(heard, 40)


# --- crowds ---


def test_500_idle_connections_keep_nobody_from_charging_or_asking(charging):
    before = _descriptors(charging)
    with undisturbed(charging):
        with _crowd(charging.port, CROWD, b""):
            goes_on(charging)
            assert _descriptors(charging) - before <= MOST_CONNECTIONS + 20
        eventually(lambda: _descriptors(charging) <= before + 10)


def test_readers_that_do_not_read_disturb_nobody(charging):
    before, size = _descriptors(charging), _kilobytes(charging)
    with undisturbed(charging):
        with _crowd(charging.port, 2 * MOST_CONNECTIONS, MANY_LARGE):
            goes_on(charging)
            assert _descriptors(charging) - before <= MOST_CONNECTIONS + 20
            assert _kilobytes(charging) - size < MOST_KILOBYTES
        eventually(lambda: _descriptors(charging) <= before + 10)


@contextlib.contextmanager
def _crowd(port, count, said):
    """Keep connections open that say something and read nothing."""
    with contextlib.ExitStack() as open_ones:
        for _ in range(count):
            client = open_ones.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            with contextlib.suppress(ConnectionError):  # already turned away
                client.sendall(said)
        yield


def _descriptors(daemon):
    return len(list(Path(f"/proc/{daemon.popen.pid}/fd").iterdir()))


def _kilobytes(daemon):
    """Return the memory of the daemon, as the system counts it."""
    status = Path(f"/proc/{daemon.popen.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
