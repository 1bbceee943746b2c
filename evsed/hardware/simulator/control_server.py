"""The simulator's control socket: JSON lines, one request and one answer each.

``{"get": true}`` or ``{"set": {...}}``; ``{"ok": true, "state": {...}}`` or
``{"ok": false, "error": "...", "key": ...}``.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from evsed.errors import RejectedError

_LONGEST_LINE = 65_536

Get = Callable[[], dict[str, object]]
Set = Callable[[Mapping[str, object]], Awaitable[None]]


class ControlServer:
    """Listens on a Unix socket; ``change`` raises ``RejectedError`` for what it will not do."""

    def __init__(self, get: Get, change: Set) -> None:
        self._get = get
        self._change = change
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, path: Path) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, path, limit=_LONGEST_LINE)

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            with contextlib.suppress(ConnectionError, ValueError, asyncio.CancelledError):
                while line := await reader.readline():
                    answer = await self.answer(line)
                    writer.write(json.dumps(answer).encode() + b"\n")
                    await writer.drain()
        finally:
            writer.close()

    async def answer(self, line: bytes) -> dict[str, object]:
        """Return the answer to one request line."""
        try:
            changes = _changes(line)
            if changes is not None:
                await self._change(changes)
        except RejectedError as error:
            return {"ok": False, "error": error.reason, "key": error.key}
        return {"ok": True, "state": self._get()}


def _changes(line: bytes) -> Mapping[str, object] | None:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise RejectedError(f"not JSON: {error}") from None
    if request == {"get": True}:
        return None
    if not isinstance(request, dict) or set(request) != {"set"}:
        raise RejectedError('must be {"get": true} or {"set": {…}}')
    if not isinstance(request["set"], dict):
        raise RejectedError("must be an object", key="set")
    return request["set"]
