"""A real daemon as a charge point: management systems of both versions, outages, kills."""

import os
import signal

import pytest
from daemon_world import Daemon, RunningSimulator, eventually
from load_world import share_profile
from ocpp.v16 import call as ask16
from ocpp.v201 import call as ask201
from ocpp_systems import LibrarySystem, Loop, serving

#: A process has to start first, and a machine may be busy.
WITHIN_S = 60.0
LIMIT = share_profile(10.0)


@pytest.fixture
def loop():
    one = Loop()
    yield one
    one.close()


@pytest.fixture
def simulator(tmp_path):
    with RunningSimulator(tmp_path / "sim") as one:
        yield one


def connect(daemon, system, **more):
    settings = {"url": f"ws://127.0.0.1:{system.port}/ocpp", "identity": "CP-1", "enabled": True}
    daemon.post("/config/ocpp", settings | more)
    eventually(lambda: daemon.get("/ocpp/state")["accepted"], WITHIN_S)


def waiting_for(system, action, count=1):
    return eventually(lambda: len(found := system.ledger.of(action)) >= count and found, WITHIN_S)


def limit_of(daemon):
    rows = {one["owner"]: one for one in daemon.get("/limits")["limits"]}
    return rows.get("ocpp")


def test_a_day_of_a_charger_in_1_6(tmp_path, simulator, loop):
    with (
        serving(LibrarySystem(loop)) as system,
        Daemon(tmp_path, simulator=simulator) as daemon,
    ):
        daemon.ready()
        connect(daemon, system)
        assert system.requests[0].path == "/ocpp/CP-1"
        assert waiting_for(system, "BootNotification")[0]["charge_point_vendor"] == "evsed"
        assert system.ask(ask16.SetChargingProfile(0, LIMIT)).status == "Accepted"
        eventually(lambda: (limit_of(daemon) or {}).get("inForce") == 10.0, WITHIN_S)
        daemon.charge()
        began = waiting_for(system, "StartTransaction")
        assert began[0]["id_tag"] == "EVSED"
        assert daemon.get("/limits")["limitedBy"] == "ocpp"
        stopped = system.ask(ask16.RemoteStopTransaction(transaction_id=1001))
        assert stopped.status == "Accepted"
        ended = waiting_for(system, "StopTransaction")[0]
        assert (ended["transaction_id"], ended["reason"]) == (1001, "Remote")
        eventually(lambda: not daemon.get("/simulator")["contactor"]["closed"], WITHIN_S)
        assert daemon.get("/reason")["reason"] == "paused_by_limit"
        daemon.street(vehicle="none")
        eventually(
            lambda: system.ledger.of("StatusNotification")[-1]["status"] == "Available", WITHIN_S
        )
        assert daemon.get("/ocpp/state")["queue"] == 0
        daemon.post("/config/ocpp", {"enabled": False})
        eventually(lambda: limit_of(daemon) is None, WITHIN_S)


def test_a_charger_in_2_0_1_charges_with_a_token_and_is_stopped_from_afar(
    tmp_path, simulator, loop
):
    with (
        serving(LibrarySystem(loop, "2.0.1")) as system,
        Daemon(tmp_path, simulator=simulator) as daemon,
    ):
        daemon.ready()
        daemon.post("/config/evse", {"requireAuth": True})
        connect(daemon, system, version="2.0.1")
        daemon.street(vehicle="charging")
        eventually(lambda: daemon.get("/state")["pendingAuth"], WITHIN_S)
        system.ledger.refuses_tokens["STRANGER"] = "Blocked"
        assert daemon.ask("POST", "/ocpp/authorize", {"token": "STRANGER"}) == (
            200,
            {"status": "Blocked"},
        )
        status, answer = daemon.ask("POST", "/ocpp/authorize", {"token": "04A2B3C4"})
        assert (status, answer) == (200, {"status": "Accepted"})
        begun = waiting_for(system, "TransactionEvent")[0]
        assert begun["event_type"] == "Started"
        assert begun["id_token"] == {"id_token": "04A2B3C4", "type": "ISO14443"}
        daemon.until("C2")
        name = begun["transaction_info"]["transaction_id"]
        assert system.ask(ask201.RequestStopTransaction(name)).status == "Accepted"
        ended = eventually(
            lambda: (
                system.ledger.of("TransactionEvent")[-1]["event_type"] == "Ended"
                and system.ledger.of("TransactionEvent")[-1]
            ),
            WITHIN_S,
        )
        assert ended["transaction_info"]["stopped_reason"] == "Remote"
        numbers = [one["seq_no"] for one in system.ledger.of("TransactionEvent")]
        assert numbers == list(range(len(numbers)))


