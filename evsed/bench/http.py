"""``evsed bench http``: what GET /state costs, beside aiohttp alone with the same bytes.

Costs are CPU time of the server's process, so that it does not matter what else runs. The
charger's process also does its control passes; what they take is measured in the same run while
nobody asks, and the figures are given with and without it.
"""

import argparse
import json
import logging
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from evsed.bench.charger import simulated_board
from evsed.bench.figures import table
from evsed.bench.http_clients import Crowd, Question
from evsed.bench.http_servers import Server, running_bare, running_charger
from evsed.bench.load import positive
from evsed.bench.machine_facts import Facts, facts
from evsed.board.reader import find_board

_PATH: Final = "/api/v1/state"
_LOGIN: Final = ("bench", "only for this run")
_WARM_UP_S: Final = 0.2

BARE: Final = "aiohttp alone"
OPEN: Final = "evsed, no credentials"
LOCKED: Final = "evsed, credentials"
VARIED: Final = "evsed, credentials, never the same twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One measurement of one server."""

    answers: int
    wall_s: float
    cpu_s: float

    def per_cpu_s(self, idle_share: float = 0.0) -> float:
        """Return answers per CPU second, without what the server does by itself."""
        return self.answers / (self.cpu_s - idle_share * self.wall_s)


@dataclass(slots=True)
class Report:
    """Everything one run found."""

    seconds: int
    clients: int
    body_bytes: int = 0
    facts: Facts | None = None
    #: measurements by server, in the order they were made
    slices: dict[str, list[Slice]] = field(
        default_factory=lambda: {BARE: [], OPEN: [], LOCKED: [], VARIED: []}
    )
    #: the charger while nobody asked
    idle: list[Slice] = field(default_factory=list)

    @property
    def idle_share(self) -> float:
        """CPU seconds per second that the charger takes by itself."""
        return sum(one.cpu_s for one in self.idle) / sum(one.wall_s for one in self.idle)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Ask a charger on the simulator for its state, with and without credentials, and aiohttp "
        "alone for the same bytes; in turns, with the same clients. The figures are answers per "
        "second of the server's CPU time. Exit status 0 whatever they are."
    )
    for name, default, about in (
        ("seconds", 1, "of each measurement"),
        ("rounds", 20, "how often each server has its turn"),
        ("clients", 16, "connections that ask without a pause"),
    ):
        parser.add_argument(
            f"--{name}", type=positive, default=default, metavar="N", help=f"{about} (%(default)s)"
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
    report = measure(board_file, given.seconds, given.rounds, given.clients)
    print(text(report))
    if given.json is not None:
        figures = {"benchmark": "http", "idleShare": report.idle_share} | asdict(report)
        given.json.write_text(json.dumps(figures) + "\n")
    return 0


def measure(board_file: Path, seconds: int, rounds: int, clients: int) -> Report:
    """Run the benchmark.

    Raises:
        BenchError: a server does not start, or answers otherwise than it should.
    """
    report = Report(seconds=seconds, clients=clients, facts=facts(None, None))
    with running_charger(board_file) as charger:
        body = charger.ask("GET", _PATH)
        report.body_bytes = len(body)
        with running_bare(body) as bare:
            for number in range(1, rounds + 1):
                print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
                _one_round(report, charger, bare)
    return report


def _one_round(report: Report, charger: Server, bare: Server) -> None:
    def measured(server: Server, question: Question, *, varied: bool = False) -> Slice:
        with Crowd(server.port, report.clients, question, varied=varied) as crowd:
            return _measured(server, crowd, report.seconds)

    report.slices[BARE].append(measured(bare, Question(path=_PATH)))
    report.slices[OPEN].append(measured(charger, Question(path=_PATH)))
    with charger.locked(_LOGIN):
        question = Question(path=_PATH, login=_LOGIN)
        report.slices[LOCKED].append(measured(charger, question))
        report.slices[VARIED].append(measured(charger, question, varied=True))
    report.idle.append(_idle(charger, report.seconds))


def _measured(server: Server, crowd: Crowd, seconds: int) -> Slice:
    crowd.ask(_WARM_UP_S)
    began_s, cpu_s = time.monotonic(), server.cpu_s()
    answers = crowd.ask(seconds)
    return Slice(answers=answers, wall_s=time.monotonic() - began_s, cpu_s=server.cpu_s() - cpu_s)


def _idle(server: Server, seconds: int) -> Slice:
    time.sleep(_WARM_UP_S)
    began_s, cpu_s = time.monotonic(), server.cpu_s()
    time.sleep(seconds)
    return Slice(answers=0, wall_s=time.monotonic() - began_s, cpu_s=server.cpu_s() - cpu_s)


def text(report: Report) -> str:
    """Return the report for people."""
    rows = [["", "answers/s", "CPU share", "answers per CPU-second", "to aiohttp alone", "rounds"]]
    for name, slices in report.slices.items():
        rows.append(_row(name, slices, report, idle_share=0.0))
        if name != BARE:
            rows.append(_row(f"{name}, idle share off", slices, report, report.idle_share))
    parts = [str(report.facts)] if report.facts else []
    parts.append(
        f"\nGET {_PATH}: {report.body_bytes} bytes, {report.clients} clients, {report.seconds} s "
        f"in each round\n{table(rows)}"
    )
    parts.append(
        f"The charger's own work took {report.idle_share:.1%} of a core while nobody asked; "
        '"idle share off" leaves that out.'
    )
    return "\n".join(parts)


def _row(name: str, slices: list[Slice], report: Report, idle_share: float) -> list[str]:
    wall_s, cpu_s = sum(one.wall_s for one in slices), sum(one.cpu_s for one in slices)
    answers = sum(one.answers for one in slices)
    beside = [
        one.per_cpu_s(idle_share) / bare.per_cpu_s()
        for one, bare in zip(slices, report.slices[BARE], strict=True)
    ]
    whole = Slice(answers=answers, wall_s=wall_s, cpu_s=cpu_s).per_cpu_s(idle_share)
    bare = report.slices[BARE]
    bare_whole = sum(one.answers for one in bare) / sum(one.cpu_s for one in bare)
    return [
        name,
        f"{answers / wall_s:.0f}",
        f"{cpu_s / wall_s:.0%}",
        f"{whole:.0f}",
        f"{whole / bare_whole:.2f}",
        f"{min(beside):.2f}..{max(beside):.2f}",
    ]
