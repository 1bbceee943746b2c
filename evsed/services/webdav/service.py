"""Lives and dies: prepares the tree, serves the files until cancelled, closes the database."""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Final

from evsed.services.webdav.deposit import DIRECTORY_MODE
from evsed.services.webdav.errors import DavError
from evsed.services.webdav.file_store import FileStore
from evsed.services.webdav.notices import Changed, Notices
from evsed.services.webdav.paths import TREE
from evsed.services.webdav.properties import PropertyStore
from evsed.services.webdav.quota import Limits

_log = logging.getLogger(__name__)

_SCRIPTS: Final = "lua"
_DATABASE: Final = "dav-props.db"
#: What a request is kept waiting for: the start on a slow card, a start anew after a failure.
_PATIENCE_S: Final = 10.0


def nobody(_paths: object) -> None:
    """Tell nobody of changes."""


class WebDavService:
    """The files below ``usr`` in the state directory.

    Args:
        state_dir: where everything is kept.
        limits: what may be stored.
        changed: told which scripts have changed, at most twice a second, on the event loop.
    """

    name = "webdav"

    def __init__(
        self, state_dir: Path, limits: Limits | None = None, changed: Changed = nobody
    ) -> None:
        self._state_dir = state_dir
        self._limits = limits or Limits()
        self._changed = changed
        self._files: FileStore | None = None
        self.ready = asyncio.Event()

    async def files(self) -> FileStore:
        """Return the files, as soon as they are ready: the door is open before they are.

        Raises:
            DavError: 503, they did not become ready.
        """
        if self._files is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    await self.ready.wait()
        if self._files is None:
            raise DavError(503, "the files are not available", closing=True)
        return self._files

    async def serve(self) -> None:
        """Prepare everything, then keep it until cancelled.

        Raises:
            OSError: the tree cannot be used.
        """
        properties = await asyncio.to_thread(self._prepared)
        notices = Notices(self._changed)
        files = FileStore(self._state_dir / TREE, properties, self._limits, notices)
        await files.run(files.tidy)
        self._files = files
        self.ready.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._files = None
            self.ready.clear()
            notices.close()
            await asyncio.to_thread(files.close)

    def _prepared(self) -> PropertyStore:
        root = self._state_dir / TREE
        for folder in (self._state_dir, root, root / _SCRIPTS):
            folder.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)  # scripts make it, too
        _log.info("webdav: files are in %s", root)
        return PropertyStore(self._state_dir / _DATABASE)