def test_killed_amid_an_outage_everything_is_delivered_once_and_in_order(tmp_path, simulator, loop):
    system = LibrarySystem(loop)
    with serving(system), Daemon(tmp_path, simulator=simulator) as daemon:
        daemon.ready()
        connect(daemon, system, offlineCurrent=8)
    # The management system and the daemon are gone; the charger starts without it.
    with Daemon(tmp_path, simulator=simulator) as daemon:
        daemon.ready()
        daemon.charge()
        eventually(lambda: (limit_of(daemon) or {}).get("inForce") == 8.0, WITHIN_S)
        eventually(lambda: daemon.get("/ocpp/state")["transaction"], WITHIN_S)
        eventually(lambda: daemon.get("/ocpp/state")["queue"] > 0, WITHIN_S)
        os.killpg(daemon.popen.pid, signal.SIGKILL)
    daemon.wait()
    with serving(system), Daemon(tmp_path, simulator=simulator) as daemon:
        eventually(lambda: daemon.get("/ocpp/state")["accepted"], WITHIN_S)
        waiting_for(system, "StartTransaction", 2)
        told = [
            (action, words.get("reason"))
            for action, words in system.ledger.messages
            if action in {"StartTransaction", "StopTransaction"}
        ]
        assert told == [
            ("StartTransaction", None),
            ("StopTransaction", "Reboot"),
            ("StartTransaction", None),
        ]
        assert system.ledger.of("StopTransaction")[0]["transaction_id"] == 1001


def test_a_stop_from_afar_holds_over_a_kill_until_the_vehicle_has_left(tmp_path, simulator, loop):
    system = LibrarySystem(loop)
    with serving(system):
        with Daemon(tmp_path, simulator=simulator) as daemon:
            daemon.ready()
            connect(daemon, system)
            daemon.charge()
            waiting_for(system, "StartTransaction")
            assert system.ask(ask16.RemoteStopTransaction(transaction_id=1001)).status == "Accepted"
            waiting_for(system, "StopTransaction")
            os.killpg(daemon.popen.pid, signal.SIGKILL)
        daemon.wait()
        with Daemon(tmp_path, simulator=simulator) as daemon:
            daemon.ready()
            before = daemon.get("/reason")["contactor"]["closings"]
            eventually(lambda: daemon.get("/ocpp/state")["accepted"], WITHIN_S)
            finishing = {"status": "Finishing", "connector_id": 1}
            eventually(
                lambda: finishing.items() <= system.ledger.of("StatusNotification")[-1].items(),
                WITHIN_S,
            )
            assert daemon.get("/reason")["reason"] == "paused_by_limit"
            assert daemon.get("/reason")["contactor"]["closings"] == before
            assert len(system.ledger.of("StartTransaction")) == 1
            daemon.street(vehicle="none")
            daemon.until("A", WITHIN_S)
            eventually(lambda: limit_of(daemon) is None, WITHIN_S)
            daemon.charge()
            assert len(waiting_for(system, "StartTransaction", 2)) == 2


def test_the_process_may_die_and_the_limit_falls_back_meanwhile(tmp_path, simulator, loop):
    with (
        serving(LibrarySystem(loop)) as system,
        Daemon(tmp_path, simulator=simulator) as daemon,
    ):
        daemon.ready()
        connect(daemon, system, offlineCurrent=7)
        system.ask(ask16.SetChargingProfile(0, LIMIT))
        eventually(lambda: (limit_of(daemon) or {}).get("inForce") == 10.0, WITHIN_S)
        assert limit_of(daemon)["fallback"] == 7.0
        before = len(system.ledger.of("BootNotification"))
        _kill_child(daemon)
        waiting_for(system, "BootNotification", before + 1)
        eventually(lambda: (limit_of(daemon) or {}).get("inForce") == 10.0, WITHIN_S)


def _kill_child(daemon):
    from daemon_world import descendants  # noqa: PLC0415

    for pid in descendants(daemon.popen.pid):
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            if b"ocpp.process" in file.read():
                os.kill(pid, signal.SIGKILL)
                return
    raise AssertionError("the process does not run")
