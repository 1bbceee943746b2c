"""Two points with a meter one trusts put a channel right, by REST and by the command line."""

import subprocess
import sys

import pytest
import yaml
from daemon_world import BOARD, ROOT, Daemon, RunningSimulator, eventually


def current(daemon):
    return daemon.get("/state")["current"][0]


def settled(daemon, amperes):
    """Wait until the vehicle draws what it is offered."""
    eventually(lambda: daemon.get("/simulator")["current"][0] == amperes, 60)


def evsed_calibrate(daemon, *words):
    command = [sys.executable, "-m", "evsed", "calibrate", *words]
    url = f"http://127.0.0.1:{daemon.port}"
    return subprocess.run(
        [*command, "--url", url], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_two_points_set_gain_and_offset_until_they_are_forgotten(charging):
    daemon = charging
    settled(daemon, 16.0)
    status, line = daemon.ask(
        "POST", "/meter/calibration", {"quantity": "current", "phase": 1, "value": 16.8}
    )
    assert status == 200, line
    assert line["points"] == 1
    assert line["gain"] == pytest.approx(1.05, rel=0.02)
    eventually(lambda: current(daemon) == pytest.approx(16.8, abs=0.3))

    daemon.post("/state/charging-current", 6)
    settled(daemon, 6.0)
    done = evsed_calibrate(daemon, "current", "--phase", "1", "--value", "6.5")
    assert done.returncode == 0, (done.stderr, daemon.get("/state"), daemon.log)
    assert "offset" in done.stdout
    section = daemon.get("/config/meter")
    assert section["l1CurrentGainPpm"] == pytest.approx(1_030_000, rel=0.04)
    assert section["l1CurrentOffsetMa"] == pytest.approx(320, abs=400)
    eventually(lambda: current(daemon) == pytest.approx(6.5, abs=0.3))

    assert daemon.ask("DELETE", "/meter/calibration")[0] == 200
    eventually(lambda: current(daemon) == pytest.approx(6.0, abs=0.3))
    assert '"l1CurrentGainPpm": 1000000' in evsed_calibrate(daemon, "show").stdout


def test_a_delay_between_voltage_and_current_is_found(folder):
    board = yaml.safe_load(BOARD.read_text(encoding="utf-8"))
    board["sim"]["noise"] = 2
    file = folder / "board.yaml"
    file.write_text(yaml.safe_dump(board), encoding="utf-8")
    with (
        RunningSimulator(folder / "sim", file) as simulator,
        Daemon(folder, "--board", str(file), simulator=simulator) as daemon,
    ):
        daemon.ready().charge()
        daemon.street(powerFactor=0.995)  # 318 us at 50 Hz: a transformer's delay looks the same
        settled(daemon, 16.0)
        done = evsed_calibrate(daemon, "shift", "--phase", "2")
        assert done.returncode == 0, done.stderr
        found_us = daemon.get("/config/meter")["l2ShiftNs"] / 1000
        assert found_us == pytest.approx(-318, abs=80)


def test_bad_points_are_refused_with_a_sentence(daemon):
    for body, words in (
        ({"quantity": "power", "phase": 1, "value": 5}, "one of current, voltage, shift"),
        ({"quantity": "current", "phase": 4, "value": 5}, "1, 2 or 3"),
        ({"quantity": "current", "phase": 1, "value": "5"}, "a number"),
        ({"quantity": "current", "phase": 1, "value": 1e9}, "0.5 … 100"),
        ({"quantity": "shift", "phase": 1, "value": 0.2}, "0.5 … 1"),
    ):
        status, answer = daemon.ask("POST", "/meter/calibration", body)
        assert status == 400
        assert words in answer
    done = evsed_calibrate(daemon, "current", "--value", "16")
    assert done.returncode == 1
    assert "charge a vehicle" in done.stderr or "no current on L1 to measure" in done.stderr
