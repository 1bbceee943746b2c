"""The log and the panic record of a whole daemon: what is kept, and what must never be in it."""

import base64
import http.client
import json
import re
import signal
import socket
import time
from contextlib import contextmanager
from pathlib import Path

from daemon_world import PATIENCE_S, Daemon

FAILING = Path(__file__).parent / "failing_daemon.py"


def ask(daemon, method, path, body=None, **headers):
    """Return status, headers and text of one request below /api/v1."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    try:
        data = None if body is None else json.dumps(body)
        kind = {"Content-Type": "application/json"} if data else {}
        connection.request(method, f"/api/v1{path}", data, kind | headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def panic_of(daemon):
    status, headers, text = ask(daemon, "GET", "/log/panic")
    assert (status, headers.get_content_type()) == (200, "text/plain")
    return text, int(headers["X-Time"])


@contextmanager
def started(folder, simulator, **more):
    with Daemon(folder, simulator=simulator, **more) as daemon:
        yield daemon


def test_the_log_counts_its_lines_and_leaves_out_what_a_client_has(daemon):
    status, headers, text = ask(daemon, "GET", "/log")
    count = int(headers["X-Count"])
    assert (status, text.count("\n")) == (200, count)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d [DIWEC] evsed\S*: ", text)
    _, headers, text = ask(daemon, "GET", f"/log?index={count}")
    assert int(headers["X-Count"]) == count + text.count("\n")
    assert ask(daemon, "GET", "/log?index=abc")[0] == 400


def test_after_an_orderly_end_there_is_no_panic(folder, simulator):
    for _ in range(2):
        with started(folder, simulator) as daemon:
            assert panic_of(daemon) == ("", 0)
            daemon.signal(signal.SIGTERM)
            assert daemon.wait() == 0


def test_an_abort_is_recorded_with_its_time_until_it_is_deleted(folder, simulator):
    with started(folder, simulator) as daemon:
        assert panic_of(daemon) == ("", 0)
        daemon.signal(signal.SIGABRT)
        assert daemon.wait() == -signal.SIGABRT
        crashed_s = time.time()
    with started(folder, simulator) as daemon:
        text, at_s = panic_of(daemon)
        assert "a deadly signal" in text
        assert "most recent call first" in text
        assert abs(at_s - crashed_s) <= 5
        assert "the run before this one failed" in daemon.log
        assert ask(daemon, "DELETE", "/log/panic")[2] == "OK"
        assert panic_of(daemon) == ("", 0)
        assert ask(daemon, "DELETE", "/log/panic")[0] == 200
        daemon.signal(signal.SIGTERM)
        daemon.wait()
    with started(folder, simulator) as daemon:
        assert panic_of(daemon) == ("", 0)


def test_a_failing_control_thread_is_recorded_with_its_traceback(folder, simulator):
    now = folder / "now"
    with started(folder, simulator, program=[str(FAILING), str(now)]) as daemon:
        daemon.ready()
        now.touch()
        assert daemon.wait() == 1
    with started(folder, simulator) as daemon:
        text, at_s = panic_of(daemon)
        assert "ended with status 1" in text
        assert "ZeroDivisionError: a bug in the rules" in text
        assert abs(at_s - time.time()) < 60


SECRETS = ("wlan-geheim-1", "zugang-geheim-2", "falsch-geheim-3", "halb-geheim-4")


def test_no_secret_ever_reaches_the_log(folder, simulator):
    wifi, password, wrong, half = SECRETS
    with started(folder, simulator) as daemon:
        daemon.ready()
        ask(daemon, "POST", "/config/wifi", {"ssid": "home", "password": wifi, "enabled": True})
        ask(daemon, "POST", "/config/wifi", {"password": wifi, "staticIp": "bad"})
        ask(daemon, "POST", "/config/wifi", {"password": wifi + "\n"})
        ask(daemon, "POST", "/credentials", {"password": half})
        ask(daemon, "POST", "/credentials", {"user": "a:b", "password": half})
        _garbage(daemon, half)
        ask(daemon, "GET", f"/log?index={half}")
        status, _, text = ask(daemon, "POST", "/credentials", {"user": "me", "password": password})
        assert status == 200, text
        for given in (f"me:{wrong}", f"{wrong}:{wrong}"):
            assert ask(daemon, "GET", "/state", **_basic(given))[0] == 401
        right = _basic(f"me:{password}")
        texts = [ask(daemon, "GET", path, **right)[2] for path in ("/log", "/log/panic", "/config")]
        texts.append(ask(daemon, "POST", "/firmware/upload", wrong, **right)[2])
        texts.append(daemon.log)
        daemon.signal(signal.SIGABRT)
        daemon.wait()
    with started(folder, simulator) as daemon:
        texts += [ask(daemon, "GET", path, **right)[2] for path in ("/log", "/log/panic")]
        texts.append(daemon.log)
    everything = "\n".join(texts)
    assert "listening" in everything
    for secret in SECRETS:
        assert secret not in everything
        assert base64.b64encode(secret.encode()).decode()[:12] not in everything


def _basic(given):
    return {"Authorization": "Basic " + base64.b64encode(given.encode()).decode()}


def _garbage(daemon, secret):
    """Send a request that is none, and one that breaks off."""
    for data in (f"GET {secret}\r\n\r\n", f"POST /api/v1/state HTTP/1.1\r\nX: {secret}\r\n"):
        with socket.create_connection(("127.0.0.1", daemon.port), PATIENCE_S) as connection:
            connection.sendall(data.encode())


def test_log_lines_follow_on_the_event_stream_for_who_asks(daemon):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    connection.request("GET", "/api/v1/events?log=1")
    stream = connection.getresponse()
    try:
        numbers, text = [], ""
        while "modbus changed" not in text:
            line = stream.readline().decode()
            if line == "event: log\n":
                lines = json.loads(stream.readline().decode().removeprefix("data: "))
                numbers += [one["n"] for one in lines]
                text += "".join(one["line"] for one in lines)
                ask(daemon, "POST", "/config/modbus", {"unitId": 9})
        assert numbers == list(range(len(numbers)))
    finally:
        connection.close()
