"""The process that speaks OCPP, seen from the daemon: started, spoken to in lines, ended."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Self

_MODULE: Final = "evsed.services.ocpp.process"
_MOST_LINE: Final = 64 * 1024
#: What may wait for a process that does not read; more is dropped.
_MOST_BACKLOG: Final = 256 * 1024
_GOODBYE_S: Final = 3.0
#: So many lines are read a second: the loop stays free whatever the process does.
_PAUSE_S: Final = 0.01
_MOST_WORDS: Final = 2000
_KEPT: Final = ("PATH", "LANG", "SSL_CERT_DIR", "SSL_CERT_FILE", "COVERAGE_PROCESS_START")

_log = logging.getLogger(__name__)

Message = Mapping[str, Any]


class Child:
    """One run of the process.

    Args:
        first: its first line.
        take: called with every line it writes, one after the other.
    """

    def __init__(self, first: Message, take: Callable[[Message], Awaitable[None]]) -> None:
        self._first, self._take = first, take
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._hearing: asyncio.Task[None] | None = None
        #: what it said on standard error; of interest when it has died
        self.last_words = ""

    async def __aenter__(self) -> Self:
        """Start it."""
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", _MODULE, str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._hearing = asyncio.create_task(self._hear(self._process.stderr))
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=_MOST_LINE)
        self.send(self._first)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it: it is asked first."""
        process, writer, hearing = self._process, self._writer, self._hearing
        if process is None or writer is None or hearing is None:
            return
        self.send({"t": "stop"})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await process.wait()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        writer.close()
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)

    @property
    def pid(self) -> int | None:
        """Its number."""
        return None if self._process is None else self._process.pid

    def send(self, message: Message) -> None:
        """Tell it something; nothing happens when it has gone, or does not read."""
        writer = self._writer
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() < _MOST_BACKLOG:
            writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def listen(self) -> None:
        """Take its lines until it ends."""
        reader = self._reader
        if reader is None:
            return
        try:
            while line := await reader.readline():
                await self._take(json.loads(line))
                await asyncio.sleep(_PAUSE_S)
        except (ValueError, TypeError, KeyError, ConnectionError) as error:
            _log.warning("ocpp: the process is not understood: %r", error)

    async def _hear(self, words: asyncio.StreamReader | None) -> None:
        while words is not None and (data := await words.read(_MOST_WORDS)):
            self.last_words = (self.last_words + data.decode(errors="replace"))[-_MOST_WORDS:]
