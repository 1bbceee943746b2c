"""``evsed bench webdav``: what files over WebDAV cost, beside wsgidav with the same files.

Costs are CPU time of the server's process. The charger's process also does its control passes;
what they take is measured in the same run while nobody asks, and the figures are given with and
without it. wsgidav and cheroot are not needed by anything else; `make bench` installs them.
"""

import argparse
import contextlib
import http.client
import importlib.util
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from socket import create_server
from typing import Final

from evsed.bench.charger import simulated_board
from evsed.bench.figures import table
from evsed.bench.http_servers import Server, running_charger
from evsed.bench.load import positive
from evsed.bench.machine_facts import Facts, facts
from evsed.board.reader import find_board
from evsed.errors import HardwareError

_MEMBERS: Final = 12
_FILE: Final = b"-- a script of four kilobytes\n" * 137
_IDLE_S: Final = 2.0
_READY_WITHIN_S: Final = 20.0
_LOOK_S: Final = 0.1

OURS: Final = "evsed"
THEIRS: Final = "wsgidav"

_PROP: Final = (
    b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:getlastmodified/>'
    b"<D:getcontentlength/><D:getetag/><D:displayname/></D:prop></D:propfind>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One kind of request; the path is below the tree's root."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


QUESTIONS: Final[Mapping[str, Question]] = {
    "PROPFIND, everything": Question(method="PROPFIND", path="bench/", headers={"Depth": "1"}),
    "PROPFIND, five properties": Question(
        method="PROPFIND", path="bench/", body=_PROP, headers={"Depth": "1"}
    ),
    "GET of 4 KB": Question(method="GET", path="bench/script0.lua"),
    "PUT of 4 KB": Question(method="PUT", path="bench/script0.lua", body=_FILE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One measurement of one server."""

    answers: int
    wall_s: float
    cpu_s: float


@dataclass(slots=True)
class Report:
    """Everything one run found."""

    count: int
    facts: Facts | None = None
    #: why there is nothing to compare with
    missing: str = ""
    #: measurements by question, then by server
    slices: dict[str, dict[str, list[Slice]]] = field(default_factory=dict)
    #: servers while nobody asked
    idle: dict[str, list[Slice]] = field(default_factory=lambda: {OURS: [], THEIRS: []})

    def idle_share(self, server: str) -> float:
        """Return the CPU seconds per second a server takes by itself."""
        found = self.idle[server]
        return sum(one.cpu_s for one in found) / sum(one.wall_s for one in found)

    def per_cpu_s(self, question: str, server: str, *, idle_off: bool) -> float:
        """Return answers per CPU second, with or without what the server does by itself."""
        found = self.slices[question][server]
        cpu_s = sum(one.cpu_s for one in found)
        if idle_off:
            cpu_s -= self.idle_share(server) * sum(one.wall_s for one in found)
        return sum(one.answers for one in found) / cpu_s


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        f"List a collection of {_MEMBERS} files, read and write one of 4 KB, in turns on a charger "
        "on the simulator and on wsgidav (pip install wsgidav cheroot). The figures are answers "
        "per second of the server's CPU time. Exit status 0 whatever they are."
    )
    parser.add_argument(
        "--count", type=positive, default=300, metavar="N", help="requests a round (%(default)s)"
    )
    parser.add_argument(
        "--rounds", type=positive, default=5, metavar="N", help="turns of each (%(default)s)"
    )
    parser.add_argument(
        "--board", default="sim", metavar="F", help="simulated board file, or name (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure here, too")
    parser.set_defaults(act=_act)


def _act(given: argparse.Namespace) -> int:
    logging.getLogger().addHandler(logging.NullHandler())
    board_file = find_board(given.board)
    simulated_board(board_file)
    report = measure(board_file, given.count, given.rounds)
    print(text(report))
    if given.json is not None:
        shares = {name: report.idle_share(name) for name, found in report.idle.items() if found}
        figures = {"benchmark": "webdav", "idleShares": shares} | asdict(report)
        given.json.write_text(json.dumps(figures) + "\n")
    return 0


def measure(board_file: Path, count: int, rounds: int) -> Report:
    """Run the benchmark.

    Raises:
        HardwareError: a server does not start, or answers otherwise than it should.
    """
    report = Report(count=count, facts=facts(None, None))
    report.slices = {name: {OURS: [], THEIRS: []} for name in QUESTIONS}
    with contextlib.ExitStack() as stack:
        charger = stack.enter_context(running_charger(board_file))
        clients = {OURS: _Client(charger, "/dav/usr/")}
        try:
            clients[THEIRS] = _Client(stack.enter_context(_running_wsgidav()), "/")
        except HardwareError as error:
            report.missing = str(error)
        for client in clients.values():
            stack.enter_context(contextlib.closing(client))
            client.prepare()
        for number in range(1, rounds + 1):
            print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
            _one_round(report, clients)
    return report


class _Client:
    """Asks one server, one request after the other, on one connection."""

    def __init__(self, server: Server, root: str) -> None:
        self.server = server
        self._root = root
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

    def prepare(self) -> None:
        """Wait until there are files, and make those that are listed."""
        give_up = time.monotonic() + _READY_WITHIN_S
        while self._ask(Question(method="OPTIONS", path="")) == 503:
            if time.monotonic() > give_up:
                raise HardwareError("the charger has no files")
            time.sleep(_LOOK_S)
        self._ask(Question(method="MKCOL", path="bench/"))
        for number in range(_MEMBERS):
            self._ask(Question(method="PUT", path=f"bench/script{number}.lua", body=_FILE))
        for question in QUESTIONS.values():
            self.ask(question, 20)

    def ask(self, question: Question, count: int) -> Slice:
        """Ask again and again.

        Raises:
            HardwareError: an answer is none of success.
        """
        # Anew: a server closes a connection that was idle while the other one was asked for long.
        self._connection.close()
        began_s, cpu_s = time.monotonic(), self.server.cpu_s()
        for _ in range(count):
            status = self._ask(question)
            if status not in {200, 201, 204, 207}:
                raise HardwareError(f"{question.method} {question.path}: {status}")
        return Slice(
            answers=count,
            wall_s=time.monotonic() - began_s,
            cpu_s=self.server.cpu_s() - cpu_s,
        )

    def idle(self) -> Slice:
        """Measure without asking."""
        began_s, cpu_s = time.monotonic(), self.server.cpu_s()
        time.sleep(_IDLE_S)
        return Slice(
            answers=0, wall_s=time.monotonic() - began_s, cpu_s=self.server.cpu_s() - cpu_s
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, question: Question) -> int:
        path, body = f"{self._root}{question.path}", question.body or None
        self._connection.request(question.method, path, body, dict(question.headers))
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def _one_round(report: Report, clients: Mapping[str, _Client]) -> None:
    for name, question in QUESTIONS.items():
        for server, client in clients.items():
            report.slices[name][server].append(client.ask(question, report.count))
    for server, client in clients.items():
        report.idle[server].append(client.idle())


@contextlib.contextmanager
def _running_wsgidav() -> Iterator[Server]:
    """Run wsgidav on cheroot, with files of its own."""
    if importlib.util.find_spec("wsgidav") is None or importlib.util.find_spec("cheroot") is None:
        raise HardwareError("there is nothing to compare with: pip install wsgidav cheroot")
    with create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="evsed-bench-") as folder:
        command = [sys.executable, "-m", "wsgidav.server.server_cli", "--host", "127.0.0.1"]
        command += ["--port", str(port), "--root", folder, "--auth", "anonymous", "--quiet"]
        process = subprocess.Popen(  # noqa: S603  # our own interpreter
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            _wait_for(process, port)
            yield Server(process, port)
        finally:
            process.kill()
            process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    give_up = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < give_up and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("OPTIONS", "/")
            connection.getresponse().read()
        except OSError:
            time.sleep(_LOOK_S)
        else:
            return
        finally:
            connection.close()
    raise HardwareError("wsgidav does not start")


def text(report: Report) -> str:
    """Return the report for people."""
    rows = [["answers per CPU-second", OURS, "idle share off", THEIRS, "ratio", "idle share off"]]
    for question in QUESTIONS:
        whole = report.per_cpu_s(question, OURS, idle_off=False)
        bare = report.per_cpu_s(question, OURS, idle_off=True)
        cells = [question, f"{whole:.0f}", f"{bare:.0f}"]
        if report.missing:
            rows.append([*cells, "-", "-", "-"])
            continue
        theirs = report.per_cpu_s(question, THEIRS, idle_off=False)
        rows.append([*cells, f"{theirs:.0f}", f"{whole / theirs:.1f}", f"{bare / theirs:.1f}"])
    parts = [str(report.facts)] if report.facts else []
    parts.append(f"\n{_MEMBERS} files in a collection, one connection\n{table(rows)}")
    beside = report.missing or f"wsgidav's {report.idle_share(THEIRS):.1%}"
    parts.append(
        f"\nThe charger's own work took {report.idle_share(OURS):.1%} of a core while nobody "
        f"asked, {beside}."
        "\nA PUT of evsed is on the disk when it is answered; wsgidav leaves it to the system."
    )
    return "\n".join(parts)
