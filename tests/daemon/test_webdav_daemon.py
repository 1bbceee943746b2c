"""Files of a running daemon: who may, what it costs, and what survives."""

import base64
import http.client
import os
import signal
import socket
import statistics
import threading
import time
from pathlib import Path

import pytest
from daemon_world import CONFIG, PATIENCE_S, Daemon, eventually
from dav_client import request, serves_files

METHODS = {
    "OPTIONS": ("/dav/usr/", b"", {}),
    "PROPFIND": ("/dav/usr/", b"", {"Depth": "1"}),
    "PUT": ("/dav/usr/a.lua", b"print(1)", {}),
    "GET": ("/dav/usr/a.lua", b"", {}),
    "HEAD": ("/dav/usr/a.lua", b"", {}),
    "PROPPATCH": (
        "/dav/usr/a.lua",
        b'<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u">1</x></prop></set></propertyupdate>',
        {},
    ),
    "MKCOL": ("/dav/usr/d", b"", {}),
    "COPY": ("/dav/usr/a.lua", b"", {"Destination": "/dav/usr/d/a.lua"}),
    "MOVE": ("/dav/usr/d/a.lua", b"", {"Destination": "/dav/usr/d/b.lua"}),
    "LOCK": (
        "/dav/usr/d/b.lua",
        b'<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope>'
        b"<locktype><write/></locktype></lockinfo>",
        {},
    ),
    "UNLOCK": ("/dav/usr/d/b.lua", b"", {"Lock-Token": "<urn:uuid:none>"}),
    "DELETE": ("/dav/usr/a.lua", b"", {}),
}
#: of what the methods answer, in their order
OPEN = [200, 207, 201, 200, 200, 207, 201, 201, 201, 200, 409, 204]

RIGHT = {"Authorization": "Basic " + base64.b64encode(b"owner:secret").decode()}
WRONG = {"Authorization": "Basic " + base64.b64encode(b"owner:guess").decode()}


def _statuses(daemon: Daemon, headers: dict[str, str]) -> list[int]:
    return [
        request(daemon, method, path, body, {**more, **headers})[0]
        for method, (path, body, more) in METHODS.items()
    ]


@pytest.fixture
def configured(folder, simulator):
    """Return what starts a daemon with further lines in the administrator's file."""
    running: list[Daemon] = []

    def start(lines: str) -> Daemon:
        config = folder / "evsed.yaml"
        config.write_text(CONFIG.read_text() + lines)
        running.append(Daemon(folder, "--config", str(config), simulator=simulator))
        return running[-1].ready()

    yield start
    for daemon in running:
        daemon.kill()


def test_credentials_close_every_method(daemon):
    serves_files(daemon)
    assert _statuses(daemon, {}) == OPEN
    daemon.post("/credentials", {"user": "owner", "password": "secret"})
    assert _statuses(daemon, {}) == [401] * len(METHODS)
    assert set(_statuses(daemon, WRONG)) == {401}
    assert 401 not in _statuses(daemon, RIGHT)


def test_files_can_be_left_open(configured):
    daemon = configured("webdav: {auth: none}\n")
    serves_files(daemon)
    daemon.post("/credentials", {"user": "owner", "password": "secret"})
    assert _statuses(daemon, {}) == OPEN


def test_files_can_be_left_out(configured):
    daemon = configured("webdav: {enabled: false}\n")
    assert {status for status in _statuses(daemon, {}) if status != 405} == {404}
    assert request(daemon, "GET", "/dav/")[0] == 404


def _megabytes(count: int):
    piece = os.urandom(1024 * 1024)
    for _ in range(count):
        yield piece


