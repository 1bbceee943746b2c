"""The history of sessions in a real daemon: crashes, and a disk that lets it down."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daemon_world import Daemon, RunningSimulator, eventually

#: Energy is written when there are 50 Wh of it, or a minute has passed.
WRITTEN_S = 200.0
OWN_DISK = Path(__file__).with_name("daemon_on_own_disk.py")


def sessions(daemon: Daemon) -> list[dict[str, Any]]:
    return list(daemon.get("/sessions")["sessions"])


def alarms(daemon: Daemon) -> set[str]:
    return {alarm["name"] for alarm in daemon.get("/reason")["alarms"]}


def counted(daemon: Daemon) -> bool:
    """Return whether the open session is in the database, with energy."""
    found = sessions(daemon)
    return bool(found and found[0]["energy"])


def database(daemon: Daemon) -> Path:
    return daemon.state_dir / "sessions" / "sessions.db"


def charges(daemon: Daemon) -> None:
    """See that the vehicle is being charged; a busy machine may make a pass come too late."""

    def charging() -> bool:
        return daemon.state() == "C2" and bool(daemon.get("/simulator")["contactor"]["closed"])

    eventually(charging, WRITTEN_S)


def same(energy_ws: int, daemon: Daemon) -> bool:
    """Tell whether an energy is that of the register; each is rounded down, after a fault twice."""
    return abs(energy_ws - int(daemon.get("/state")["totalConsumption"])) <= 2


def unplug(daemon: Daemon) -> dict[str, Any]:
    """Unplug; return the session as it was kept."""
    daemon.street(vehicle="none")
    daemon.until("A")
    return dict(
        eventually(lambda: (found := sessions(daemon)) and found[0]["endReason"] and found[0])
    )


def test_a_session_is_one_row_with_the_energy_of_the_meter(charging: Daemon) -> None:
    eventually(lambda: charging.get("/state")["consumption"] > 5000)
    session = unplug(charging)
    assert session["endReason"] == "unplugged"
    assert session["energy"] == charging.get("/state")["totalConsumption"] == session["meterEnd"]
    assert session["authorized"] == "not_required"
    assert session["peakPower"] > 1000
    assert charging.get("/sessions/months")[0]["energy"] == session["energy"]
    samples = charging.get(f"/sessions/{session['id']}/samples")["samples"]
    assert sum(sample["energy"] for sample in samples) == session["energy"]


def test_who_authorized_is_kept(daemon: Daemon) -> None:
    daemon.post("/config/evse", {"requireAuth": True})
    daemon.street(vehicle="charging")
    eventually(lambda: daemon.get("/state")["pendingAuth"])
    eventually(lambda: sessions(daemon) and sessions(daemon)[0]["authorized"] == "not_given")
    daemon.post("/state/authorize", None)
    daemon.until("C2")
    assert unplug(daemon)["authorized"] == "rest"


def test_a_session_goes_on_after_kill_9_and_is_not_doubled(
    folder: Path, simulator: RunningSimulator, charging: Daemon
) -> None:
    eventually(lambda: counted(charging), WRITTEN_S)
    before = sessions(charging)[0]
    charging.signal(signal.SIGKILL)
    charging.wait()
    with Daemon(folder, simulator=simulator) as successor:
        successor.until("C2")
        eventually(lambda: successor.get("/state")["consumption"] > 1000)
        after = unplug(successor)
        assert [one["id"] for one in sessions(successor)] == [before["id"]]
        assert after["start"] == pytest.approx(before["start"], abs=1)
        assert after["energy"] >= before["energy"] + 1000
        assert after["duration"] >= before["duration"]
        with contextlib.closing(sqlite3.connect(database(successor))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_session_goes_on_after_an_orderly_restart(
    folder: Path, simulator: RunningSimulator, charging: Daemon
) -> None:
    eventually(lambda: charging.get("/state")["consumption"] > 1000)
    charging.signal(signal.SIGTERM)
    assert charging.wait() == 0
    with Daemon(folder, simulator=simulator) as successor:
        successor.until("C2")
        session = unplug(successor)
        assert len(sessions(successor)) == 1
        # What flowed while it was wound down is in the session as well as in the register.
        assert same(session["energy"], successor)


def test_a_database_deleted_under_the_daemon(charging: Daemon) -> None:
    eventually(lambda: counted(charging), WRITTEN_S)
    shutil.rmtree(database(charging).parent)
    eventually(lambda: "sessions_replaced" in alarms(charging), within_s=WRITTEN_S)
    charges(charging)
    eventually(lambda: "alarm sessions_replaced" in charging.log)
    eventually(lambda: counted(charging), WRITTEN_S)
    assert same(unplug(charging)["energy"], charging)


def test_a_database_destroyed_under_the_daemon_is_kept_aside(charging: Daemon) -> None:
    eventually(lambda: counted(charging), WRITTEN_S)
    file = database(charging)
    for part in (file, file.with_name("sessions.db-wal")):
        part.write_bytes(b"\xff" * part.stat().st_size)
    eventually(lambda: charging.ask("GET", "/sessions") and "sessions_replaced" in alarms(charging))
    charges(charging)
    assert list(file.parent.glob("broken-*"))
    assert same(unplug(charging)["energy"], charging)


# --- a disk of its own ---


class OwnDisk:
    """The daemon's small disk, seen from outside of its namespace."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.seen = Path(f"/proc/{daemon.popen.pid}/root{daemon.state_dir}")
        self._filling = self.seen / "filling"

    def fill(self) -> None:
        with self._filling.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass

    def clear(self) -> None:
        self._filling.unlink()

    def remount(self, how: str) -> None:
        pid = str(self.daemon.popen.pid)
        user = ["--preserve-credentials", "-U"] if os.getuid() else []
        inside = ["nsenter", *user, "-t", pid, "-m"]
        command = [*inside, "mount", "-o", f"remount,{how},size=16m", str(self.daemon.state_dir)]
        subprocess.run(command, check=True, timeout=30)


