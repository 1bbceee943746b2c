"""Load: one Python process per core that only counts, and REST clients that ask without a pause."""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

IDLE: Final = "idle"
LOADED: Final = "loaded"

#: How long the load runs before anything is measured, s.
_WARM_UP_S: Final = 2.0


@dataclass(slots=True)
class Load:
    """What the load was; the answers are known when it has ended."""

    hogs: int = 0
    rest_clients: int = 0
    answers_per_s: float = 0.0
    not_ok: int = 0

    def __str__(self) -> str:
        if not self.hogs:
            return "nothing but the charger"
        bad = f", {self.not_ok} of them errors" if self.not_ok else ""
        return (
            f"{self.hogs} processes that only count, {self.rest_clients} REST clients "
            f"({self.answers_per_s:.0f} answers/s{bad})"
        )


def add_load_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what both benchmarks have."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--idle", dest="loads", action="store_const", const=(IDLE,), help="only without load"
    )
    which.add_argument(
        "--load", dest="loads", action="store_const", const=(LOADED,), help="only under load"
    )
    parser.add_argument(
        "--rest-clients", type=positive, default=16, metavar="N", help="of the load (%(default)s)"
    )
    parser.add_argument(
        "--board", default="sim", metavar="F", help="simulated board file, or name (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure here, too")
    parser.set_defaults(loads=(IDLE, LOADED))


def positive(text: str) -> int:
    """Return a number of an argument, from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more expected")
    return number


@contextlib.asynccontextmanager
async def under_load(port: int, rest_clients: int, *, wanted: bool) -> AsyncIterator[Load]:
    """Load the machine and the charger's REST interface for as long as the context lasts."""
    if not wanted:
        yield Load()
        return
    load = Load(hogs=os.cpu_count() or 1, rest_clients=rest_clients)
    hogs: list[Process] = []
    clients = await _start("rest_clients", str(port), str(rest_clients))
    started_s = time.monotonic()
    try:
        for _ in range(load.hogs):
            hogs.append(await _start("hog"))  # noqa: PERF401  # those that have started must end
        await asyncio.sleep(_WARM_UP_S)
        yield load
    finally:
        for hog in hogs:
            hog.kill()
            await hog.wait()
        out, _ = await clients.communicate(b"")  # closes its input, which ends it
        answers = json.loads(out or b'{"answers": 0, "notOk": 0}')
        load.answers_per_s = answers["answers"] / (time.monotonic() - started_s)
        load.not_ok = answers["notOk"]


async def _start(module: str, *arguments: str) -> Process:
    command = [sys.executable, "-m", f"evsed.bench.{module}", *arguments]
    pipe = PIPE if arguments else DEVNULL
    # Their own session: a Ctrl-C in the terminal is for the benchmark, which ends them.
    return await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, start_new_session=True
    )
