"""The files with all that belongs to them: locks, dead properties, quota. What handlers work on.

Disk work runs in worker threads. Whoever changes something holds ``changing``, so that what was
checked still holds when it is done.
"""

import asyncio
import functools
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from evsed.hardware.real_time import worker_pool
from evsed.services.webdav.copying import StoppedError, measure
from evsed.services.webdav.deposit import recover
from evsed.services.webdav.errors import DavError, from_disk
from evsed.services.webdav.live_properties import Space
from evsed.services.webdav.locks import LockTable
from evsed.services.webdav.notices import Notices
from evsed.services.webdav.paths import Names
from evsed.services.webdav.properties import PropertyStore
from evsed.services.webdav.quota import Limits, Quota
from evsed.services.webdav.resource import Found
from evsed.services.webdav.tree import Tree

#: Uploads, downloads and copies under way at a time.
MAX_TRANSFERS: Final = 4
_WORKERS: Final = 4
_PATIENCE_S: Final = 30.0

_Asked = ParamSpec("_Asked")
_Got = TypeVar("_Got")


class FileStore:
    """All of it.

    Args:
        root: the directory of the files; it exists.
        properties: the database of dead properties.
        limits: what may be stored.
        notices: where changes are told.
    """

    def __init__(
        self, root: Path, properties: PropertyStore, limits: Limits, notices: Notices
    ) -> None:
        self.tree = Tree(root)
        self.properties = properties
        self.locks = LockTable()
        self.quota = Quota(limits)
        self.notices = notices
        self.changing = asyncio.Lock()
        #: gives up long work when it is set
        self.stopping = threading.Event()
        # Of our own: a slow card that keeps all of them busy keeps no other work waiting.
        self._workers = worker_pool(_WORKERS, "evsed-files")
        self._free_bytes = 0
        self._transfers = asyncio.Semaphore(MAX_TRANSFERS)

    def tidy(self) -> None:
        """Repair what a power cut left. Blocking; before anybody is served."""
        recover(self.tree)
        self.properties.purge(lambda names: self.tree.look(names).visible is not None)

    def close(self) -> None:
        """Give up long work, wait for short work, and let go of the database. Blocking."""
        self.stopping.set()
        self._workers.shutdown()
        self.properties.close()

    async def run(
        self, work: Callable[_Asked, _Got], *args: _Asked.args, **kwargs: _Asked.kwargs
    ) -> _Got:
        """Let a worker thread do something with the disk.

        Raises:
            DavError: as the work says, or what the disk said; 503 when the daemon ends.
        """
        if self.stopping.is_set():
            raise DavError(503, "the daemon ends", closing=True)
        try:
            loop = asyncio.get_running_loop()
            call = functools.partial(work, **kwargs) if kwargs else work
            return await loop.run_in_executor(self._workers, call, *args)
        except (OSError, sqlite3.Error) as error:
            raise from_disk(error) from error
        except StoppedError as error:
            raise DavError(503, str(error)) from None

    async def tidy_up(self, work: Callable[[], None]) -> None:
        """Let something be put away, also when the daemon ends."""
        if self.stopping.is_set():
            work()
        else:
            await self.run(work)

    @asynccontextmanager
    async def transfer(self) -> AsyncIterator[None]:
        """Wait for one of four places.

        Raises:
            DavError: 503, none became free.
        """
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._transfers.acquire()
        except TimeoutError:
            raise DavError(503, "too many transfers at a time", closing=True) from None
        try:
            yield
        finally:
            self._transfers.release()

    async def space(self) -> Space:
        """Return how much room there is."""
        await self.look(((),))
        return Space(self.quota.used_bytes, self.quota.available_bytes(await self.free_bytes()))

    async def free_bytes(self) -> int:
        """Return what the file system had left at the latest look, the tree counted if need be."""
        if self.quota.stale:
            extent = await self.run(measure, self.tree, ())
            self.quota.counted(extent.bytes, max(extent.entries - 1, 0))
        return self._free_bytes

    async def look(self, wanted: Iterable[Names]) -> dict[Names, Found]:
        """Return what stands at some places, in one go."""
        found, self._free_bytes = await self.run(_look, self.tree, tuple(dict.fromkeys(wanted)))
        return found


def _look(tree: Tree, wanted: tuple[Names, ...]) -> tuple[dict[Names, Found], int]:
    return {names: tree.look(names) for names in wanted}, tree.free_bytes()
