"""Load a charger fully while a vehicle charges: ``python -m tests.soak [--seconds N]``.

Prints how late its passes were and what it took; exit status 1 when something grew, an alarm was
raised or the charge was interrupted.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_TESTS), str(_TESTS / "daemon")]

from daemon_world import Daemon, RunningSimulator  # noqa: E402

from evsed.bench.charger import free_port, furnish  # noqa: E402
from evsed.bench.load import under_load  # noqa: E402

from .watch import Point, judge  # noqa: E402

_LOOKS = 240
_SHORTEST_S = 1.0


@dataclass(frozen=True)
class _Doors:
    http_port: int
    modbus_port: int


def _look(daemon: Daemon, began_s: float) -> Point:
    process = Path("/proc", str(daemon.popen.pid))
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    now, state = daemon.get("/reason"), daemon.get("/state")
    lateness = now["lateness"]
    return Point(
        at_s=time.monotonic() - began_s,
        rss_mb=int(status["VmRSS"].split()[0]) / 1024,
        descriptors=len(list((process / "fd").iterdir())),
        threads=int(status["Threads"]),
        late_us=lateness["worst"],
        late=lateness["over20ms"],
        passes=lateness["passes"],
        alarms=tuple(alarm["name"] for alarm in now["alarms"]),
        trouble="" if state["state"] == "C2" else f"{state['state']} {state['errors']}",
    )


async def _soak(daemon: Daemon, doors: _Doors, seconds: int, clients: int) -> list[Point]:
    points: list[Point] = []
    pause_s = max(seconds / _LOOKS, _SHORTEST_S)
    async with under_load(doors, clients, wanted=True) as load:
        began_s = time.monotonic()
        while time.monotonic() - began_s < seconds and daemon.popen.poll() is None:
            with contextlib.suppress(AssertionError, OSError):  # it has just ended: see below
                points.append(await asyncio.to_thread(_look, daemon, began_s))
            await asyncio.sleep(pause_s)
    sys.stdout.write(f"load: {load}\n")
    return points


@contextlib.contextmanager
def _running(folder: Path) -> Iterator[tuple[Daemon, _Doors]]:
    doors = _Doors(free_port(), free_port())
    config = folder / "evsed.yaml"
    config.write_text("http: {address: 127.0.0.1}\nmodbus: {address: 127.0.0.1}\n")
    furnish(folder / "state")
    given = {
        "--config": str(config),
        "--http-port": str(doors.http_port),
        "--modbus-port": str(doors.modbus_port),
    }
    words = [word for pair in given.items() for word in pair]
    with (
        RunningSimulator(folder / "sim") as simulator,
        Daemon(folder, *words, simulator=simulator) as daemon,
    ):
        daemon.ready().charge()
        yield daemon, doors


def main() -> int:
    """Soak, print, judge."""
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3600, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--rest-clients", type=int, default=32, metavar="N", help="of the load (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="every point")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="evsed-soak-") as name,
        _running(Path(name)) as (daemon, doors),
    ):
        points = asyncio.run(_soak(daemon, doors, options.seconds, options.rest_clients))
        ended = daemon.popen.poll()
        last_words = [line for line in daemon.log.splitlines() if " CRITICAL " in line]
    verdict = judge(points)
    sys.stdout.write("\n".join(verdict.lines) + "\n")
    if options.json is not None:
        options.json.write_text(json.dumps([point.__dict__ for point in points]) + "\n")
    for trouble in verdict.troubles:
        sys.stdout.write(f"FAILED: {trouble}\n")
    if ended is not None:
        sys.stdout.write(f"FAILED: the charger ended with {ended}: {last_words[-1:]}\n")
    return 1 if verdict.troubles or ended is not None else 0


if __name__ == "__main__":
    sys.exit(main())
