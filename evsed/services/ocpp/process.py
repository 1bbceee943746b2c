"""The process that speaks OCPP: ``python -I -m evsed.services.ocpp.process FD``.

It has the connection, the library and the database, and nothing of the charger but one line of
JSON a second; what it wants goes back as lines. Whatever a management system sends, and however
long its schema takes to check, the daemon's interpreter has no part in it (decision 34).
"""

import asyncio
import contextlib
import json
import logging
import random
import signal
import socket
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from evsed.services.ocpp import variables
from evsed.services.ocpp.connection import connected, pauses
from evsed.services.ocpp.dialog import Dialog
from evsed.services.ocpp.errands import Errands
from evsed.services.ocpp.moment import from_json
from evsed.services.ocpp.point import Agreed, Point
from evsed.services.ocpp.shelf import open_book, system_of
from evsed.services.ocpp.talk import Dialect, GoneError, Talk
from evsed.services.ocpp.v16 import Ocpp16
from evsed.services.ocpp.v201 import Ocpp201

_MOST_BYTES: Final = 1024 * 1024
#: A connection that lasted so long was a good one: the pauses start anew.
_LASTED_S: Final = 60.0
_TICK_S: Final = 1.0
_MOST_ERROR: Final = 200

_log = logging.getLogger(__name__)


class Process:
    """Everything of one run.

    Args:
        first: the daemon's first message: settings, board, folder.
        out: to the daemon.
    """

    def __init__(self, first: Mapping[str, Any], out: asyncio.StreamWriter) -> None:
        self._settings, self._out = first["settings"], out
        folder = Path(first["folder"])
        self.book = open_book(folder, system_of(self._settings))
        point = Point(self.book, _agreed(first), self.send)
        dialect: Dialect = Ocpp201() if self._settings["version"] == "2.0.1" else Ocpp16()
        self.talk = Talk(point, dialect)
        self.errands = Errands(folder, self.talk, self.send)
        self.talk.errands = self.errands
        self.talk.room = out.drain
        self._looked = asyncio.Event()
        self._connected = False
        self._state: Mapping[str, Any] = {}
        self._disk = ""

    def send(self, message: Mapping[str, Any]) -> None:
        """Tell the daemon something."""
        self._out.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def take(self, message: Mapping[str, Any]) -> None:
        """Take what the daemon says."""
        match message["t"]:
            case "moment":
                self._look(message["moment"])
            case "token":
                status = await self.talk.present(message["token"])
                self.send({"t": "judged", "n": message["n"], "status": status})
                self._looked.set()
            case "done":
                self.errands.done(message)

    async def serve(self) -> None:
        """Connect again and again, until cancelled."""
        chance = random.Random()  # noqa: S311  # spreads attempts, guards nothing
        waits = pauses(chance)
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                await self._converse()
            except GoneError as error:
                self.talk.last_error = str(error)[:_MOST_ERROR]
            finally:
                self.talk.detach()
                self._connected = False
                self._tell()
            if loop.time() - began_s > _LASTED_S:
                waits = pauses(chance)
            await asyncio.sleep(next(waits))

    async def _converse(self) -> None:
        ping_s = self.talk.point.variables.whole(variables.PING)
        async with connected(self._settings, self.talk.dialect.subprotocol, ping_s) as web_socket:
            dialog = Dialog(web_socket, self.talk)
            self.talk.attach(dialog)
            self._connected = True
            tasks = [asyncio.create_task(dialog.run()), asyncio.create_task(self._pump())]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self) -> None:
        while True:
            try:
                await self.talk.pump()
            except (OSError, sqlite3.Error) as error:
                self._trouble(error)
            self._tell()
            self._looked.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._looked.wait()

    def _look(self, told: Mapping[str, Any]) -> None:
        try:
            self.talk.point.look(from_json(told))
        except (OSError, sqlite3.Error) as error:
            self._trouble(error)
        else:
            self._disk = ""
        self._looked.set()
        self._tell()

    def _trouble(self, error: Exception) -> None:
        if str(error) != self._disk:
            self._disk = str(error)
            _log.error("ocpp: the disk refused: %s", error)

    def _tell(self) -> None:
        """Tell the daemon how things stand, when they have changed."""
        running = self.talk.point.running
        try:
            waiting = self.book.waiting()
        except sqlite3.Error:
            waiting = -1
        state = {
            "t": "state",
            "connected": self._connected,
            "accepted": self.talk.booted,
            "queue": waiting,
            "transaction": None if running is None else running.id,
            "token": None if running is None else running.token,
            "profiles": len(self.talk.point.profiles),
            "lastError": (self._disk or self.talk.last_error)[:_MOST_ERROR],
        }
        if state != self._state:
            self._state = state
            self.send(state)


def _agreed(first: Mapping[str, Any]) -> Agreed:
    settings = first["settings"]
    return Agreed(
        id_tag=settings["idTag"],
        meter_interval_s=settings["meterInterval"],
        offline_da=round(settings["offlineCurrent"] * 10),
        offline_after_s=settings["offlineAfter"],
        security_profile=settings["securityProfile"],
        **first["board"],
    )


class _ToDaemon(logging.Handler):
    """Has the daemon write the log: it knows where."""

    def __init__(self, process: Process) -> None:
        super().__init__(logging.WARNING)
        self._process = process

    def emit(self, record: logging.LogRecord) -> None:
        told = {"t": "log", "level": record.levelno, "line": record.getMessage()[:500]}
        self._process.send(told)


async def _main(end: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=end, limit=_MOST_BYTES)
    process = Process(json.loads(await reader.readline()), writer)
    logging.basicConfig(level=logging.WARNING, handlers=[_ToDaemon(process)])
    logging.getLogger("ocpp").setLevel(logging.CRITICAL)  # it logs every message, secrets too
    serving = asyncio.create_task(process.serve())
    listening = asyncio.create_task(_listen(process, reader))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, listening.cancel)
    try:
        await asyncio.wait([serving, listening], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
    finally:
        for task in (serving, listening):
            task.cancel()
        await asyncio.gather(serving, listening, return_exceptions=True)
        process.book.close()


async def _listen(process: Process, reader: asyncio.StreamReader) -> None:
    asked: set[asyncio.Task[None]] = set()
    while line := await reader.readline():
        message = json.loads(line)
        if message["t"] == "stop":
            return
        if message["t"] == "token":  # takes as long as the management system does
            task = asyncio.create_task(process.take(message))
            asked.add(task)
            task.add_done_callback(asked.discard)
        else:
            await process.take(message)


if __name__ == "__main__":
    asyncio.run(_main(socket.socket(fileno=int(sys.argv[1]))))
