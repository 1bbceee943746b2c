"""Load: one Python process per core that only counts, and every interface used without a pause.

REST clients, event streams, Modbus clients, uploads over WebDAV, and a script that never waits.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from evsed.errors import HardwareError

IDLE: Final = "idle"
LOADED: Final = "loaded"

#: How long the load runs before anything is measured, s.
_WARM_UP_S: Final = 2.0
_ANSWER_S: Final = 30.0


#: Beside the REST clients; as many as the charger serves.
_STREAMS: Final = 16
_MODBUS_CLIENTS: Final = 8


class Doors(Protocol):
    """Where a charger listens."""

    @property
    def http_port(self) -> int:
        """The web interface."""

    @property
    def modbus_port(self) -> int:
        """Modbus TCP."""


@dataclass(slots=True)
class Load:
    """What the load was; the answers are known when it has ended."""

    hogs: int = 0
    rest_clients: int = 0
    #: by interface: answers, or events, per second
    per_s: dict[str, float] = field(default_factory=dict)
    not_ok: int = 0

    def __str__(self) -> str:
        if not self.hogs:
            return "nothing but the charger"
        bad = f"; {self.not_ok} of them errors" if self.not_ok else ""
        rates = ", ".join(f"{name} {rate:.0f}/s" for name, rate in self.per_s.items())
        return (
            f"{self.hogs} processes that only count, {self.rest_clients} REST clients, "
            f"{_STREAMS} event streams, {_MODBUS_CLIENTS} Modbus clients, uploads over WebDAV, "
            f"a busy script ({rates}{bad})"
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
        "--rest-clients", type=positive, default=32, metavar="N", help="of the load (%(default)s)"
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
async def under_load(charger: Doors, rest_clients: int, *, wanted: bool) -> AsyncIterator[Load]:
    """Load the machine and every interface of the charger for as long as the context lasts."""
    if not wanted:
        yield Load()
        return
    load = Load(hogs=os.cpu_count() or 1, rest_clients=rest_clients)
    web, modbus = str(charger.http_port), str(charger.modbus_port)
    wished = {
        "REST": ("rest_clients", web, str(rest_clients)),
        "events": ("stream_clients", web, str(_STREAMS)),
        "Modbus": ("modbus_clients", modbus, str(_MODBUS_CLIENTS)),
        "uploads": ("upload_client", web),
    }
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(_busy_script(charger.http_port))
        for name, words in wished.items():
            await stack.enter_async_context(_clients(name, words, load))
        for _ in range(load.hogs):
            await stack.enter_async_context(_hog())
        await asyncio.sleep(_WARM_UP_S)
        yield load


@contextlib.asynccontextmanager
async def _clients(name: str, words: Sequence[str], load: Load) -> AsyncIterator[None]:
    process = await _start(*words)
    began_s = time.monotonic()
    try:
        yield
    finally:
        out, _ = await process.communicate(b"")  # closes its input, which ends it
        found = json.loads(out or b'{"answers": 0}')
        load.per_s[name] = found["answers"] / (time.monotonic() - began_s)
        load.not_ok += found.get("notOk", 0) + found.get("bad", 0)


@contextlib.asynccontextmanager
async def _hog() -> AsyncIterator[None]:
    hog = await _start("hog")
    try:
        yield
    finally:
        hog.kill()
        await hog.wait()


@contextlib.asynccontextmanager
async def _busy_script(port: int) -> AsyncIterator[None]:
    await asyncio.to_thread(_switch_scripts, port, on=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, http.client.HTTPException):  # the charger may have ended
            await asyncio.to_thread(_switch_scripts, port, on=False)


def _switch_scripts(port: int, *, on: bool) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json"}
        body = json.dumps({"enabled": on})
        connection.request("POST", "/api/v1/config/script", body, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise HardwareError(f"scripts cannot be switched: {answer.read(100)!r}")


async def _start(module: str, *arguments: str) -> Process:
    command = [sys.executable, "-m", f"evsed.bench.{module}", *arguments]
    pipe = PIPE if arguments else DEVNULL
    # Their own session: a Ctrl-C in the terminal is for the benchmark, which ends them.
    return await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, start_new_session=True
    )
