"""The two servers of ``evsed bench http``, each a process of its own."""

import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from evsed.bench.http_clients import BenchError, Question

_LISTENING: Final = b"http: listening on "
_PATIENCE_S: Final = 30.0
_LOOK_S: Final = 0.1


class Server:
    """A process that listens on a port of the loopback interface."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.port = port
        self._login: tuple[str, str] | None = None

    def cpu_s(self) -> float:
        """Return the CPU time of all its threads so far; not that of other processes it began."""
        return time.clock_gettime(_cpu_clock(self.process.pid))

    def ask(self, method: str, path: str, value: object = None) -> bytes:
        """Send one request; return the answer's body.

        Raises:
            BenchError: it is not 200.
        """
        question = Question(path=path, login=self._login)
        headers = {"Content-Type": "application/json"}
        for line in question.wire().decode().splitlines():
            if line.startswith("Authorization: "):
                headers["Authorization"] = line.partition(": ")[2]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_S)
        with contextlib.closing(connection):
            connection.request(method, path, None if value is None else json.dumps(value), headers)
            answer = connection.getresponse()
            body = answer.read()
        if answer.status != 200:
            raise BenchError(f"{method} {path}: {answer.status} {body[:80]!r}")
        return body

    @contextlib.contextmanager
    def locked(self, login: tuple[str, str]) -> Iterator[None]:
        """Ask for credentials as long as this lasts."""
        self._set_login(login)
        self._login = login
        try:
            yield
        finally:
            self._set_login(("", ""))
            self._login = None

    def _set_login(self, login: tuple[str, str]) -> None:
        self.ask("POST", "/api/v1/credentials", {"user": login[0], "password": login[1]})


def _cpu_clock(pid: int) -> int:
    """Return the clock of a process's CPU time. Source: clock_getcpuclockid(3) in glibc."""
    return (~pid << 3) | 2


@contextlib.contextmanager
def running_charger(board_file: Path) -> Iterator[Server]:
    """Run ``evsed run`` on any free port."""
    with tempfile.TemporaryDirectory(prefix="evsed-bench-") as name:
        folder = Path(name)
        (folder / "evsed.yaml").write_text("http: {address: 127.0.0.1}\n")
        command = [sys.executable, "-m", "evsed", "run", "--board", str(board_file)]
        command += ["--config", str(folder / "evsed.yaml"), "--state-dir", str(folder / "state")]
        log = folder / "log"
        with log.open("wb") as lines, _process([*command, "--http-port", "0"], lines) as process:
            server = Server(process, _listening(process, log))
            _wait_until_settled(server)
            yield server


@contextlib.contextmanager
def running_bare(body: bytes) -> Iterator[Server]:
    """Run aiohttp alone."""
    command = [sys.executable, "-m", "evsed.bench.bare_server"]
    with _process(command, subprocess.PIPE) as process:
        assert process.stdin is not None  # noqa: S101  # both are pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(body)
        process.stdin.close()
        line = process.stdout.readline()
        if not line:
            raise BenchError("the server to compare with did not start")
        yield Server(process, int(line))


@contextlib.contextmanager
def _process(command: list[str], output: IO[bytes] | int) -> Iterator["subprocess.Popen[bytes]"]:
    errors = subprocess.STDOUT if output != subprocess.PIPE else None
    # A session of its own: a Ctrl-C in the terminal is for the benchmark, which ends it.
    with subprocess.Popen(  # noqa: S603  # our own interpreter
        command, stdin=subprocess.PIPE, stdout=output, stderr=errors, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _listening(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """Wait until the charger says where it listens."""
    give_up = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up and process.poll() is None:
        lines = log.read_bytes().splitlines()
        for line in lines:
            if _LISTENING in line:
                return int(line.split()[-1])
        time.sleep(_LOOK_S)
    raise BenchError(f"the charger did not start: {log.read_text(errors='replace')[-500:]}")


def _wait_until_settled(server: Server) -> None:
    """Wait until the self-check is over."""
    give_up = time.monotonic() + _PATIENCE_S
    while json.loads(server.ask("GET", "/api/v1/reason"))["reason"] != "no_vehicle":
        if time.monotonic() > give_up:
            raise BenchError("the charger did not come out of its self-check")
        time.sleep(_LOOK_S)