def _upload(daemon: Daemon, path: str, megabytes: int) -> int:
    """Upload piece by piece; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    try:
        length = str(megabytes * 1024 * 1024)
        connection.request("PUT", path, _megabytes(megabytes), {"Content-Length": length})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _memory_kib(daemon: Daemon, key: str) -> int:
    status = Path(f"/proc/{daemon.popen.pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1])


def test_a_large_upload_takes_little_memory(configured, figure):
    daemon = configured("webdav: {maxFileMiB: 128}\n")
    serves_files(daemon)
    assert _upload(daemon, "/dav/usr/warm", 4) == 201
    before_kib = _memory_kib(daemon, "VmRSS")
    Path(f"/proc/{daemon.popen.pid}/clear_refs").write_text("5", encoding="utf-8")
    began = time.monotonic()
    assert _upload(daemon, "/dav/usr/large", 100) == 201
    figure("seconds for 100 MiB", round(time.monotonic() - began, 2))
    more_kib = _memory_kib(daemon, "VmHWM") - before_kib
    figure("memory of an upload of 100 MiB, KiB", more_kib)
    assert more_kib < 8 * 1024
    assert (daemon.state_dir / "usr" / "large").stat().st_size == 100 * 1024 * 1024


def _latencies_ms(daemon: Daemon, while_alive: threading.Thread) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    found = []
    try:
        while while_alive.is_alive():
            began = time.monotonic()
            connection.request("GET", "/api/v1/state")
            connection.getresponse().read()
            found.append((time.monotonic() - began) * 1000)
            time.sleep(0.005)
    finally:
        connection.close()
    return found


def test_the_state_is_answered_while_files_are_uploaded(daemon, figure):
    serves_files(daemon)
    statuses: list[int] = []

    def upload() -> None:
        statuses.extend(_upload(daemon, f"/dav/usr/{number}", 10) for number in range(12))

    rounds = []
    for _ in range(3):  # other programs of this machine are no fault of ours
        late_before = daemon.get("/reason")["lateness"]["over20ms"]
        uploading = threading.Thread(target=upload)
        uploading.start()
        latencies = _latencies_ms(daemon, uploading)
        uploading.join()
        late_passes = daemon.get("/reason")["lateness"]["over20ms"] - late_before
        rounds.append((round(statistics.quantiles(latencies, n=100)[98], 1), late_passes))
        figure("questions", len(latencies))
        if rounds[-1][0] < 50 and rounds[-1][1] == 0:
            break
    figure("GET /state while uploading: 99th percentile in ms, late control passes", rounds)
    assert set(statuses) <= {201, 204}
    assert any(p99_ms < 50 and late == 0 for p99_ms, late in rounds)


def test_a_daemon_killed_during_an_upload_keeps_the_old_file(folder, simulator):
    with Daemon(folder, simulator=simulator) as daemon:
        serves_files(daemon)
        usr = daemon.state_dir / "usr"
        assert request(daemon, "PUT", "/dav/usr/lua/a.lua", b"old")[0] == 201
        with socket.create_connection(("127.0.0.1", daemon.port)) as client:
            client.sendall(
                b"PUT /dav/usr/lua/a.lua HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Length: 1000000\r\n\r\n" + b"new" * 100_000
            )
            eventually(lambda: list(usr.glob("lua/.evsed-put-*")))
            daemon.kill()
    assert (usr / "lua" / "a.lua").read_bytes() == b"old"
    with Daemon(folder, simulator=simulator) as daemon:
        serves_files(daemon)
        assert request(daemon, "GET", "/dav/usr/lua/a.lua") == (200, b"old")
        assert [path.name for path in usr.rglob("*")] == ["lua", "a.lua"]


def test_a_daemon_that_ends_during_an_upload_ends_in_order(folder, simulator):
    with Daemon(folder, simulator=simulator) as daemon:
        serves_files(daemon)
        usr = daemon.state_dir / "usr"
        with socket.create_connection(("127.0.0.1", daemon.port)) as client:
            client.sendall(
                b"PUT /dav/usr/lua/a.lua HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Length: 1000000\r\n\r\n" + b"new" * 100_000
            )
            eventually(lambda: list(usr.glob("lua/.evsed-put-*")))
            daemon.signal(signal.SIGTERM)
            assert daemon.wait() == 0
    assert [path.name for path in usr.rglob("*")] == ["lua"]
    assert "Traceback" not in daemon.log
