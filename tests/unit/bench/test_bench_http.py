"""The benchmark of GET /state end to end, as small as it can be. What it measures is not judged."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time

import pytest

from evsed.bench.http import BARE, LOCKED, OPEN, VARIED, Report, Slice, text
from evsed.bench.http_clients import BenchError, Crowd, Question
from evsed.bench.http_servers import Server

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def test_every_server_is_measured_in_every_round(tmp_path):
    command = [sys.executable, "-m", "evsed", "bench", "http", "--seconds", "1", "--rounds", "1"]
    command += ["--clients", "2", "--json", str(tmp_path / "h.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "h.json").read_text())
    assert set(figures["slices"]) == {BARE, OPEN, LOCKED, VARIED}
    for slices in figures["slices"].values():
        assert len(slices) == 1
        assert slices[0]["answers"] > 0
        assert slices[0]["cpu_s"] > 0
    assert figures["idleShare"] > 0
    assert "to aiohttp alone" in done.stdout


def test_what_the_charger_does_by_itself_is_taken_off():
    busy = Slice(answers=1000, wall_s=2.0, cpu_s=1.2)
    assert busy.per_cpu_s() == pytest.approx(1000 / 1.2)
    assert busy.per_cpu_s(0.1) == pytest.approx(1000.0)


def test_the_report_says_how_the_servers_compare():
    report = Report(seconds=1, clients=2)
    report.slices[BARE] = [Slice(answers=900, wall_s=1.0, cpu_s=1.0)]
    for name in (OPEN, LOCKED, VARIED):
        report.slices[name] = [Slice(answers=450, wall_s=1.0, cpu_s=1.0)]
    report.idle = [Slice(answers=0, wall_s=1.0, cpu_s=0.5)]
    lines = {line.split("  ")[0]: line.split() for line in text(report).splitlines()}
    assert lines[LOCKED][-2:] == ["0.50", "0.50..0.50"]
    assert lines[f"{LOCKED}, idle share off"][-2:] == ["1.00", "1.00..1.00"]


def test_the_cpu_time_of_another_process_is_read():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            server = Server(busy, 0)
            first = server.cpu_s()
            give_up = time.monotonic() + 30
            while server.cpu_s() <= first + 0.05:
                assert time.monotonic() < give_up
        finally:
            busy.kill()


def answering(answer):
    """Return the port of a server that reads once per connection and answers as told."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listening.accept()
        with listening, connection, contextlib.suppress(ConnectionError):
            while data := connection.recv(65536):
                connection.sendall(answer * data.count(b"\r\n\r\n"))

    threading.Thread(target=serve, daemon=True).start()
    return listening.getsockname()[1]


def test_clients_count_what_was_answered():
    with Crowd(answering(ANSWER), 1, Question(path="/")) as crowd:
        assert crowd.ask(0.2) > 1


def test_an_answer_other_than_200_ends_the_benchmark():
    refused = answering(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    with Crowd(refused, 1, Question(path="/")) as crowd, pytest.raises(BenchError):
        crowd.ask(5)


def test_a_question_carries_credentials_and_may_vary():
    question = Question(path="/x", login=("a", "b:c"))
    assert b"\r\nAuthorization: Basic YTpiOmM=\r\n" in question.wire()
    assert question.wire("text/css") != question.wire()
