"""A complete management system of another project, ``ocpp-csms``, with its own book-keeping."""

import contextlib

import pytest
from daemon_world import Daemon, RunningSimulator, eventually
from ocpp_csms import CentralSystem, ConnectorStatus, TransactionStoppedEvent
from ocpp_systems import Loop

WITHIN_S = 60.0
PASSWORD = "0123456789abcdef"  # noqa: S105


@pytest.fixture
def loop():
    one = Loop()
    yield one
    one.close()


async def may_connect(identity, password):
    return (identity, password) == ("GARAGE-1", PASSWORD)


def test_a_session_is_begun_measured_and_stopped_from_afar(tmp_path, loop):
    told = []

    async def opened():
        csms = CentralSystem(host="127.0.0.1", port=0, authenticate=may_connect)
        csms.add_listener(told.append)
        await csms.async_start()
        return csms

    csms = loop.run(opened())
    with (
        contextlib.ExitStack() as stack,
        RunningSimulator(tmp_path / "sim") as simulator,
        Daemon(tmp_path, simulator=simulator) as daemon,
    ):
        stack.callback(lambda: loop.run(csms.async_stop()))
        daemon.ready()
        daemon.post("/config/evse", {"requireAuth": True})
        settings = {
            "url": f"ws://127.0.0.1:{csms.port}",
            "identity": "GARAGE-1",
            "securityProfile": 1,
            "password": "wrong-wrong-wrong",
            "enabled": True,
        }
        daemon.post("/config/ocpp", settings)
        eventually(
            lambda: "password is refused" in daemon.get("/ocpp/state")["lastError"], WITHIN_S
        )
        daemon.post("/config/ocpp", {"password": PASSWORD})
        assert "password" not in daemon.get("/config/ocpp")
        eventually(lambda: daemon.get("/ocpp/state")["accepted"], WITHIN_S)
        point = csms.charge_points["GARAGE-1"]
        daemon.street(vehicle="charging")
        eventually(lambda: status_of(point) == ConnectorStatus.PREPARING, WITHIN_S)
        loop.run(point.async_remote_start_transaction(id_tag="04A2B3C4", connector_id=1))
        eventually(lambda: status_of(point) == ConnectorStatus.CHARGING, WITHIN_S)
        running = next(iter(point.transactions.values()))
        assert running.id_tag == "04A2B3C4"
        loop.run(point.async_remote_stop_transaction(running.transaction_id))
        ended = eventually(
            lambda: [one for one in told if isinstance(one, TransactionStoppedEvent)], WITHIN_S
        )
        assert len(ended) == 1
        eventually(lambda: daemon.get("/ocpp/state")["queue"] == 0, WITHIN_S)


def status_of(point):
    connector = point.connectors.get(1)
    return None if connector is None else connector.status
