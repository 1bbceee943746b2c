"""What outlives the daemon, and what does not: settings, ledger, live values, stale scripts."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

from daemon_world import Daemon, RunningSimulator, eventually

Figure = Callable[[str, object], None]

#: charging.md section 13.4: a power cut loses at most 100 Wh
_MOST_LOST_WS = 360_000


def _end(daemon: Daemon) -> None:
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0


def test_a_new_daemon_takes_over_after_a_crash(
    folder: Path, simulator: RunningSimulator, charging: Daemon
) -> None:
    charging.signal(signal.SIGKILL)
    charging.wait()
    stale = (simulator.folder / "deadman").read_text()
    with Daemon(folder, simulator=simulator) as successor:
        successor.until("C2")  # the vehicle still asks
        eventually(simulator.closed)
        assert simulator.get()["deadMan"] == "running"
        assert (simulator.folder / "deadman").read_text() != "" != stale
        assert successor.get("/state")["errors"] is None
        _end(successor)
    assert not (simulator.folder / "deadman").exists()


def test_a_new_daemon_opens_a_contactor_that_was_left_closed(
    folder: Path, simulator: RunningSimulator, charging: Daemon
) -> None:
    charging.signal(signal.SIGKILL)
    charging.wait()
    assert simulator.closed()  # the dead-man has not acted yet
    simulator.set(vehicle="connected")
    with Daemon(folder, simulator=simulator) as successor:
        successor.until("B2")
        assert not simulator.closed()


def test_settings_survive_and_live_values_return_to_their_defaults(
    folder: Path, simulator: RunningSimulator
) -> None:
    with Daemon(folder, simulator=simulator) as first:
        first.post("/config/evse", {"maxChargingCurrent": 20, "defaultChargingCurrent": 13.5})
        first.post("/state", {"chargingCurrent": 8, "enabled": False, "underPowerLimit": 100})
        first.post("/state", {"available": False, "consumptionLimit": 36_000})
        _end(first)
    with Daemon(folder, simulator=simulator) as second:
        settings, state = second.get("/config/evse"), second.get("/state")
        assert (settings["maxChargingCurrent"], settings["defaultChargingCurrent"]) == (20, 13.5)
        assert state["chargingCurrent"] == 13.5
        assert (state["enabled"], state["available"]) == (True, True)
        assert (state["underPowerLimit"], state["consumptionLimit"]) == (0, 0)


def test_an_orderly_end_loses_no_energy(
    folder: Path, simulator: RunningSimulator, charging: Daemon
) -> None:
    eventually(lambda: charging.get("/state")["totalConsumption"] > 500)
    charging.signal(signal.SIGTERM)
    eventually(lambda: not simulator.closed())
    assert charging.wait() == 0
    ledger = json.loads((charging.state_dir / "ledger.json").read_bytes())
    with Daemon(folder, simulator=simulator) as second:
        assert second.get("/state")["totalConsumption"] >= ledger["total_energy_ws"] > 500
        assert second.get("/reason")["contactor"]["closings"] >= 1


def test_a_crash_loses_no_more_energy_than_stated(
    folder: Path, simulator: RunningSimulator, charging: Daemon
) -> None:
    (charging.state_dir / "ledger.json").parent.mkdir(exist_ok=True)
    eventually(lambda: charging.get("/state")["totalConsumption"] > 500)
    counted = charging.get("/state")["totalConsumption"]
    charging.signal(signal.SIGKILL)
    charging.wait()
    simulator.set(vehicle="none")
    with Daemon(folder, simulator=simulator) as second:
        kept = second.get("/state")["totalConsumption"]
        assert counted - _MOST_LOST_WS <= kept <= counted + 100


def test_energy_of_earlier_runs_is_kept_through_a_crash(
    folder: Path, simulator: RunningSimulator
) -> None:
    state_dir = folder / "state"
    state_dir.mkdir()
    (state_dir / "ledger.json").write_text('{"version": 1, "total_energy_ws": 987654321}')
    with Daemon(folder, simulator=simulator) as first:
        assert first.get("/state")["totalConsumption"] == 987654321
        first.signal(signal.SIGKILL)
        first.wait()
    with Daemon(folder, simulator=simulator) as second:
        assert second.get("/state")["totalConsumption"] == 987654321


def test_corrupted_settings_are_replaced_by_the_previous_version_and_the_log_says_so(
    folder: Path, simulator: RunningSimulator
) -> None:
    with Daemon(folder, simulator=simulator) as first:
        first.post("/config/evse", {"maxChargingCurrent": 20})
        first.post("/config/evse", {"maxChargingCurrent": 25})
        _end(first)
    (folder / "state" / "settings.json").write_bytes(b'{"version": 1, "evse": {"maxCh\0\0')
    with Daemon(folder, simulator=simulator) as second:
        assert second.get("/config/evse")["maxChargingCurrent"] == 20
        assert "settings.json cannot be used" in second.log
        second.post("/config/evse", {"maxChargingCurrent": 16})
        _end(second)
    with Daemon(folder, simulator=simulator) as third:
        assert third.get("/config/evse")["maxChargingCurrent"] == 16


def test_a_corrupted_ledger_is_replaced_by_the_previous_version(
    folder: Path, simulator: RunningSimulator
) -> None:
    state_dir = folder / "state"
    state_dir.mkdir()
    (state_dir / "ledger.json").write_bytes(b"\0" * 100)
    (state_dir / "ledger.json.previous").write_text('{"version": 1, "total_energy_ws": 5000}')
    with Daemon(folder, simulator=simulator) as daemon:
        assert daemon.get("/state")["totalConsumption"] == 5000
        assert "energy ledger: went back to the previous version" in daemon.log
