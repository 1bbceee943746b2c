"""Lives and dies: prepares the tree, serves the files until cancelled, closes the database."""

import asyncio
import logging
from pathlib import Path
from typing import Final

from evsed.services.webdav.deposit import DIRECTORY_MODE
from evsed.services.webdav.file_store import FileStore
from evsed.services.webdav.notices import Changed, Notices
from evsed.services.webdav.paths import TREE
from evsed.services.webdav.properties import PropertyStore
from evsed.services.webdav.quota import Limits

_log = logging.getLogger(__name__)

_SCRIPTS: Final = "lua"
_DATABASE: Final = "dav-props.db"


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
        #: None while there is nothing to serve
        self.files: FileStore | None = None
        self.ready = asyncio.Event()

    async def serve(self) -> None:
        """Prepare everything, then keep it until cancelled.

        Raises:
            OSError: the tree cannot be used.
        """
        properties = await asyncio.to_thread(self._prepared)
        notices = Notices(self._changed)
        files = FileStore(self._state_dir / TREE, properties, self._limits, notices)
        await files.run(files.tidy)
        self.files = files
        self.ready.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.files = None
            self.ready.clear()
            notices.close()
            await asyncio.to_thread(files.close)

    def _prepared(self) -> PropertyStore:
        root = self._state_dir / TREE
        for folder in (self._state_dir, root, root / _SCRIPTS):
            if not folder.is_dir():
                folder.mkdir(mode=DIRECTORY_MODE, parents=True)
        _log.info("webdav: files are in %s", root)
        return PropertyStore(self._state_dir / _DATABASE)
