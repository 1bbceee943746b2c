"""Rows of the acceptance table that need a vehicle, a clock, a file, a crash or a stop watch."""

import contextlib
import hashlib
import json
import re
import signal
import socket
import time
from pathlib import Path

import pytest
import yaml
from daemon_world import RunningSimulator, eventually, milliseconds_until
from debian_packages import debian_package
from modbus_asker import read_registers
from rest_caller import board_file, charger, free_port

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
CONFIG_KEYS = ["evse", "wifi", "discovery", "serial", "modbus", "script", "scheduler"]
BOARD_KEYS = [
    *("deviceName", "socketLock", "proximity", "socketLockMinBreakTime", "rcm"),
    *("temperatureSensor", "energyMeter", "energyMeterThreePhases", "serials"),
    *("auxInputs", "auxOutputs", "auxAnalogInputs"),
]
#: Monday, half past ten, UTC
MONDAY_1030 = 1795429800


@pytest.fixture
def full(folder):
    with charger(folder / "c") as fresh:
        yield fresh


@pytest.fixture
def modbus(folder):
    """Yield a charger whose Modbus server has a port of its own, and that port."""
    port = free_port()
    config = f"modbus: {{address: 127.0.0.1, port: {port}}}\n"
    with charger(folder / "c", config=config) as fresh:
        yield fresh, port


def descriptor(fresh, **changes):
    """Write what the channel ``stable`` offers: a package that is not signed."""
    package = fresh.folder / "evsed.deb"
    package.write_bytes(debian_package("evsed", "9.9.9"))
    content = {
        "version": "v9.9.9",
        "path": package.as_uri(),
        "sha256": hashlib.sha256(package.read_bytes()).hexdigest(),
        "size": package.stat().st_size,
    }
    (fresh.folder / "stable.json").write_text(json.dumps(content | changes))


def upload(fresh, data):
    return fresh.call("POST", "firmware/upload", data, {"Content-Type": "application/octet-stream"})


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def still_running(fresh, for_s):
    """Tell whether the daemon is the same one, and alive, for a while."""
    uptime = fresh.get("info")["uptime"]
    time.sleep(for_s)
    return fresh.daemon.popen.poll() is None and fresh.get("info")["uptime"] > uptime


def test_row_34_a_limit_in_watt_seconds_is_one_in_watt_hours_over_modbus(modbus):
    fresh, port = modbus
    assert fresh.post("config/modbus", {"tcpEnabled": True}).status == 200
    assert fresh.post("state/consumption-limit", 10000000).status == 200
    assert fresh.get("state")["consumptionLimit"] == 10000000
    high, low = read_registers(port, 107, 2)
    assert high << 16 | low == 2778


def test_row_46_authorizing_needs_no_body_and_no_type(full):
    full.post("config/evse", {"requireAuth": True})
    full.street(vehicle="connected")
    full.until(pendingAuth=True)
    answer = full.call("POST", "state/authorize")
    assert (answer.status, answer.text) == (200, "OK")
    assert milliseconds_until(lambda: not full.get("state")["pendingAuth"]) < 200


def test_row_47_resetting_the_total_during_a_session_keeps_the_sessions_energy(full):
    full.street(vehicle="charging")
    full.until(state="C2")
    eventually(lambda: full.get("state")["consumption"] > 1500)
    before = full.get("state")
    answer = full.call("POST", "state/reset-total-consumption")
    after = full.get("state")
    assert (answer.status, answer.text) == (200, "OK")
    assert after["totalConsumption"] < 1000  # what one reading takes, at 4 kW
    assert after["consumption"] >= before["consumption"]


def test_row_49_three_phases_is_a_boolean(full):
    found = full.get("config/evse")
    assert len(found) == 16
    assert found["energyMeterThreePhases"] is False


def test_row_62_settings_survive_a_restart_and_the_switch_does_not(folder):
    with charger(folder / "c") as first:
        first.post("config/evse", {"maxChargingCurrent": 20, "requireAuth": True})
        first.post("config/evse", {"maxChargingCurrent": 99})
        first.post("state/enabled", False)
        before = first.get("config")
        first.daemon.signal(signal.SIGTERM)
        assert first.daemon.wait() == 0
    with charger(folder / "c") as again:
        assert again.get("config") == before
        assert again.get("state")["enabled"] is True


def test_row_68_wifi_is_applied_a_second_after_the_answer(full):
    asked = time.monotonic()
    answer = full.post("config/wifi", {"enabled": True, "ssid": "home", "password": "12345678"})
    answered = time.monotonic()
    assert (answer.status, answer.text) == (200, "OK")
    eventually(lambda: "Wi-Fi: " in full.daemon.log)
    applied = time.monotonic()
    assert applied - answered < 1.5
    assert applied - asked > 0.8
    assert "12345678" not in full.daemon.log


