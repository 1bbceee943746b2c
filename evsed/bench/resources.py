"""``evsed bench resources``: how soon a charger is safe and ready, its memory, its idling."""

import argparse
import contextlib
import http.client
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import pigpio

from evsed.bench.charger import free_port, simulated_board
from evsed.bench.figures import table
from evsed.bench.load import positive
from evsed.bench.machine_facts import Facts, facts
from evsed.board.reader import find_board
from evsed.errors import HardwareError
from evsed.hardware.simulator.launch import Simulator, launched_simulator

_WITHIN_S: Final = 60.0
_LOOK_S: Final = 0.001
#: Until start and first requests are forgotten.
_SETTLE_S: Final = 5.0
_ANCHOR: Final = "import asyncio, aiohttp.web"
#: A script with a component that does something now and then.
_SCRIPT: Final = """
component.register({ id = "idle", name = "Idle", start = function()
    return coroutine.create(function() while true do coroutine.yield(1000) end end)
end })
"""
_SETTINGS: Final[Mapping[str, object]] = {
    "version": 1,
    "modbus": {"tcpEnabled": True, "unitId": 1},
    "script": {"enabled": True},
}
#: Each interface is used once, so that what it loads late is loaded.
_ASKED: Final = (
    ("GET", "/"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/state"),
    ("GET", "/api/v1/reason"),
    ("GET", "/api/v1/curve"),
    ("GET", "/api/v1/sessions"),
    ("GET", "/api/v1/log"),
    ("PROPFIND", "/dav/usr/"),
)


@dataclass(slots=True)
class Report:
    """Everything one run found."""

    facts: Facts | None = None
    #: from the start of the process: contactor commanded open, ready told; seconds
    safe_s: list[float] = field(default_factory=list)
    ready_s: list[float] = field(default_factory=list)
    #: a Python that imports asyncio and aiohttp, and nothing else
    anchor_s: list[float] = field(default_factory=list)
    #: of the daemon's process with everything on, MB
    rss_mb: float = 0.0
    #: its share and that of the processes it starts, MB
    pss_mb: dict[str, float] = field(default_factory=dict)
    #: CPU seconds per second, all its threads
    idle_share: float = 0.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Start a charger on a simulator whose contactor was left closed, again and again: how "
        "soon is it commanded open, and how soon does the service manager hear that the charger "
        "is ready? Then run one with everything switched on: its memory, and what it takes of a "
        "core while nobody asks. Exit status 0 whatever the figures are."
    )
    parser.add_argument(
        "--starts", type=positive, default=10, metavar="N", help="how often it starts (%(default)s)"
    )
    parser.add_argument(
        "--seconds", type=positive, default=15, metavar="N", help="of idling (%(default)s)"
    )
    parser.add_argument(
        "--board", default="sim", metavar="F", help="simulated board file, or name (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure here, too")
    parser.set_defaults(act=_act)


def _act(given: argparse.Namespace) -> int:
    logging.getLogger().addHandler(logging.NullHandler())
    report = measure(find_board(given.board), given.starts, given.seconds)
    print(text(report))
    if given.json is not None:
        given.json.write_text(json.dumps({"benchmark": "resources"} | asdict(report)) + "\n")
    return 0


def measure(board_file: Path, starts: int, seconds: int) -> Report:
    """Run the benchmark.

    Raises:
        HardwareError: the charger does not start, or leaves the contactor closed.
    """
    report = Report(facts=facts(None, None))
    simulated_board(board_file)
    with tempfile.TemporaryDirectory(prefix="evsed-bench-") as name:
        folder = Path(name)
        with launched_simulator(board_file, folder / "simulator") as simulator:
            for number in range(1, starts + 1):
                print(f"start {number} of {starts}", file=sys.stderr, flush=True)
                _one_start(report, board_file, simulator, folder / f"state{number}")
        board = _with_serial_lines(board_file, folder)
        with launched_simulator(board, folder / "second") as simulator:
            _everything_on(report, board, simulator, folder / "everything", seconds)
    return report


