"""The daemon and the simulator as two processes, in real time, and what to ask of them."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from evsed.hardware.simulator.control_client import SimulatorClient

ROOT = Path(__file__).parents[2]
BOARD = ROOT / "boards" / "sim.yaml"
CONFIG = ROOT / "etc" / "evsed-sim.yaml"

#: for what should take a moment: machines may be busy with other things
PATIENCE_S = 15.0
#: for a process to start: on a machine that is busy with other things its imports alone take long
STARTS_S = 90.0
#: pause between two looks at the circuit
LOOK_S = 0.005

_LISTENING = "http: listening on "


def eventually(condition: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """Ask again and again until the answer is true; return it."""
    give_up = time.monotonic() + within_s
    while not (answer := condition()):
        if time.monotonic() > give_up:
            raise AssertionError(f"did not come true within {within_s} s: {answer!r}")
        time.sleep(LOOK_S)
    return answer


def milliseconds_until(condition: Callable[[], Any], within_s: float = PATIENCE_S) -> float:
    """Return how long a condition took to come true."""
    began = time.monotonic()
    eventually(condition, within_s)
    return (time.monotonic() - began) * 1000


class Process:
    """A process of its own process group, whose output goes to a file."""

    def __init__(
        self, command: Sequence[str], log_file: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log_file = log_file
        with log_file.open("ab") as log:
            self.popen = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """Everything it has said so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def wait(self, within_s: float = PATIENCE_S) -> int:
        """Return its exit status."""
        return self.popen.wait(within_s)

    def kill(self) -> None:
        """End it and everything it started in its group, whatever state they are in."""
        if self.popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(PATIENCE_S)
        if self.popen.stdin is not None:
            self.popen.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class RunningSimulator(Process):
    """The circuit: it stays when a daemon dies."""

    def __init__(self, folder: Path, board: Path = BOARD) -> None:
        folder.mkdir()
        self.folder = folder
        self._runner = asyncio.Runner()
        self._client = SimulatorClient(folder / "sim.sock")
        command = [sys.executable, "-m", "evsed.hardware.simulator"]
        super().__init__(
            [*command, "--board", str(board), "--dir", str(folder)], folder / "simulator.log"
        )
        eventually((folder / "ready").exists, STARTS_S)

    def get(self) -> dict[str, Any]:
        return self._runner.run(self._client.get())

    def set(self, **changes: object) -> dict[str, Any]:
        return self._runner.run(self._client.set(changes))

    def closed(self) -> bool:
        """Return whether the contactor is closed, as the circuit has it."""
        return bool(self.get()["contactor"]["closed"])

    def pilot(self) -> str:
        return str(self.get()["pilot"]["mode"])

    def safe(self) -> bool:
        """Return whether the contactor is open and the pilot low."""
        return not self.closed() and self.pilot() == "low"

    def kill(self) -> None:
        super().kill()
        self._runner.close()


class Daemon(Process):
    """``evsed run``, seen through HTTP and its log."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        simulator: RunningSimulator | None = None,
        program: Sequence[str] = ("-m", "evsed"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.state_dir = folder / "state"
        given = {
            "--board": str(BOARD),
            "--config": str(CONFIG),
            "--state-dir": str(self.state_dir),
            "--http-port": "0",
        }
        if simulator is not None:
            given["--simulator"] = str(simulator.folder)
        given |= dict(zip(options[::2], options[1::2], strict=True))
        arguments = [word for pair in given.items() for word in pair]
        runs = len(list(folder.glob("daemon*.log")))
        super().__init__(
            [sys.executable, *program, "run", *arguments],
            folder / f"daemon{runs}.log",
            environment,
        )
        self._port = 0

    @property
    def port(self) -> int:
        """The port it listens on; waits for it."""
        if not self._port:
            self._port = int(eventually(self._listening, STARTS_S).split()[-1])
        return self._port

    def ready(self) -> Self:
        """Wait until the self-check is over."""
        eventually(lambda: self.reason() not in {"self_check", "pilot_settling"}, STARTS_S)
        return self

    def ask(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """Return status and answer of one request below /api/v1."""
        data = None if method == "GET" else _encoded(body)
        headers = {} if data is None else {"Content-Type": content_type}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, f"/api/v1{path}", data, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        except OSError as error:
            raise AssertionError(
                f"{method} {path}: {error!r}; the daemon said:\n{self.log}"
            ) from error
        finally:
            connection.close()
        return answer.status, _decoded(text, answer.headers.get_content_type())

    def get(self, path: str) -> Any:
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def post(self, path: str, body: object) -> None:
        status, answer = self.ask("POST", path, body)
        assert status == 200, answer

    def street(self, **changes: object) -> None:
        """Act as the vehicle, with nothing but HTTP."""
        self.post("/simulator", changes)

    def state(self) -> str:
        return str(self.get("/state")["state"])

    def reason(self) -> str:
        return str(self.get("/reason")["reason"])

    def until(self, state: str, within_s: float = PATIENCE_S) -> None:
        eventually(lambda: self.state() == state, within_s)

    def charge(self) -> None:
        """Plug a vehicle in that asks for energy, and wait for the contactor."""
        self.street(vehicle="charging")
        self.until("C2")
        eventually(lambda: self.get("/simulator")["contactor"]["closed"])

    def _listening(self) -> str | None:
        assert self.popen.poll() is None, self.log
        lines = [line for line in self.log.splitlines() if _LISTENING in line]
        return lines[-1] if lines else None


def _encoded(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _decoded(text: str, content_type: str) -> Any:
    return json.loads(text) if content_type == "application/json" else text


def descendants(pid: int) -> set[int]:
    """Return the processes below one, zombies included."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(after_name[1])
    found: set[int] = set()
    rest = {pid}
    while rest:
        rest = {child for child, parent in parents.items() if parent in rest} - found
        found |= rest
    return found


def alive(pids: set[int]) -> set[int]:
    """Return those of some processes that still exist."""
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


@contextlib.contextmanager
def pair(folder: Path, **options: Any) -> Iterator[tuple[RunningSimulator, Daemon]]:
    """Run a simulator and a daemon attached to it."""
    with (
        RunningSimulator(folder / "sim") as simulator,
        Daemon(folder, simulator=simulator, **options) as daemon,
    ):
        daemon.ready()
        yield simulator, daemon