def test_row_75_the_modbus_server_starts_with_its_setting(modbus):
    fresh, port = modbus
    fresh.post("config/modbus", {"unitId": 7})
    assert not accepts(port)
    assert fresh.post("config/modbus", {"tcpEnabled": True}).status == 200
    assert accepts(port)
    assert fresh.get("config/modbus") == {"tcpEnabled": True, "unitId": 7}


def test_row_75_a_port_that_is_taken_leaves_the_old_settings(modbus):
    fresh, port = modbus
    with socket.create_server(("127.0.0.1", port)):
        assert fresh.post("config/modbus", {"tcpEnabled": True}).status == 500
    assert fresh.get("config/modbus")["tcpEnabled"] is False


def test_row_85_a_schedule_acts_on_its_edges_only(full):
    full.post("time", MONDAY_1030)
    schedule = {"action": "enable", "mon": 1 << 11}
    assert (
        full.post("config/scheduler", {"timezone": "Etc/UTC", "schedules": [schedule]}).status
        == 200
    )
    full.until(within_s=2, enabled=False)
    full.post("state/enabled", True)
    full.post("time", MONDAY_1030 + 60)  # it looks again, still outside its hour
    time.sleep(0.5)
    assert full.get("state")["enabled"] is True
    full.post("time", MONDAY_1030 + 3600)
    full.post("time", MONDAY_1030 + 2 * 3600)
    full.until(within_s=2, enabled=False)


def test_row_86_the_whole_configuration_is_the_sum_of_its_sections(full):
    everything = full.get("config")
    assert list(everything) == CONFIG_KEYS
    for name, section in everything.items():
        assert json.dumps(full.get(f"config/{name}")) == json.dumps(section)


def test_row_88_the_clock_is_a_bare_whole_number(full):
    text = full.call("GET", "time").text
    assert re.fullmatch("[0-9]+", text)
    assert abs(int(text) - time.time()) < 2


def test_row_90_the_log_is_counted_in_lines(full):
    eventually(lambda: full.call("GET", "log").text)
    answer = full.call("GET", "log")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert int(answer.headers["X-Count"]) == len(answer.text.splitlines()) > 0


def test_row_91_asking_from_the_count_on_brings_what_is_new(full):
    eventually(lambda: "no_vehicle" in full.daemon.log)  # from here on it is quiet
    eventually(lambda: "no_vehicle" in full.call("GET", "log").text)
    count = int(full.call("GET", "log").headers["X-Count"])
    answer = full.call("GET", f"log?index={count}")
    assert (answer.status, answer.text) == (200, "")
    assert int(answer.headers["X-Count"]) >= count
    full.post("config/discovery", {"instanceName": "Garage"})
    eventually(lambda: "discovery" in full.call("GET", f"log?index={count}").text)


@pytest.mark.parametrize("changes", [{}, {"more": [1]}])
def test_row_102_the_version_of_the_channel_is_shown_beside_our_own(full, changes):
    descriptor(full, **changes)
    found = full.get("firmware/check-update")
    assert found["available"] == "v9.9.9"
    assert found["current"] == full.get("info")["appVersion"]


def test_row_104_a_package_that_is_not_the_announced_one_is_refused(full):
    descriptor(full, sha256="0" * 64)
    answer = full.call("POST", "firmware/update")
    assert answer.status == 521
    assert "Failed To Upgrade Firmware" in full.daemon.log or answer.text


def test_row_105_the_same_version_is_not_installed_again(full):
    descriptor(full, version=full.get("info")["appVersion"], sha256="0" * 64)
    answer = full.call("POST", "firmware/update")
    assert (answer.status, answer.text) == (200, "OK")
    assert still_running(full, 2.5)


def test_row_107_a_package_of_something_else_is_refused(full):
    answer = upload(full, debian_package("another", "1.0"))
    assert answer.status == 523
    assert still_running(full, 1.1)


def test_row_108_a_package_nobody_signed_is_refused(full):
    answer = upload(full, debian_package("evsed", "9.9.9"))
    assert answer.status == 523
    assert "signed" in answer.text


def test_row_109_an_upload_that_breaks_off_leaves_nothing(full):
    def large_files():
        every = full.daemon.state_dir.rglob("*")
        return [path for path in every if path.is_file() and path.stat().st_size > 100_000]

    half = debian_package("evsed", "9.9.9").ljust(512 * 1024, b"\0")
    head = "POST /api/v1/firmware/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"
    with socket.create_connection(("127.0.0.1", full.daemon.port)) as connection:
        connection.sendall(head.encode() + half)
        eventually(large_files)
    eventually(lambda: "firmware upload: 522: " in full.daemon.log)
    eventually(lambda: not large_files())


