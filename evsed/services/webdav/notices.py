"""Tells the script engine what has changed, once for many changes. Source: webdav.md section 5."""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from evsed.services.webdav.paths import Names

Changed = Callable[[Collection[str]], None]

_SCRIPTS: Final = (".lua", ".luac")
_QUIET_S: Final = 0.5
_AT_MOST_S: Final = 5.0


class Notices:
    """Collects changes until nothing has changed for half a second, five seconds at most.

    Args:
        changed: told the paths below the tree's root, on the event loop.
    """

    def __init__(self, changed: Changed) -> None:
        self._changed = changed
        self._paths: set[str] = set()
        self._due: asyncio.TimerHandle | None = None
        self._latest_s = 0.0

    def note(self, *changed: tuple[Names, bool]) -> None:
        """Take names that have changed, each with whether it is a collection."""
        paths = {
            "/".join(names)
            for names, collection in changed
            if collection or (names and names[-1].lower().endswith(_SCRIPTS))
        }
        if not paths:
            return
        loop = asyncio.get_running_loop()
        if not self._paths:
            self._latest_s = loop.time() + _AT_MOST_S
        self._paths |= paths
        if self._due is not None:
            self._due.cancel()
        self._due = loop.call_at(min(loop.time() + _QUIET_S, self._latest_s), self._tell)

    def close(self) -> None:
        """Forget what has not been told."""
        if self._due is not None:
            self._due.cancel()
        self._due = None
        self._paths.clear()

    def _tell(self) -> None:
        paths, self._paths, self._due = self._paths, set(), None
        self._changed(frozenset(paths))
