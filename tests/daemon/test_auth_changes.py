"""Credentials come and go while the daemon runs: over REST, by the administrator, by accident."""

import base64
import contextlib
import gzip
import http.client
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from daemon_world import PATIENCE_S, Daemon, RunningSimulator, eventually

ADMIN = {"user": "admin", "password": "se:cret"}
TOKEN = base64.b64encode(b"admin:se:cret").decode()
GZIP = b"\x1f\x8b"
AUTH = {"Authorization": f"Basic {TOKEN}"}


def status(daemon: Daemon, headers=None, path="/api/v1/state") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers or {})
        with connection.getresponse() as answer:
            return answer.status


def clear(state_dir: Path) -> str:
    """Run ``evsed credentials clear``."""
    return subprocess.run(
        [sys.executable, "-m", "evsed", "credentials", "clear", "--state-dir", str(state_dir)],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S * 2,
    ).stdout


def test_open_event_streams_end_with_a_change(daemon):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", "/api/v1/events")
        with connection.getresponse() as stream:
            assert stream.status == 200
            daemon.post("/credentials", ADMIN)
            with pytest.raises(http.client.IncompleteRead):
                stream.read()
    assert status(daemon) == 401
    assert status(daemon, path="/api/v1/events") == 401
    assert status(daemon, AUTH) == 200


def test_half_a_pair_opens_and_closes_nothing(daemon):
    for body in ({}, {"user": "a"}, {"password": "a"}, {"user": None, "password": ""}, [], "x"):
        assert daemon.ask("POST", "/credentials", body)[0] == 400
    assert daemon.ask("POST", "/credentials", {"user": "a:b", "password": "x"})[0] == 400
    assert status(daemon) == 200
    assert not (daemon.state_dir / "credentials.json").exists()


def test_they_are_kept_over_a_restart_and_cleared_by_the_administrator(
    folder: Path, simulator: RunningSimulator
):
    with Daemon(folder, simulator=simulator) as first:
        first.post("/credentials", ADMIN)
        file = first.state_dir / "credentials.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with Daemon(folder, simulator=simulator) as second:
        assert status(second) == 401
        assert status(second, AUTH) == 200
        assert "credentials cleared" in clear(second.state_dir)
        eventually(lambda: status(second) == 200)
        assert not file.exists()
    assert "no credentials were set" in clear(folder / "state")


def test_a_broken_file_closes_every_door_until_it_is_cleared(
    folder: Path, simulator: RunningSimulator
):
    state_dir = folder / "state"
    state_dir.mkdir()
    (state_dir / "credentials.json").write_text('{"user": "admin"')
    with Daemon(folder, simulator=simulator) as daemon:
        for headers in (None, AUTH):
            assert status(daemon, headers) == 401
        assert "evsed credentials clear" in daemon.log
        clear(state_dir)
        eventually(lambda: status(daemon) == 200)


@pytest.fixture
def shown(daemon):
    """Return everything the daemon shows, with credentials set."""
    daemon.post("/config/wifi", {"ssid": "garage", "password": "correct horse"})
    daemon.post("/credentials", {"user": "somebody", "password": "battery staple"})
    token = base64.b64encode(b"somebody:battery staple").decode()
    headers = {"Authorization": f"Basic {token}"}

    def read(path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S * 2)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as answer:
                body = answer.read()
        packed = body.startswith(GZIP)  # the backup
        return (gzip.decompress(body) if packed else body).decode("latin-1")

    paths = json.loads(read("/api/v1/openapi.json"))["paths"]
    readable = [path for path, entry in paths.items() if "get" in entry and "events" not in path]
    texts = {path: read(f"/api/v1{path.removeprefix('/api/v1')}") for path in readable}
    return texts | {"log": daemon.log}


def test_no_secret_is_ever_shown_or_logged(shown):
    assert len(shown) > 10
    for place, text in shown.items():
        for secret in ("correct horse", "battery staple", "battery"):
            assert secret not in text, place
