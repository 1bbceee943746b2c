"""Talks to a running simulator: look at its world, and change it."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evsed.errors import HardwareError, RejectedError

_TIMEOUT_S = 5.0
_LONGEST_LINE = 65_536


class SimulatorClient:
    """One connection per request; nothing stays open.

    Every method raises ``HardwareError`` when the simulator is not there.
    """

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path

    async def get(self) -> dict[str, Any]:
        """Return everything settable and readable."""
        return await self._ask({"get": True})

    async def set(self, changes: Mapping[str, object]) -> dict[str, Any]:
        """Change the world: all of it or nothing; return what it is then.

        Raises:
            RejectedError: with the simulator's own sentence.
        """
        return await self._ask({"set": dict(changes)})

    async def _ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await self._exchange(json.dumps(request).encode() + b"\n")
        except (OSError, ValueError, TimeoutError) as error:
            words = str(error) or type(error).__name__
            raise HardwareError(f"simulator at {self._path}: {words}") from error
        if not answer["ok"]:
            raise RejectedError(str(answer["error"]), key=answer["key"])
        state: dict[str, Any] = answer["state"]
        return state

    async def _exchange(self, line: bytes) -> dict[str, Any]:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=_LONGEST_LINE)
        try:
            writer.write(line)
            await writer.drain()
            answer: dict[str, Any] = json.loads(await reader.readline())
            return answer
        finally:
            writer.close()
            await writer.wait_closed()
