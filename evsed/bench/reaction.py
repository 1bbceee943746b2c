"""``evsed bench reaction``: from an event in the circuit to the contactor's open command."""

import argparse
import asyncio
import contextlib
import json
import logging
import socket
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from evsed.bench.charger import Charger, running_charger, simulated_board
from evsed.bench.figures import distribution, shown, table
from evsed.bench.hook import Hook
from evsed.bench.load import LOADED, add_load_arguments, positive, under_load
from evsed.bench.machine_facts import Facts, facts
from evsed.bench.observed_hat import PassCost, observed_hat
from evsed.bench.street import KINDS, Outcome
from evsed.board.reader import find_board
from evsed.errors import HardwareError
from evsed.hardware.simulator.launch import Simulator

#: Results come as one line of JSON; 10 000 events are some hundred kilobytes.
_LONGEST_LINE: Final = 64 * 1024 * 1024
_READY_WITHIN_S: Final = 15.0
_END_WITHIN_S: Final = 5.0
_LOOK_S: Final = 0.02


@dataclass(slots=True)
class Report:
    """Everything one run found."""

    count: int
    facts: Facts | None = None
    loads: dict[str, str] = field(default_factory=dict)
    took_s: float = 0.0
    #: outcomes by load, then by kind
    outcomes: dict[str, dict[str, Outcome]] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Charge a simulated vehicle with the drivers that are shipped, let something happen, and "
        "measure the time until the contactor is told to open; again and again, at random moments. "
        "Default: idle, then loaded. Exit status 0 whatever the figures are."
    )
    parser.add_argument(
        "--count",
        type=positive,
        default=10_000,
        metavar="N",
        help="events of each kind (%(default)s)",
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=tuple(KINDS), default=tuple(KINDS), help="default: all"
    )
    add_load_arguments(parser)
    parser.set_defaults(act=_act)


def _act(given: argparse.Namespace) -> int:
    logging.getLogger().addHandler(logging.NullHandler())
    board_file = find_board(given.board)
    simulated_board(board_file)
    report = asyncio.run(
        measure(board_file, given.count, given.kinds, given.loads, given.rest_clients)
    )
    print(text(report))
    if given.json is not None:
        given.json.write_text(json.dumps(figures(report), indent=1) + "\n")
    return 0


async def measure(
    board_file: Path, count: int, kinds: Sequence[str], loads: Sequence[str], rest_clients: int
) -> Report:
    """Run the benchmark.

    Raises:
        HardwareError: the charger or its simulator gave up.
    """
    report = Report(count=count)
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="evsed-bench-") as folder:
        async with _charger_and_street(board_file, Path(folder)) as (charger, street):
            report.facts = facts(charger.station.real_time_refused, charger.event_loop_refused)
            for load in loads:
                outcomes = report.outcomes[load] = {}
                async with under_load(charger, rest_clients, wanted=load == LOADED) as found:
                    for kind in kinds:
                        print(f"{load}, {kind}: {count} events", file=sys.stderr, flush=True)
                        outcomes[kind] = await street.run(kind, count)
                report.loads[load] = str(found)
    report.took_s = time.monotonic() - started_s
    return report


class _Street:
    """The simulator's process, from the charger's side."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def begin(self) -> None:
        """Wait until the vehicle is charged."""
        await self._answer()

    async def run(self, kind: str, count: int) -> Outcome:
        """Let events happen."""
        assert self._process.stdin is not None  # noqa: S101  # started with pipes
        self._process.stdin.write(json.dumps({"kind": kind, "count": count}).encode() + b"\n")
        return Outcome(**await self._answer())

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101  # started with pipes
        line = await self._process.stdout.readline()
        if not line:
            raise HardwareError("the simulated street has ended; see above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def end(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            async with asyncio.timeout(_END_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def _charger_and_street(
    board_file: Path, folder: Path
) -> AsyncIterator[tuple[Charger, _Street]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    simulator = Simulator(folder / "simulator")
    hook = Hook(ours)
    with ours, theirs:
        street = await _start_street(board_file, simulator, theirs)
        try:
            async with running_charger(
                board_file,
                simulator,
                folder / "state",
                dress=lambda hat: observed_hat(hat, PassCost(), hook.watch, hook.told),
                prepare=lambda station: hook.attach(station.control_pass),
            ) as charger:
                await street.begin()
                yield charger, street
        finally:
            await street.end()


async def _start_street(board_file: Path, simulator: Simulator, theirs: socket.socket) -> _Street:
    command = [sys.executable, "-m", "evsed.bench.street", "--board", str(board_file)]
    command += ["--dir", str(simulator.folder), "--link", str(theirs.fileno())]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE,
        stdout=PIPE,
        pass_fds=(theirs.fileno(),),
        start_new_session=True,
        limit=_LONGEST_LINE,
    )
    give_up = time.monotonic() + _READY_WITHIN_S
    while not (simulator.folder / "ready").exists():
        if process.returncode is not None or time.monotonic() > give_up:
            raise HardwareError("the simulated street does not open")
        await asyncio.sleep(_LOOK_S)
    return _Street(process)


def text(report: Report) -> str:
    """Return the report for people."""
    head = ["", "count", "p50", "p99", "p99.9", "worst", "pin worst", "missed", "early"]
    parts = [str(report.facts)] if report.facts else []
    for load, outcomes in report.outcomes.items():
        rows = [head]
        for kind, outcome in outcomes.items():
            pin = distribution(outcome.pin_us)
            rows.append(
                [
                    kind,
                    *shown(distribution(outcome.command_us)),
                    shown(pin)[-1],
                    str(outcome.missed),
                    str(outcome.opened_early),
                ]
            )
        parts.append(
            f"\nevent to contactor-open command, ms; {load}: {report.loads[load]}\n{table(rows)}"
        )
    return "\n".join(parts) + _LEGEND


_LEGEND: Final = (
    "\n\npin worst: until the simulated pin has changed. missed: no command within 0.6 s."
    "\nearly: the contactor was open before the event; neither is in the distribution."
)


def figures(report: Report) -> dict[str, object]:
    """Return the report for programs: microseconds, every single event."""
    return {
        "benchmark": "reaction",
        "facts": None if report.facts is None else asdict(report.facts),
        "tookS": round(report.took_s, 1),
        "loads": report.loads,
        "outcomes": {
            load: {kind: asdict(outcome) for kind, outcome in outcomes.items()}
            for load, outcomes in report.outcomes.items()
        },
    }