@contextlib.contextmanager
def _daemon(
    board: Path, simulator: Simulator, state: Path, *options: str, notify: str = ""
) -> Iterator["subprocess.Popen[bytes]"]:
    state.mkdir(exist_ok=True)
    config = state.with_suffix(".yaml")
    config.write_text("http: {address: 127.0.0.1}\nmodbus: {address: 127.0.0.1}\n")
    command = [sys.executable, "-m", "evsed", "run", "--board", str(board), "--config", str(config)]
    command += ["--state-dir", str(state), "--simulator", str(simulator.folder), *options]
    environment = {**os.environ, "NOTIFY_SOCKET": notify}
    with state.with_suffix(".log").open("wb") as log:
        # A session of its own: a Ctrl-C in the terminal is for the benchmark, which ends it.
        process = subprocess.Popen(  # noqa: S603  # our own interpreter
            command, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _one_start(report: Report, board_file: Path, simulator: Simulator, state: Path) -> None:
    board = simulated_board(board_file)
    began_s = time.monotonic()
    subprocess.run([sys.executable, "-c", _ANCHOR], check=True)  # noqa: S603  # our own interpreter
    report.anchor_s.append(time.monotonic() - began_s)
    pins = pigpio.pi("127.0.0.1", simulator.pin_port, show_errors=False)
    relays = [(gpio, int(board.ac_relay.active_low)) for gpio in board.ac_relay.gpios]
    address = str(simulator.folder / f"notify-{state.name}")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(address)
        manager.settimeout(_WITHIN_S)
        for gpio, off in relays:
            pins.write(gpio, 1 - off)
        began_s = time.monotonic()
        with _daemon(board_file, simulator, state, "--http-port", "0", notify=address) as process:
            while any(pins.read(gpio) != off for gpio, off in relays):
                _still_waiting(process, began_s, "the contactor stays closed")
                time.sleep(_LOOK_S)
            report.safe_s.append(time.monotonic() - began_s)
            try:
                while b"READY=1" not in manager.recv(4096):
                    pass
            except TimeoutError:
                raise HardwareError("the charger does not become ready") from None
            report.ready_s.append(time.monotonic() - began_s)
    pins.stop()


def _still_waiting(process: "subprocess.Popen[bytes]", began_s: float, trouble: str) -> None:
    if process.poll() is not None or time.monotonic() - began_s > _WITHIN_S:
        raise HardwareError(trouble)


def _with_serial_lines(board_file: Path, folder: Path) -> Path:
    """Return a board whose serial ports can be opened: pseudo terminals instead of nothing."""
    text = board_file.read_text()
    while "device: /dev/null" in text:
        _, line = os.openpty()  # both ends stay open until this process ends
        text = text.replace("device: /dev/null", f"device: {os.ttyname(line)}", 1)
    board = folder / "board.yaml"
    board.write_text(text)
    return board


def _everything_on(
    report: Report, board: Path, simulator: Simulator, state: Path, seconds: int
) -> None:
    (state / "usr" / "lua").mkdir(parents=True)
    (state / "usr" / "lua" / "init.lua").write_text(_SCRIPT)
    line = {"baudRate": 9600, "dataBits": "8", "stopBits": "1", "parity": "disable"}
    serial = [line | {"mode": mode} for mode in ("at", "nextion")]
    (state / "settings.json").write_text(json.dumps({**_SETTINGS, "serial": serial}))
    web, modbus = free_port(), free_port()
    ports = ("--http-port", str(web), "--modbus-port", str(modbus))
    with _daemon(board, simulator, state, *ports) as process:
        _use_everything(process, web, modbus)
        time.sleep(min(_SETTLE_S, seconds))
        before_s, began_s = _cpu_s(process.pid), time.monotonic()
        time.sleep(seconds)
        report.idle_share = (_cpu_s(process.pid) - before_s) / (time.monotonic() - began_s)
        report.rss_mb = _status_kb(process.pid, "status", "VmRSS") / 1024
        report.pss_mb = _shares_mb(process.pid)


def _use_everything(process: "subprocess.Popen[bytes]", web: int, modbus: int) -> None:
    began_s = time.monotonic()
    for port in (web, modbus):
        while True:
            _still_waiting(process, began_s, "the charger does not listen")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(_LOOK_S * 50)
            else:
                break
    for method, path in _ASKED:
        connection = http.client.HTTPConnection("127.0.0.1", web, timeout=_WITHIN_S)
        with contextlib.closing(connection):
            connection.request(method, path, headers={"Depth": "1"})
            connection.getresponse().read()


def _cpu_s(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _status_kb(pid: int, file: str, name: str) -> int:
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


def _shares_mb(pid: int) -> dict[str, float]:
    """Return proportional memory by process: the daemon and what it has started."""
    found: dict[str, float] = {}
    for one in (pid, *_children(pid)):
        name = "daemon" if one == pid else f"process {len(found)}"
        with contextlib.suppress(OSError):
            found[name] = _status_kb(one, "smaps_rollup", "Pss") / 1024
    return found


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def text(report: Report) -> str:
    """Return the report for people."""
    rows = [["seconds from the start", "median", "worst", "to Python with aiohttp"]]
    anchor_s = median(report.anchor_s)
    for name, found_s in (
        ("contactor commanded open", report.safe_s),
        ("ready", report.ready_s),
        ("Python that imports aiohttp", report.anchor_s),
    ):
        figures = (f"{median(found_s):.2f}", f"{max(found_s):.2f}")
        rows.append([name, *figures, f"{median(found_s) / anchor_s:.1f}"])
    shares = ", ".join(f"{name} {share:.1f}" for name, share in report.pss_mb.items())
    return (
        f"{report.facts}\n\n{table(rows)}\n\n"
        f"everything on: {report.rss_mb:.1f} MB resident; proportional share, MB: {shares}\n"
        f"idle: {report.idle_share:.1%} of a core"
    )
