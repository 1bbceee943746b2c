"""Acceptance checks that need a car: rest.md section 16, rows 1, 46 to 49, 62, 113, 114, 125."""

import asyncio

import pytest

from evsed.operations.values import EnergyUnit
from evsed.settings.store import SettingsStore
from evsed.station.station import ParkedStation

SEED_INFO = {
    "uptime": int,
    "appVersion": str,
    "appDate": str,
    "appTime": str,
    "idfVersion": str,
    "chip": str,
    "chipCores": int,
    "chipRevision": int,
    "heap": dict,
    "temperatureSensorCount": int,
    "temperatureLow": float,
    "temperatureHigh": float,
}


async def charge(served, **simulator):
    await served.post("simulator", {"vehicle": "charging", **simulator})
    return await served.until(state="C2")


async def test_the_state_of_a_free_charger(full):
    answer = await full.get("state")
    assert (answer.status, answer.type) == (200, "application/json")
    assert len(answer.json) == 17
    assert (answer.json["state"], answer.json["errors"]) == ("A", None)
    assert len(answer.json["voltage"]) == len(answer.json["current"]) == 3


async def test_a_car_charges_pauses_and_leaves(full):
    await full.post("simulator", {"vehicle": "connected"})
    await full.until(state="B2")
    await charge(full)
    full.run_ms(10_000)
    assert full.circuit.get()["contactor"]["closed"]
    state = (await full.get("state")).json
    assert state["power"] == pytest.approx(
        sum(u * i for u, i in zip(state["voltage"], state["current"], strict=True)), rel=0.01
    )
    assert state["power"] > 3000
    await full.post("simulator", {"reaction": -1})  # a car that ignores what it is told
    await full.post("state/enabled", False)
    assert (await full.until(state="C1"))["power"] > 3000
    full.run_ms(6100)
    await full.until(state="C1", power=0)
    await full.post("simulator", {"vehicle": "none"})
    await full.until(state="A", sessionTime=0)


async def test_energy_is_counted_in_watt_seconds(full):
    await charge(full, phases=1)
    full.run_ms(10_000)
    full.passing = False
    before = (await full.get("state")).json
    full.run_ms(20_000)
    after = (await full.get("state")).json
    expected = 20 * after["power"]
    assert after["consumption"] - before["consumption"] == pytest.approx(expected, rel=0.01)
    assert after["totalConsumption"] - before["totalConsumption"] == pytest.approx(
        expected, rel=0.01
    )


async def test_the_same_charge_in_watt_hours(serve):
    async with serve(energy_unit=EnergyUnit.WH) as served:
        await charge(served)
        served.run_ms(20_000)
        served.passing = False
        energy_ws = served.station.snapshot.session_energy_ws
        assert (await served.get("state")).json["consumption"] == energy_ws // 3600 > 10


async def test_resetting_the_total_keeps_the_sessions_energy(full):
    await charge(full)
    full.run_ms(20_000)
    await full.post("state/reset-total-consumption")
    state = (await full.get("state")).json
    assert state["totalConsumption"] < 11_000  # what flowed since
    assert state["consumption"] > 30_000


async def test_authorizing_lets_a_waiting_car_charge(full):
    await full.post("config/evse", {"requireAuth": True})
    await full.post("simulator", {"vehicle": "charging"})
    await full.until(pendingAuth=True)
    assert (await full.get("reason")).json["reason"] == "authorization_pending"
    assert (await full.post("state/authorize")).text == "OK"
    assert (await full.get("state")).json["pendingAuth"] is False
    await full.until(state="C2")


async def test_a_fault_is_an_error_with_its_name(full):
    await charge(full)
    await full.post("simulator", {"diode": False})
    state = await full.until(state="E")
    assert state["errors"] == ["diode_short"]
    assert state["voltage"] == [0.0, 0.0, 0.0]
    await full.post("simulator", {"diode": True, "vehicle": "none"})
    full.run_ms(62_000)
    assert (await full.until(state="A"))["errors"] is None


