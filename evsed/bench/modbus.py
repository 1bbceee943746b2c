"""``evsed bench modbus``: what an answer over Modbus TCP costs, beside other servers."""

import argparse
import asyncio
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from evsed.bench.figures import table
from evsed.bench.load import positive
from evsed.bench.machine_facts import Facts, facts
from evsed.errors import HardwareError

_HERE: Final = Path(__file__).parent
_READY_WITHIN_S: Final = 30.0
_IDLE_S: Final = 3.0
_WARM_UP_S: Final = 0.3
_SLICE_S: Final = 1.0
_LOOK_S: Final = 0.05
_REFERENCE: Final = "pymodbus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One that runs."""

    name: str
    pid: int
    port: int


@dataclass(slots=True, kw_only=True)
class Figure:
    """What one server did for a number of clients, all slices together."""

    clients: int
    answers: float = 0.0
    bad: int = 0
    wall_s: float = 0.0
    #: of the server, all threads
    cpu_s: float = 0.0

    def per_cpu_s(self, idle_share: float = 0.0) -> float:
        """Return answers per CPU second, without what the server does by itself."""
        return self.answers / max(self.cpu_s - idle_share * self.wall_s, 1e-9)


@dataclass(slots=True)
class Report:
    """Everything one run found."""

    seconds: int
    facts: Facts | None = None
    figures: dict[str, list[Figure]] = field(default_factory=dict)
    #: CPU seconds per second each server needs when nobody asks
    idle: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Read 12 registers over and over, by 1 and by 8 clients, from the shipped Modbus service "
        "alone, from the whole simulated charger, and where they are installed from the servers "
        "of pymodbus and libmodbus. What counts is answers per second of CPU time of the server. "
        "Exit status 0 whatever the figures are."
    )
    parser.add_argument(
        "--seconds", type=positive, default=5, metavar="N", help="of each measurement (%(default)s)"
    )
    parser.add_argument(
        "--clients", type=positive, nargs="+", default=[1, 8], metavar="N", help="(1 and 8)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure here, too")
    parser.set_defaults(act=_act)


def _act(given: argparse.Namespace) -> int:
    report = asyncio.run(measure(given.seconds, given.clients))
    print(text(report))
    if given.json is not None:
        given.json.write_text(json.dumps({"benchmark": "modbus"} | asdict(report)) + "\n")
    return 0


async def measure(seconds: int, clients: Sequence[int]) -> Report:
    """Run the benchmark: all servers run, and are asked in turn, a second each.

    Raises:
        HardwareError: a server did not start.
    """
    report = Report(seconds=seconds, facts=facts("not asked for", "not asked for"))
    with tempfile.TemporaryDirectory(prefix="evsed-bench-") as name:
        async with AsyncExitStack() as stack:
            servers: list[Server] = []
            for label, command, why in await _commands(Path(name)):
                if why:
                    report.missing[label] = why
                    continue
                servers.append(await stack.enter_async_context(_running(label, command)))
                report.figures[label] = [Figure(clients=count) for count in clients]
            await _measure(servers, report)
    return report


async def _measure(servers: Sequence[Server], report: Report) -> None:
    await asyncio.sleep(_WARM_UP_S)
    before = [_cpu_s(server.pid) for server in servers]
    await asyncio.sleep(_IDLE_S)
    for server, cpu_s in zip(servers, before, strict=True):
        report.idle[server.name] = (_cpu_s(server.pid) - cpu_s) / _IDLE_S
    for turn in range(report.seconds):
        print(f"second {turn + 1} of {report.seconds}", file=sys.stderr, flush=True)
        for place in range(len(next(iter(report.figures.values())))):
            for server in servers:
                await _ask(server, report.figures[server.name][place])


async def _commands(folder: Path) -> list[tuple[str, list[str], str]]:
    """Return name, command (without the port) and why there is none, for each server."""
    state = folder / "state"
    state.mkdir()
    stored = {"version": 1, "modbus": {"tcpEnabled": True, "unitId": 1}}
    (state / "settings.json").write_text(json.dumps(stored))
    alone = folder / "alone"
    alone.mkdir()
    config = folder / "evsed.yaml"
    config.write_text("http: {address: 127.0.0.1}\nmodbus: {address: 127.0.0.1}\n")
    daemon = [sys.executable, "-m", "evsed", "run", "--board", "sim", "--config", str(config)]
    daemon += ["--state-dir", str(state), "--http-port", "0", "--modbus-port"]
    libmodbus, why = await _libmodbus(folder)
    return [
        ("evsed, Modbus alone", [*_module("modbus_server"), str(alone)], ""),
        ("evsed, the charger", daemon, ""),
        _pymodbus(),
        ("libmodbus", libmodbus, why),
    ]


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", f"evsed.bench.{name}"]


