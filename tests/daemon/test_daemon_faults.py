"""Every error the API names: produced from the street, and gone by its own rule."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from daemon_world import Daemon, RunningSimulator, eventually, pair

_HASTY = Path(__file__).with_name("hasty_daemon.py")
_CALM: Mapping[str, object] = {
    "vehicle": "none",
    "diode": True,
    "rcm": False,
    "rcmTestOk": True,
    "temperature": 25.0,
    "tempFault": False,
    "lockJam": False,
    "cable": 32,
    "pwmDead": False,
    "contactorStuck": False,
    "reaction": 100,
}


@dataclass(frozen=True)
class Fault:
    """How to get one error, and how to take its cause away again."""

    error: str
    cause: Mapping[str, object]
    cure: Mapping[str, object]
    settings: Mapping[str, object] = field(default_factory=dict)


_BY_TIME = [
    Fault("pilot_fault", {"vehicle": "short"}, {"vehicle": "none"}),
    Fault("diode_short", {"diode": False}, {"diode": True, "vehicle": "none"}),
    Fault("rcm_triggered", {"rcm": True}, {"rcm": False, "vehicle": "none"}, {"rcm": True}),
]


@pytest.fixture(scope="module")
def hasty() -> Iterator[tuple[RunningSimulator, Daemon]]:
    """Yield circuit and daemon for the whole module."""
    with (
        tempfile.TemporaryDirectory(prefix="evsed-test-") as name,
        pair(Path(name), program=(str(_HASTY),)) as both,
    ):
        yield both


@pytest.fixture
def daemon(hasty: tuple[RunningSimulator, Daemon]) -> Daemon:
    """Return the daemon, nothing plugged in, nothing wrong and nothing special set."""
    simulator, daemon = hasty
    simulator.set(**_CALM)
    daemon.post("/config/evse", {"rcm": False, "socketOutlet": False})
    daemon.post("/state/available", False)
    daemon.post("/state/available", True)
    eventually(lambda: daemon.reason() == "no_vehicle")
    return daemon


def _errors(daemon: Daemon) -> list[str]:
    return daemon.get("/state")["errors"] or []


def _open_and_low(daemon: Daemon) -> bool:
    circuit = daemon.get("/simulator")
    return not circuit["contactor"]["closed"] and circuit["pilot"]["mode"] == "low"


@pytest.mark.parametrize("fault", _BY_TIME, ids=lambda fault: fault.error)
def test_an_error_while_charging_opens_the_contactor_and_clears_after_its_time(
    daemon: Daemon, fault: Fault
) -> None:
    daemon.post("/config/evse", {"rcm": False, **fault.settings})
    daemon.charge()
    daemon.street(**fault.cause)
    eventually(lambda: _errors(daemon) == [fault.error])
    assert daemon.state() == "E"
    eventually(lambda: _open_and_low(daemon), 2)
    daemon.street(**fault.cure)
    assert _errors(daemon) == [fault.error]
    eventually(lambda: not _errors(daemon))
    daemon.until("A")


def test_a_monitor_that_fails_its_test_keeps_the_contactor_open(daemon: Daemon) -> None:
    daemon.post("/config/evse", {"rcm": True})
    daemon.street(rcmTestOk=False, vehicle="charging")
    eventually(lambda: _errors(daemon) == ["rcm_selftest_fault"])
    assert not daemon.get("/simulator")["contactor"]["closed"]
    daemon.street(rcmTestOk=True)
    eventually(lambda: not _errors(daemon))
    daemon.until("C2")


def test_a_contactor_that_does_not_close_is_an_error(daemon: Daemon) -> None:
    daemon.street(contactorStuck=True, vehicle="charging")
    eventually(lambda: _errors(daemon) == ["contactor_open_fault"])
    daemon.street(contactorStuck=False)
    eventually(lambda: not _errors(daemon))
    daemon.until("C2")


def test_heat_stops_the_charge_until_it_is_five_degrees_cooler(daemon: Daemon) -> None:
    daemon.charge()
    daemon.street(temperature=61)
    eventually(lambda: _errors(daemon) == ["temperature_high"])
    eventually(lambda: _open_and_low(daemon), 2)
    daemon.street(temperature=56)
    eventually(lambda: daemon.get("/reason")["temperatureHigh"] == 56)
    assert _errors(daemon) == ["temperature_high"]
    daemon.street(temperature=50)
    eventually(lambda: not _errors(daemon))
    daemon.until("C2")


def test_a_lost_temperature_sensor_stops_the_charge_until_it_reads_again(daemon: Daemon) -> None:
    daemon.charge()
    daemon.street(tempFault=True)
    eventually(lambda: _errors(daemon) == ["temperature_fault"], 60)
    eventually(lambda: _open_and_low(daemon), 2)
    daemon.street(tempFault=False)
    eventually(lambda: not _errors(daemon), 60)
    daemon.until("C2")


def test_a_lock_that_jams_is_an_error_until_the_operator_retries(daemon: Daemon) -> None:
    daemon.post("/config/evse", {"socketOutlet": True, "socketLockRetryCount": 0})
    daemon.street(lockJam=True, vehicle="charging")
    eventually(lambda: _errors(daemon) == ["lock_fault"], 30)
    assert not daemon.get("/simulator")["contactor"]["closed"]
    daemon.street(lockJam=False)
    assert _errors(daemon) == ["lock_fault"]
    daemon.post("/state/available", False)
    daemon.post("/state/available", True)
    eventually(lambda: not _errors(daemon))
    daemon.until("C2")


def test_a_lock_that_does_not_open_is_an_error_until_the_operator_retries(daemon: Daemon) -> None:
    daemon.post("/config/evse", {"socketOutlet": True, "socketLockRetryCount": 0})
    daemon.charge()
    assert daemon.get("/simulator")["locked"]
    daemon.street(lockJam=True, vehicle="none")
    eventually(lambda: "unlock_fault" in _errors(daemon), 30)
    daemon.street(lockJam=False)
    daemon.post("/state/available", False)
    daemon.post("/state/available", True)
    eventually(lambda: not _errors(daemon))
    eventually(lambda: not daemon.get("/simulator")["locked"])
