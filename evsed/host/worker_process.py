"""One process that works for the daemon: its start, its messages, its end. Source: lua.md 12."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evsed.host.pace import Allowance

_MOST_BYTES: Final = 512 * 1024
_PING_EVERY_S: Final = 1.0
#: Starting, or starting a component again, may take so long: longer than the worker's own guard.
_BUSY_S: Final = 8.0
_MOST_WORDS: Final = 2000
#: What a process is told of ours: how to find libraries and certificates, nothing else.
_TOLD: Final = ("LD_LIBRARY_PATH", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE")
#: One arena for all threads: each further one takes 64 MiB of what the process may address.
_ENVIRONMENT: Final = {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
#: A line that begins so is not for us, and is not looked into.
RELAYED: Final = b">"

Message = dict[str, Any]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What differs between workers.

    Args:
        module: what is run; its argument is the number of the socket.
        name: what the log calls it.
        silent_s: it is killed when it has said nothing for so long, not even to a ping.
        stop_s: it has so long to end in order.
        lines_per_s: so many of its lines are read a second; a long one counts as several.
        lines_at_once: so many are read at once.
        line_bytes: so many bytes count as one line.
    """

    module: str
    name: str
    silent_s: float
    stop_s: float
    lines_per_s: float
    lines_at_once: float
    line_bytes: int


class WorkerProcess:
    """A running worker.

    Args:
        take: called with every message, one after the other.
        kind: which one.
        relay: takes, whole, the lines that are not for us.
    """

    def __init__(
        self,
        take: Callable[[Message], Awaitable[None]],
        kind: Kind,
        relay: Callable[[bytes], None] | None = None,
    ) -> None:
        self._take, self._kind, self._relay = take, kind, relay
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._allowance = Allowance(kind.lines_per_s, kind.lines_at_once)
        self._heard_s = 0.0
        self._patient_until_s = 0.0
        self._taking = False
        #: what it said on standard error; of interest when it has died
        self.last_words = ""
        #: set when the entry file has run
        self.ready = asyncio.Event()

    async def run(self, first: Callable[[], Iterable[Mapping[str, Any]]]) -> int:
        """Start it, serve it until it ends, and return its exit status; negative for a signal.

        Args:
            first: gives its first messages as soon as it can be sent any.
        """
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", self._kind.module, str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                env=_environment(),
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        listening = asyncio.create_task(self._listen(self._process.stderr))
        try:
            reader, self._writer = await asyncio.open_connection(sock=ours, limit=_MOST_BYTES)
            return await self._serve(reader, first)
        finally:
            await self.stop()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    @property
    def is_open(self) -> bool:
        """Whether messages reach it."""
        return self._writer is not None and not self._writer.is_closing()

    @property
    def backlog_bytes(self) -> int:
        """How much it has been sent and has not read yet."""
        return 0 if self._writer is None else self._writer.transport.get_write_buffer_size()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; nothing happens when the worker has gone."""
        line = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        self.send_line(line.encode(errors="replace") + b"\n")

    def send_line(self, line: bytes) -> None:
        """Send a message that somebody else has written."""
        if self._writer is not None and self.is_open and len(line) <= _MOST_BYTES:
            self._writer.write(line)

    def be_patient(self) -> None:
        """Give it more time to answer: what it does next may take long."""
        self._patient_until_s = asyncio.get_running_loop().time() + _BUSY_S

    async def stop(self) -> None:
        """Ask it to end, wait a moment, then kill it."""
        process = self._process
        if process is None:
            return
        self.send({"t": "stop"})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._kind.stop_s):
                await process.wait()
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:
                process.kill()
        await process.wait()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _serve(
        self, reader: asyncio.StreamReader, first: Callable[[], Iterable[Mapping[str, Any]]]
    ) -> int:
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        self.be_patient()
        for message in first():
            self.send(message)
        pinging = loop.create_task(self._ping())
        try:
            while line := await reader.readline():
                await self._hand_over(line)
                self._heard_s = loop.time()
        except (ValueError, TypeError, KeyError, AttributeError, ConnectionError) as error:
            _log.warning("%s: the worker is not understood: %r", self._kind.name, error)
        finally:
            pinging.cancel()
        return await self._ended()

    async def _hand_over(self, line: bytes) -> None:
        self._taking = True
        try:
            pause_s = self._allowance.spend(1 + len(line) // self._kind.line_bytes)
            if pause_s:
                await asyncio.sleep(pause_s)
            if self._relay is not None and line.startswith(RELAYED):
                self._relay(line)
                return
            message = json.loads(line)
            if not isinstance(message, dict):
                raise TypeError(f"{type(message).__name__} instead of a message")
            await self._take(message)
        finally:
            self._taking = False

    async def _listen(self, words: asyncio.StreamReader | None) -> None:
        while words is not None and (data := await words.read(_MOST_WORDS)):
            self.last_words = (self.last_words + data.decode(errors="replace"))[-_MOST_WORDS:]

    async def _ended(self) -> int:
        assert self._process is not None  # noqa: S101  # it was started
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._kind.stop_s):
                return await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        return await self._process.wait()

    async def _ping(self) -> None:
        """Kill a worker that says nothing, not even to a ping."""
        loop = asyncio.get_running_loop()
        number = 0
        while True:
            await asyncio.sleep(_PING_EVERY_S)
            now_s = loop.time()
            if self._taking or now_s < self._patient_until_s:
                self._heard_s = max(self._heard_s, now_s - _PING_EVERY_S)
            elif now_s - self._heard_s > self._kind.silent_s:
                _log.warning("%s: the worker does not answer and is killed", self._kind.name)
                with contextlib.suppress(ProcessLookupError):
                    if self._process is not None:
                        self._process.kill()
                return
            number += 1
            self.send({"t": "ping", "n": number})


def _environment() -> dict[str, str]:
    return _ENVIRONMENT | {name: os.environ[name] for name in _TOLD if name in os.environ}
