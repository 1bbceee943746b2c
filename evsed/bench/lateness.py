"""``evsed bench lateness``: how late control passes begin, and what they take."""

import argparse
import asyncio
import contextlib
import json
import logging
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from evsed.bench.anchors import PlainThread, cyclictest
from evsed.bench.charger import Charger, running_charger, simulated_board
from evsed.bench.figures import distribution, shown, table
from evsed.bench.load import LOADED, add_load_arguments, positive, under_load
from evsed.bench.machine_facts import Facts, facts
from evsed.bench.observed_hat import PassCost, observed_hat
from evsed.board.reader import find_board
from evsed.hardware.simulator.control_client import SimulatorClient
from evsed.hardware.simulator.launch import launched_simulator

_MOST_PASSES: Final = 1_000_000
_NAMES: Final = {
    "control": "control loop",
    "cyclictest": "cyclictest",
    "plain": "plain thread",
    "pass": "a pass, wall time",
    "cpu": "a pass, CPU time",
}


@dataclass(slots=True)
class Report:
    """Everything one run found."""

    seconds: int
    facts: Facts | None = None
    loads: dict[str, str] = field(default_factory=dict)
    #: microseconds by load, then by what was measured; None: could not be
    measured_us: dict[str, dict[str, list[int] | None]] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Charge a simulated vehicle with the drivers that are shipped, and measure how late the "
        "passes of the control loop begin; beside it a plain thread, and cyclictest where it is "
        "installed. Default: idle, then loaded. Exit status 0 whatever the figures are."
    )
    parser.add_argument(
        "--seconds",
        type=positive,
        default=30,
        metavar="N",
        help="of each measurement (%(default)s)",
    )
    add_load_arguments(parser)
    parser.set_defaults(act=_act)


def _act(given: argparse.Namespace) -> int:
    logging.getLogger().addHandler(logging.NullHandler())
    board_file = find_board(given.board)
    simulated_board(board_file)
    report = asyncio.run(measure(board_file, given.seconds, given.loads, given.rest_clients))
    print(text(report))
    if given.json is not None:
        given.json.write_text(json.dumps({"benchmark": "lateness"} | asdict(report)) + "\n")
    return 0


async def measure(
    board_file: Path, seconds: int, loads: Sequence[str], rest_clients: int
) -> Report:
    """Run the benchmark.

    Raises:
        HardwareError: the charger or its simulator gave up.
    """
    report = Report(seconds=seconds)
    lateness_us: deque[int] = deque(maxlen=_MOST_PASSES)
    cost = PassCost()
    async with _charging(board_file, cost, lateness_us) as charger:
        report.facts = facts(charger.station.real_time_refused, charger.event_loop_refused)
        for load in loads:
            print(f"{load}: {seconds} s", file=sys.stderr, flush=True)
            async with under_load(charger, rest_clients, wanted=load == LOADED) as found:
                report.measured_us[load] = await _measure(seconds, cost, lateness_us)
            report.loads[load] = str(found)
    return report


@contextlib.asynccontextmanager
async def _charging(
    board_file: Path, cost: PassCost, lateness_us: deque[int]
) -> AsyncIterator[Charger]:
    with (
        tempfile.TemporaryDirectory(prefix="evsed-bench-") as name,
        launched_simulator(board_file, Path(name) / "simulator") as simulator,
    ):
        async with running_charger(
            board_file,
            simulator,
            Path(name) / "state",
            dress=lambda hat: observed_hat(hat, cost),
            lateness_us=lateness_us,
        ) as charger:
            await SimulatorClient(simulator.control_socket).set({"vehicle": "charging"})
            await charger.charging()
            yield charger


async def _measure(
    seconds: int, cost: PassCost, lateness_us: deque[int]
) -> dict[str, list[int] | None]:
    lateness_us.clear()
    cost.clear()
    anchor = asyncio.create_task(cyclictest(seconds))
    try:
        with PlainThread() as plain:
            await asyncio.sleep(seconds)
        passes = {
            "control": list(lateness_us),
            "plain": plain.lateness_us,
            "pass": list(cost.wall_us),
            "cpu": list(cost.cpu_us),
        }
        return {**passes, "cyclictest": await anchor}
    finally:
        anchor.cancel()


def text(report: Report) -> str:
    """Return the report for people."""
    parts = [str(report.facts)] if report.facts else []
    for load, measured in report.measured_us.items():
        rows = [["ms", "count", "p50", "p99", "p99.9", "max", "mean"]]
        for key, name in _NAMES.items():
            values = measured[key]
            found = distribution(values or ())
            mean = "-" if found is None else f"{found.mean / 1000:.2f}"
            rows.append([name, *shown(found), mean])
        parts.append(f"\nlateness and cost; {load}: {report.loads[load]}\n{table(rows)}")
        parts.append(_compared(measured))
    return "\n".join(parts)


def _compared(measured: dict[str, list[int] | None]) -> str:
    control, anchor = distribution(measured["control"] or ()), measured["cyclictest"]
    if not anchor or control is None:
        return "cyclictest is not installed, or may not run: apt install rt-tests, run as root"
    beside = distribution(anchor)
    assert beside is not None  # noqa: S101  # it is not empty
    ratios = (control.p50 / beside.p50, control.p99 / beside.p99, control.worst / beside.worst)
    return "control loop / cyclictest: p50 {:.1f}, p99 {:.1f}, max {:.1f}".format(*ratios)