def _pymodbus() -> tuple[str, list[str], str]:
    try:
        version = importlib.metadata.version("pymodbus")
    except importlib.metadata.PackageNotFoundError:
        return _REFERENCE, [], "it is not installed"
    why = "" if importlib.util.find_spec("pymodbus.simulator") else "it is older than 3.12"
    return f"{_REFERENCE} {version}", _module("pymodbus_server"), why


async def _libmodbus(folder: Path) -> tuple[list[str], str]:
    compiler = shutil.which("cc")
    if compiler is None:
        return [], "there is no C compiler"
    program = folder / "libmodbus_server"
    source = _HERE / "libmodbus_server.c"
    done = await asyncio.create_subprocess_exec(
        compiler, "-O2", str(source), "-o", str(program), "-lmodbus", stderr=DEVNULL
    )
    return [str(program)], "" if await done.wait() == 0 else "libmodbus-dev is not installed"


@contextlib.asynccontextmanager
async def _running(name: str, command: Sequence[str]) -> AsyncIterator[Server]:
    port = _free_port()
    # Its own session: a Ctrl-C in the terminal is for the benchmark, which ends it.
    process = await asyncio.create_subprocess_exec(
        *command, str(port), stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
    )
    try:
        await _until_listening(name, port)
        yield Server(name=name, pid=process.pid, port=port)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


async def _until_listening(name: str, port: int) -> None:
    give_up_s = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > give_up_s:
                raise HardwareError(f"{name}: does not listen") from None
            await asyncio.sleep(_LOOK_S)
        else:
            writer.close()
            return


async def _ask(server: Server, figure: Figure) -> None:
    async with _asking(server.port, figure.clients) as clients:
        await asyncio.sleep(_WARM_UP_S)
        before_s, began_s = _cpu_s(server.pid), time.monotonic()
        await asyncio.sleep(_SLICE_S)
        cpu_s, took_s = _cpu_s(server.pid) - before_s, time.monotonic() - began_s
        out, _ = await clients.communicate(b"")  # closes its input, which ends it
    found = json.loads(out)
    # The clients also asked before and after: theirs is the rate of their own whole time.
    figure.answers += found["answers"] * took_s / found["seconds"]
    figure.bad += found["bad"]
    figure.wall_s += took_s
    figure.cpu_s += cpu_s


@contextlib.asynccontextmanager
async def _asking(port: int, count: int) -> AsyncIterator[Process]:
    command = [*_module("modbus_clients"), str(port), str(count)]
    clients = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, start_new_session=True
    )
    try:
        yield clients
    finally:
        if clients.returncode is None:
            clients.kill()
            await clients.wait()


def _cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process, all threads, user and system."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def text(report: Report) -> str:
    """Return the report as it is printed."""
    rows = [["server", "clients", "answers/s", "CPU", "per CPU s", "without idle", "x pymodbus"]]
    rows += [
        [name, *_cells(report, name, place)]
        for name, figures in report.figures.items()
        for place in range(len(figures))
    ]
    machine = str(report.facts).splitlines()[:2]  # priorities are each server's own affair
    lines = [*machine, "", table(rows)]
    bad = sum(figure.bad for figures in report.figures.values() for figure in figures)
    lines += [f"{bad} answers were wrong"] if bad else []
    lines += [f"{name}: not measured, {why}" for name, why in report.missing.items()]
    return "\n".join(lines)


def _cells(report: Report, name: str, place: int) -> list[str]:
    figure = report.figures[name][place]
    net = figure.per_cpu_s(report.idle[name])
    others = [one for one in report.figures if one.startswith(_REFERENCE)]
    times = [net / report.figures[one][place].per_cpu_s(report.idle[one]) for one in others]
    return [
        str(figure.clients),
        f"{figure.answers / figure.wall_s:.0f}",
        f"{figure.cpu_s / figure.wall_s:.0%}",
        f"{figure.per_cpu_s():.0f}",
        f"{net:.0f}",
        f"{times[0]:.1f}" if times else "-",
    ]
