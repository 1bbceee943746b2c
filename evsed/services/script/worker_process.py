"""One worker process as the daemon sees it: its start, its messages, its end. Source: lua.md 12."""

import asyncio
import contextlib
import json
import logging
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

_MOST_BYTES: Final = 512 * 1024
_PING_EVERY_S: Final = 1.0
_SILENT_S: Final = 3.0
#: Starting, or starting a component again, may take so long: longer than the worker's own guard.
_BUSY_S: Final = 8.0
_MOST_WORDS: Final = 2000
_STOP_S: Final = 0.3
_MODULE: Final = "evsed.services.script.worker"

Message = dict[str, Any]

_log = logging.getLogger(__name__)


class WorkerProcess:
    """A running worker.

    Args:
        take: called with every message, one after the other.
    """

    def __init__(self, take: Callable[[Message], Awaitable[None]]) -> None:
        self._take = take
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._heard_s = 0.0
        self._patient_until_s = 0.0
        self._taking = False
        #: what it said on standard error; of interest when it has died
        self.last_words = ""
        #: set when the entry file has run
        self.ready = asyncio.Event()

    async def run(self, first: Mapping[str, Any]) -> int:
        """Start it, serve it until it ends, and return its exit status; negative for a signal.

        Args:
            first: its first message.
        """
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", _MODULE, str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
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

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; nothing happens when the worker has gone."""
        if self._writer is not None and not self._writer.is_closing():
            line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
            if len(line) <= _MOST_BYTES:
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
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:
                process.kill()
        await process.wait()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _serve(self, reader: asyncio.StreamReader, first: Mapping[str, Any]) -> int:
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        self.be_patient()
        self.send(first)
        pinging = loop.create_task(self._ping())
        try:
            while line := await reader.readline():
                await self._hand_over(json.loads(line))
                self._heard_s = loop.time()
        except (ValueError, TypeError, KeyError, AttributeError, ConnectionError) as error:
            _log.warning("script: the worker is not understood: %r", error)
        finally:
            pinging.cancel()
        return await self._ended()

    async def _hand_over(self, message: Message) -> None:
        if not isinstance(message, dict):
            raise TypeError(f"{type(message).__name__} instead of a message")
        self._taking = True
        try:
            await self._take(message)
        finally:
            self._taking = False

    async def _listen(self, words: asyncio.StreamReader | None) -> None:
        while words is not None and (data := await words.read(_MOST_WORDS)):
            self.last_words = (self.last_words + data.decode(errors="replace"))[-_MOST_WORDS:]

    async def _ended(self) -> int:
        assert self._process is not None  # noqa: S101  # it was started
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                return await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        return await self._process.wait()

    async def _ping(self) -> None:
        """Kill a worker that says nothing for three seconds, not even to a ping."""
        loop = asyncio.get_running_loop()
        number = 0
        while True:
            await asyncio.sleep(_PING_EVERY_S)
            now_s = loop.time()
            if self._taking or now_s < self._patient_until_s:
                self._heard_s = max(self._heard_s, now_s - _PING_EVERY_S)
            elif now_s - self._heard_s > _SILENT_S:
                _log.warning("script: the worker does not answer and is killed")
                with contextlib.suppress(ProcessLookupError):
                    if self._process is not None:
                        self._process.kill()
                return
            number += 1
            self.send({"t": "ping", "n": number})
