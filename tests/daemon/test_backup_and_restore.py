"""Backup and restore of a whole daemon: over HTTP, while charging, and with a hostile archive."""

import http.client
import io
import time
import zipfile

from daemon_world import PATIENCE_S, Daemon


def send(daemon, method, path, data=None, content_type="application/zip", **headers):
    """Return status, headers and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    try:
        kind = {"Content-Type": content_type} if data is not None else {}
        connection.request(method, path, data, kind | headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def backup_of(daemon):
    status, headers, data = send(daemon, "GET", "/api/v1/config/backup")
    assert (status, headers.get_content_type()) == (200, "application/zip")
    assert headers["Content-Disposition"].startswith('attachment; filename="evsed-backup-')
    return data


def test_a_backup_brings_settings_and_scripts_back_after_a_restart_too(folder, simulator):
    with Daemon(folder, simulator=simulator) as daemon:
        daemon.ready()
        assert send(daemon, "PUT", "/dav/usr/a%20b.lua", b"print(1)\n")[0] in {201, 204}
        daemon.post("/config/evse", {"maxChargingCurrent": 13, "temperatureThreshold": 50})
        daemon.post("/config/modbus", {"unitId": 77})
        good = backup_of(daemon)
        daemon.post("/config/evse", {"maxChargingCurrent": 32, "temperatureThreshold": 60})
        daemon.post("/config/modbus", {"unitId": 1})
        assert send(daemon, "PUT", "/dav/usr/a%20b.lua", b"print(2)\n")[0] in {201, 204}
        assert send(daemon, "PUT", "/dav/usr/new.lua", b"print(3)\n")[0] in {201, 204}
        assert send(daemon, "POST", "/api/v1/config/restore", good)[::2] == (200, b"OK")
        _is_restored(daemon)
        daemon.kill()
    with Daemon(folder, simulator=simulator) as daemon:
        _is_restored(daemon.ready())


def _is_restored(daemon):
    assert daemon.get("/config/evse")["maxChargingCurrent"] == 13
    assert daemon.get("/config/evse")["temperatureThreshold"] == 50
    assert daemon.get("/config/modbus")["unitId"] == 77
    assert send(daemon, "GET", "/dav/usr/a%20b.lua")[2] == b"print(1)\n"
    assert send(daemon, "GET", "/dav/usr/new.lua")[0] == 404


def test_a_restore_while_charging_leaves_the_car_charging(charging):
    good = backup_of(charging)
    charging.post("/config/modbus", {"unitId": 9})
    assert send(charging, "POST", "/api/v1/config/restore", good)[0] == 200
    assert charging.state() == "C2"
    assert charging.get("/config/modbus")["unitId"] == 1


def test_a_hostile_archive_is_400_and_changes_nothing(daemon):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        made.writestr("usr/../../../../tmp/evsed-hostile", b"x")
    before = daemon.get("/config")
    for data in (target.getvalue(), b"", b"PK\5\6" + bytes(18), b"{}", bytes(100_000)):
        status, headers, text = send(daemon, "POST", "/api/v1/config/restore", data)
        assert (status, headers.get_content_type()) == (400, "text/plain")
        assert text
    assert daemon.get("/config") == before


def test_a_form_is_415_and_too_much_is_413(daemon):
    path = "/api/v1/config/restore"
    assert send(daemon, "POST", path, b"x", "multipart/form-data; boundary=x")[0] == 415
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    connection.putrequest("POST", path)
    connection.putheader("Content-Length", str(64 * 1024 * 1024 + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_an_upload_that_breaks_off_changes_nothing_and_blocks_nobody(daemon):
    good = backup_of(daemon)
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    connection.putrequest("POST", "/api/v1/config/restore")
    connection.putheader("Content-Length", str(len(good)))
    connection.endheaders(good[:100])
    time.sleep(0.1)
    connection.close()
    assert send(daemon, "POST", "/api/v1/config/restore", good)[0] == 200
    assert not (daemon.state_dir / "restore").exists()
