"""A daemon of its own on one of the two boards, and a client that sends exactly what it is told."""

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon_world import PATIENCE_S, Daemon, RunningSimulator, descendants, eventually

BOARDS = Path(__file__).parent / "boards"
#: this machine only
CONFIG = "http: {{address: 127.0.0.1, extensions: {extensions}}}\n"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        assert self.headers["Content-Type"] == "application/json", self.text
        return json.loads(self.body)


@dataclass
class Charger:
    """One freshly started daemon."""

    daemon: Daemon
    folder: Path
    user: str | None = None
    extra: dict[str, str] = field(default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        chunked: bool = False,
    ) -> Answer:
        """Send one request; ``path`` is below /api/v1 unless it begins with a slash."""
        url = path if path.startswith("/") else f"/api/v1/{path}"
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=60)
        with contextlib.closing(connection):
            connection.putrequest(method, url, skip_host="Host" in (headers or {}))
            for name, value in (self._own_headers() | (headers or {})).items():
                connection.putheader(name, value)
            if body is not None and not chunked:
                connection.putheader("Content-Length", str(len(body)))
            if chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(_in_chunks(body or b"") if chunked else body or b"")
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, answer.text
        return answer.json

    def post(self, path: str, value: object = None) -> Answer:
        body = b"" if value is None else json.dumps(value).encode()
        return self.call("POST", path, body, {"Content-Type": "application/json"})

    def street(self, **changes: object) -> None:
        """Act as the vehicle."""
        answer = self.post("simulator", changes)
        assert answer.status == 200, answer.text

    def until(self, within_s: float = PATIENCE_S, **wanted: object) -> dict[str, Any]:
        """Wait until the state has these values; return it."""
        found: dict[str, Any] = {}

        def there() -> bool:
            found.update(self.get("state"))
            return wanted.items() <= found.items()

        eventually(there, within_s)
        return found

    def _own_headers(self) -> dict[str, str]:
        if self.user is None:
            return {}
        token = base64.b64encode(self.user.encode()).decode()
        return {"Authorization": f"Basic {token}"}


def _in_chunks(body: bytes) -> bytes:
    pieces = (body[start : start + 4096] for start in range(0, len(body), 4096))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def board_file(folder: Path, board: str) -> Path:
    """Return one of the two boards, its update channels below a folder."""
    path = folder / "board.yaml"
    text = (BOARDS / f"{board}.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("FOLDER", str(folder)), encoding="utf-8")
    return path


@contextlib.contextmanager
def charger(
    folder: Path,
    board: str = "full",
    config: str = "",
    simulator: RunningSimulator | None = None,
    *,
    extensions: bool = True,
) -> Iterator[Charger]:
    """Run a daemon with fresh state, or with what an earlier one left in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "evsed.yaml"
    text = CONFIG.format(extensions=str(extensions).lower())
    written.write_text(text + config, encoding="utf-8")
    options = ("--board", str(board_file(folder, board)), "--config", str(written))
    environment = {"TMPDIR": str(folder)}
    with Daemon(folder, *options, simulator=simulator, environment=environment) as daemon:
        try:
            yield Charger(daemon, folder)
        finally:
            _end_simulator(daemon)


def _end_simulator(daemon: Daemon) -> None:
    """End the daemon and its own simulator, which would outlive it by three seconds."""
    started = descendants(daemon.popen.pid)
    daemon.kill()
    for pid in started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