async def test_settings_are_there_after_a_restart(full, tmp_path):
    await full.post("config/evse", {"maxChargingCurrent": 20, "requireAuth": True})
    again = SettingsStore(tmp_path, full.board)
    again.load()
    assert (again.evse.max_charging_current_a, again.evse.require_auth) == (20, True)


async def test_a_full_disk_leaves_the_old_settings(full, tmp_path):
    (tmp_path / "settings.json.new").mkdir()  # the file cannot be written
    before = (await full.get("config/evse")).json
    answer = await full.post("config/evse", {"maxChargingCurrent": 20})
    assert answer.status == 500
    assert "could not be saved" in answer.text
    assert (await full.get("config/evse")).json == before
    assert (await full.post("state/charging-current", 32)).status == 200


async def test_a_silent_control_thread_is_a_500_and_nothing_is_kept(full):
    full.passing = False
    before = (await full.get("config/evse")).json
    assert (await full.post("state/enabled", False)).status == 500
    assert (await full.post("config/evse", {"maxChargingCurrent": 20})).status == 500
    full.passing = True
    assert (await full.get("config/evse")).json == before
    assert (await full.get("state")).json["enabled"] is True


async def test_configuration_writes_do_not_mix(full):
    writes = [full.post("config/evse", {"temperatureThreshold": 40 + n}) for n in range(10)]
    other = [full.post("config/evse", {"socketLockRetryCount": n}) for n in range(10)]
    answers = await asyncio.gather(*writes, *other)
    assert {answer.status for answer in answers} == {200}
    found = (await full.get("config/evse")).json
    assert 40 <= found["temperatureThreshold"] <= 49
    assert found["socketLockRetryCount"] <= 9


async def test_info_has_every_key_with_its_type(full):
    full.run_ms(2000)  # until the sensor has been read
    info = (await full.get("info")).json
    assert {key: type(value) for key, value in info.items()} == SEED_INFO
    assert list(info) == list(SEED_INFO)
    assert {type(value) for value in info["heap"].values()} == {int}
    assert (info["chip"], info["temperatureSensorCount"]) == ("simulator", 1)


async def test_the_board_has_its_twelve_keys(full):
    shown = (await full.get("board-config")).json
    assert len(shown) == 12
    assert shown["deviceName"] == "Simulated EVSE"
    assert shown["serials"] == [
        {"type": "uart", "name": "UART"},
        {"type": "rs485", "name": "RS485"},
    ]


async def test_a_body_that_never_comes_is_given_up_while_others_are_served(full):
    reader, writer = await asyncio.open_connection("127.0.0.1", full.http.port)
    head = "POST /api/v1/state HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 20\r\n\r\n{{".encode())
    assert (await full.get("state")).status == 200
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_is_cut_off_changes_nothing(full):
    _, writer = await asyncio.open_connection("127.0.0.1", full.http.port)
    head = "POST /api/v1/state/enabled HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 9\r\n\r\nfalse".encode())
    writer.close()
    await writer.wait_closed()
    full.run_ms(100)
    assert (await full.get("state")).json["enabled"] is True


async def test_lowering_the_maximum_lowers_what_a_charging_car_is_offered(full):
    await charge(full)
    await full.post("config/evse", {"maxChargingCurrent": 8})
    full.run_ms(200)
    detail = (await full.get("reason")).json
    assert (detail["offeredCurrent"], detail["dutyPpm"]) == (8.0, 133_333)
    assert full.circuit.get()["pilot"]["offeredCurrent"] == pytest.approx(8, abs=0.01)


async def test_settings_are_not_taken_in_maintenance_mode(serve, tmp_path):
    async with serve(station=ParkedStation("board.yaml:3:1: pilot: missing")) as served:
        answer = await served.post("config/evse", {"requireAuth": True})
        assert (answer.status, "maintenance mode" in answer.text) == (400, True)
        assert not (tmp_path / "settings.json").exists()
