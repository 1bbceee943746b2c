"""In the virtual Pi: end or freeze the daemon in every way while a car is charging, and take the time.

    failures.py [--slow N] [--only NAME]...

Prints a table: from the failure to the coil line going low, on the clock of the machine. Exit status 1 when
the contactor did not open, opened too late, or the daemon did not come back.
``--slow`` multiplies the limits: on an emulated processor a pass of the control loop takes several times as
long, and so does everything that reacts.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evsed.hardware.simulator.control_client import SimulatorClient

STREET = Path("/run/street")
BOARD = Path("/etc/evsed/board.yaml")
DROP_IN = Path("/run/systemd/system/evsed.service.d/10-alone.conf")
API = "http://127.0.0.1/api/v1"


def systemctl(*words: str) -> str:
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def main_pid(unit: str) -> int:
    return int(systemctl("show", "--property=MainPID", "--value", unit) or 0)


def until(condition: Callable[[], object], within_s: float, what: str) -> None:
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def get(path: str) -> dict:
    with urllib.request.urlopen(API + path, timeout=10) as answer:
        return json.load(answer)


def state() -> str:
    try:
        return str(get("/state")["state"])
    except (OSError, ValueError):
        return "?"


def street(**changes: object) -> dict:
    return asyncio.run(SimulatorClient(STREET / "sim.sock").set(changes))


def coil_closed() -> bool:
    lines = (STREET / "contactor.log").read_text().splitlines()
    return bool(lines) and lines[-1].endswith(" 1")


def opened_after(began: float) -> float | None:
    """Return when the coil line went low for the first time since then."""
    for line in (STREET / "contactor.log").read_text().splitlines():
        moment, level = line.split()
        if float(moment) >= began and level == "0":
            return float(moment)
    return None


def charge() -> None:
    """Have a car charging, whatever was before."""
    street(vehicle="none", reaction=100)
    until(lambda: systemctl("is-active", "evsed") == "active", 90, "evsed is not active")
    if get("/state")["errors"]:  # a fault holds for a minute; a new start does not
        systemctl("restart", "evsed")
    until(lambda: state() == "A", 120, "no state A")
    street(vehicle="charging")
    until(lambda: state() == "C2" and coil_closed(), 60, "does not charge")
    time.sleep(1.5)  # into the charge


def held_by(pid: int) -> set[str]:
    """Return the devices a process has open."""
    links = {str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()}
    return {link for link in links if link.startswith("/dev/spidev")}


def first_charge() -> None:
    """Charge for a while, and say by what it was measured."""
    charge()
    until(lambda: get("/state")["consumption"] > 20_000, 60, "no energy is counted")
    now = get("/state")
    devices = held_by(main_pid("evsed"))
    print(
        f"charging: {now['current'][0]:.1f} A, {now['power']} W, {now['consumption']} Ws,"
        f" converter {' '.join(devices)}, contactor closed: {coil_closed()}",
        flush=True,
    )
    if devices != {"/dev/spidev0.0"} or now["current"][0] < 6:
        raise SystemExit("not the charge it should be")


@dataclass(frozen=True)
class Case:
    """A failure, by what it does; ``alone``: only systemd's link is left."""

    name: str
    limit_ms: int
    act: Callable[[], object]
    after: Callable[[], object] = lambda: None
    alone: bool = False


def send(unit: str, number: signal.Signals) -> None:
    os.kill(main_pid(unit), number)


def both_killed() -> None:
    pids = [main_pid("evsed-guard"), main_pid("evsed")]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def frozen_without_guard() -> None:
    pids = [main_pid("evsed"), main_pid("evsed-guard")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)


CASES = (
    Case("systemctl restart", 2000, lambda: systemctl("restart", "--no-block", "evsed")),
    Case("kill -9", 500, lambda: send("evsed", signal.SIGKILL)),
    Case("SIGSTOP", 500, lambda: send("evsed", signal.SIGSTOP)),
    Case("kill -9, guard too", 500, both_killed),
    Case(
        "SIGSTOP, guard too (script alone)",
        600,
        frozen_without_guard,
        lambda: send("evsed-guard", signal.SIGCONT),
    ),
    Case("kill -9 of the guard", 500, lambda: send("evsed-guard", signal.SIGKILL)),
    Case("kill -9 of the pin daemon", 500, lambda: send("pigpiod", signal.SIGKILL)),
    Case("kill -9, systemd alone", 750, lambda: send("evsed", signal.SIGKILL), alone=True),
    Case(
        "SIGSTOP, systemd's watchdog alone", 2500, lambda: send("evsed", signal.SIGSTOP), alone=True
    ),
)


def only_systemd(wanted: bool) -> None:
    """Take guard and script away from the daemon, or give them back."""
    if wanted == DROP_IN.exists():
        return
    if wanted:
        DROP_IN.parent.mkdir(parents=True, exist_ok=True)
        DROP_IN.write_text(
            "[Service]\nExecStart=\nExecStart=/usr/bin/evsed run --runtime-dir /run/evsed\n"
        )
        BOARD.write_text(BOARD.read_text() + "\nwatchdog: {deadman: false}\n")
    else:
        DROP_IN.unlink()
        BOARD.write_text(BOARD.read_text().replace("\nwatchdog: {deadman: false}\n", ""))
    systemctl("daemon-reload")
    systemctl("restart", "evsed")


def run(case: Case) -> float:
    only_systemd(case.alone)
    charge()
    before = main_pid("evsed")
    began = time.monotonic()
    case.act()
    until(lambda: opened_after(began) is not None, 30, "the contactor stays closed")
    took_ms = ((opened_after(began) or 0) - began) * 1000
    case.after()
    until(lambda: systemctl("is-active", "evsed") == "active", 120, "does not come back")
    if "guard" not in case.name or "too" in case.name:
        until(lambda: main_pid("evsed") not in {0, before}, 120, "no new process")
    return took_ms


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", type=float, default=1)
    parser.add_argument("--only", action="append", default=[])
    given = parser.parse_args()
    bad = 0
    first_charge()
    for case in CASES:
        if given.only and case.name not in given.only:
            continue
        limit = case.limit_ms * given.slow
        try:
            took = run(case)
        except (TimeoutError, OSError, ValueError) as error:
            bad += 1
            print(f"FAIL  {case.name:<36} {error}", flush=True)
            print(
                subprocess.run(
                    ["journalctl", "-n", "25", "-o", "short-monotonic", "--no-pager"],
                    capture_output=True,
                    text=True,
                    check=False,
                ).stdout
            )
            continue
        bad += took > limit
        verdict = "ok  " if took <= limit else "LATE"
        print(f"{verdict}  {case.name:<36} {took:7.0f} ms  (limit {limit:.0f})", flush=True)
    only_systemd(False)
    return bool(bad)


sys.exit(main())
