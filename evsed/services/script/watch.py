"""Notices that scripts have changed on disk, whoever changed them. Source: lua.md section 4."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

_LOOK_EVERY_S: Final = 2.0
_SETTLED_S: Final = 0.3
_MOST_FILES: Final = 10_000

#: names, sizes and times of the files
Signature = tuple[tuple[str, int, int], ...]


class TreeWatch:
    """Looks every two seconds, or when it is given a hint.

    Args:
        folder: where the scripts are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hinted = asyncio.Event()

    def hint(self) -> None:
        """Look soon."""
        self._hinted.set()

    async def changes(self) -> AsyncIterator[None]:
        """Yield once for every change, 300 ms after the last file was touched."""
        seen = await asyncio.to_thread(_signature, self._folder)
        while True:
            await self._pause()
            found = await asyncio.to_thread(_signature, self._folder)
            if found == seen:
                continue
            while True:
                await asyncio.sleep(_SETTLED_S)
                later = await asyncio.to_thread(_signature, self._folder)
                if later == found:
                    break
                found = later
            seen = found
            yield

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await self._hinted.wait()
        except TimeoutError:
            pass
        self._hinted.clear()


def _signature(folder: Path) -> Signature:
    found: list[tuple[str, int, int]] = []
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".lua") and not name.startswith(".") and len(found) < _MOST_FILES:
                try:
                    status = Path(place, name).lstat()
                except OSError:
                    continue
                found.append((f"{place}/{name}", status.st_size, status.st_mtime_ns))
    return tuple(sorted(found))