def test_row_113_info_has_every_key_with_its_type(full):
    eventually(lambda: full.get("info")["temperatureSensorCount"] == 1)
    info = full.get("info")
    assert {key: type(value) for key, value in info.items()} == SEED_INFO
    assert list(info) == list(SEED_INFO)
    assert list(info["heap"]) == ["allocated", "free", "largestFreeBlock", "minFree"]
    assert {type(value) for value in info["heap"].values()} == {int}


def test_row_114_the_board_has_twelve_keys_and_as_many_serials_as_settings(full):
    board = full.get("board-config")
    assert list(board) == BOARD_KEYS
    assert board["serials"] == [
        {"type": "uart", "name": "UART"},
        {"type": "rs485", "name": "RS485"},
    ]
    assert len(full.get("config/serial")) == 2
    assert (board["socketLockMinBreakTime"], board["energyMeter"]) == (1000, "cur_vlt")


def test_row_116_a_crash_leaves_a_record_that_can_be_deleted(folder):
    with charger(folder / "c") as first:
        first.get("state")
        crashed = time.time()
        first.daemon.signal(signal.SIGABRT)
        assert first.daemon.wait() == -signal.SIGABRT
    with charger(folder / "c") as again:
        answer = again.call("GET", "log/panic")
        assert answer.text
        assert abs(int(answer.headers["X-Time"]) - crashed) < 5
        deleted = again.call("DELETE", "log/panic")
        assert (deleted.status, deleted.text) == (200, "OK")
        answer = again.call("GET", "log/panic")
        assert (answer.text, answer.headers["X-Time"]) == ("", "0")


def test_row_123_another_site_cannot_restart(full):
    answer = full.call("POST", "restart", headers={"Origin": "http://evil.example"})
    assert answer.status == 403
    assert still_running(full, 2.5)


def test_row_124_a_restart_opens_the_contactor_first(folder):
    board = board_file(folder, "full")
    with (
        RunningSimulator(folder / "s", board=board) as simulator,
        charger(folder / "c", simulator=simulator) as fresh,
    ):
        simulator.set(vehicle="charging", reaction=100)
        fresh.until(state="C2")
        eventually(simulator.closed)
        asked = time.monotonic()
        answer = fresh.call("POST", "restart")
        again = fresh.call("POST", "restart")
        assert (answer.status, answer.text, again.status) == (200, "OK", 200)
        opened_ms = milliseconds_until(lambda: not simulator.closed())
        running = fresh.daemon.popen.poll() is None
        fresh.daemon.wait()
        assert running, f"the contactor opened after {opened_ms} ms, when the process had gone"
        assert 0.5 < time.monotonic() - asked < 2
        assert simulator.safe()


def test_row_125_a_body_that_never_comes_is_given_up_after_30_seconds(full):
    head = "POST /api/v1/state HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", full.daemon.port), timeout=60) as connection:
        asked = time.monotonic()
        connection.sendall(f"{head}Content-Length: 20\r\n\r\n".encode())
        for _ in range(20):
            full.get("state")
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert 29 < time.monotonic() - asked < 33
        assert connection.recv(4096) in {b"", b"the body did not arrive in time"}


def test_without_extensions_every_path_of_ours_is_closed(folder):
    with charger(folder / "open") as fresh:
        paths = fresh.get("openapi.json")["paths"]
    ours = {
        (method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method != "parameters" and operation.get("x-extension")
    }
    assert {path for _, path in ours} >= {"/events", "/openapi.json", "/config/backup"}
    with charger(folder / "closed", extensions=False) as fresh:
        for method, path in ours:
            assert fresh.call(method, path[1:], b"").status == 404, path
        assert fresh.get("config") is not None


def test_every_row_of_the_table_is_here_once():
    here = Path(__file__).parent
    rows = yaml.safe_load((here / "acceptance.yaml").read_text(encoding="utf-8"))
    stories = re.findall(
        r"^(?:async )?def test_row_(\d+)_",
        "".join(path.read_text(encoding="utf-8") for path in here.glob("test_rest_*.py")),
        re.MULTILINE,
    )
    listed = [row["row"] for row in rows]
    assert len(listed) == len(set(listed))
    assert not set(listed) & {int(row) for row in stories}
    assert set(listed) | {int(row) for row in stories} == set(range(1, 126))