@pytest.fixture
def own_disk(folder: Path, simulator: RunningSimulator) -> Iterator[OwnDisk]:
    """Yield the disk of a daemon at which a vehicle charges."""
    with Daemon(folder, simulator=simulator, program=(str(OWN_DISK),)) as daemon:
        daemon.ready()
        daemon.charge()
        eventually(lambda: counted(daemon), WRITTEN_S)
        yield OwnDisk(daemon)


def test_a_full_disk_is_told_and_charging_goes_on(own_disk: OwnDisk) -> None:
    daemon = own_disk.daemon
    own_disk.fill()
    wanted = {"energy_not_saved", "sessions_not_saved"}
    eventually(lambda: wanted <= alarms(daemon), within_s=WRITTEN_S)
    charges(daemon)
    status, answer = daemon.ask("POST", "/config/evse", {"maxChargingCurrent": 20})
    assert status == 500
    assert "could not be saved" in answer
    own_disk.clear()
    eventually(lambda: not wanted & alarms(daemon), WRITTEN_S)
    eventually(lambda: "alarm energy_not_saved is over" in daemon.log)
    assert same(unplug(daemon)["energy"], daemon)
    total = f'"total_energy_ws": {daemon.get("/state")["totalConsumption"]}'
    eventually(lambda: total in (own_disk.seen / "ledger.json").read_text())


def test_a_read_only_disk_is_told_and_charging_goes_on(
    folder: Path, simulator: RunningSimulator
) -> None:
    read_only = {"EVSED_TEST_READ_ONLY": "1"}
    with Daemon(
        folder, simulator=simulator, program=(str(OWN_DISK),), environment=read_only
    ) as daemon:
        daemon.ready()
        own_disk = OwnDisk(daemon)
        assert os.statvfs(own_disk.seen).f_flag & os.ST_RDONLY
        daemon.charge()
        wanted = {"energy_not_saved", "sessions_not_saved"}
        eventually(lambda: wanted <= alarms(daemon), within_s=WRITTEN_S)
        charges(daemon)
        assert daemon.get("/sessions") == {"sessions": [], "next": None}
        own_disk.remount("rw")
        eventually(lambda: not wanted & alarms(daemon), within_s=WRITTEN_S)
        assert same(unplug(daemon)["energy"], daemon)
