"""Backup and restore as the REST interface offers them."""

import asyncio
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import evsed
from evsed.errors import EvsedError, RejectedError, StorageError
from evsed.host.user_files import SPARE_BYTES
from evsed.operations.operations import Operations
from evsed.services.backup import worker
from evsed.services.backup.reader import Contents
from evsed.services.backup.swap import TreeSwap
from evsed.services.backup.writer import MAX_ARCHIVE_BYTES
from evsed.settings.schema import EVSE
from evsed.settings.section import known_part
from evsed.settings.sections import SECTIONS

_PIECE: Final = 65536
_SOURCE: Final = "restore"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A finished archive in a file without a name: it is gone when it is closed or forgotten."""

    name: str
    size: int
    file: IO[bytes]

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the archive in pieces of at most 64 KiB."""
        try:
            while piece := await asyncio.to_thread(self.file.read, _PIECE):
                yield piece
        finally:
            self.file.close()


class BackupService:
    """Makes and restores archives, one at a time.

    Args:
        operations: takes the settings.
        state_dir: where ``usr`` is.
        restored: called after a restore has replaced the files.
    """

    def __init__(
        self,
        operations: Operations,
        state_dir: Path,
        restored: Callable[[], None] = lambda: None,
    ) -> None:
        self._operations = operations
        self._state_dir = state_dir
        self._swap = TreeSwap(state_dir)
        self._restored = restored
        self._busy = asyncio.Lock()

    def tidy(self) -> None:
        """Mend what a power cut during a restore has left. Never raises.

        Waits for the disk: to be called before the station starts.
        """
        try:
            self._swap.tidy()
        except OSError as error:
            _log.error("restore: %s could not be tidied up: %s", self._swap.work, error)

    async def create(self) -> Backup:
        """Return a new archive.

        Raises:
            RejectedError: the files are too many or too large.
            StorageError: the disk refused.
        """
        store, board = self._operations.store, self._operations.board
        settings = {name: store.shown(name) for name in SECTIONS}
        name = f"evsed-backup-{_file_part(settings)}-{time.strftime('%Y-%m-%d')}.zip"
        async with self._busy:
            file = await asyncio.to_thread(self._temporary, self._state_dir)
            try:
                await worker.pack(
                    file,
                    json.dumps(settings).encode(),
                    self._swap.tree,
                    version=f"v{evsed.__version__}",
                    device=board.device_name,
                )
                await asyncio.to_thread(_demand_room, self._state_dir, "made")
            except BaseException:
                file.close()
                raise
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        return Backup(name=name, size=size, file=file)

    async def restore(self, chunks: AsyncIterator[bytes]) -> None:
        """Take an archive, check all of it, then replace settings and files.

        Raises:
            RejectedError: the archive is not good, or this charger cannot do what it asks for.
            StorageError: the disk refused.
            EvsedError, TimeoutError: a setting could not be applied.
                In each case nothing has changed.
        """
        await self._busy.acquire()
        try:
            archive = await self._received(chunks)
        except BaseException:
            await self._tidied()
            self._busy.release()
            raise
        # To its end, also when the client goes.
        contents = await asyncio.shield(asyncio.ensure_future(self._taken_over(archive)))
        _log.warning(
            "settings and files restored from a backup of %r, made by evsed %s",
            contents.manifest.device,
            contents.manifest.version,
        )

    async def _taken_over(self, archive: IO[bytes]) -> Contents:
        try:
            with archive:
                contents = await self._checked(archive)
            await self._applied(contents)
            self._restored()
        finally:
            await self._tidied()
            self._busy.release()
        return contents

    def _temporary(self, folder: Path) -> IO[bytes]:
        """Return a file without a name."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return tempfile.TemporaryFile(dir=folder, buffering=4 * _PIECE)
        except OSError as error:
            raise StorageError(f"nothing can be written: {error.strerror}") from error

    async def _tidied(self) -> None:
        """Do as ``tidy`` while the station runs."""
        try:
            if await asyncio.to_thread(self._swap.rescue):
                await worker.remove(self._swap.work)
        except (OSError, StorageError) as error:
            _log.error("restore: %s could not be tidied up: %s", self._swap.work, error)

    async def _received(self, chunks: AsyncIterator[bytes]) -> IO[bytes]:
        """Return what arrives in a file without a name."""
        await self._tidied()
        file = await asyncio.to_thread(self._temporary, self._swap.work)
        try:
            await _fill(file, chunks)
        except BaseException:
            file.close()
            raise
        return file

    async def _checked(self, archive: IO[bytes]) -> Contents:
        """Return an archive whose files are unpacked and whose settings fit."""
        try:
            await asyncio.to_thread(self._swap.prepare)
            contents = await worker.unpack(archive, self._swap.fresh)
            await asyncio.to_thread(_demand_room, self._swap.work, "unpacked")
        except OSError as error:
            raise StorageError(f"the backup cannot be unpacked: {error.strerror}") from error
        unknown = sorted(set(contents.settings) - set(SECTIONS))
        if unknown:
            raise RejectedError(f"settings of a section not known here: {ascii(unknown[0])[:60]}")
        for name, values in contents.settings.items():
            self._check_section(name, values)
        return contents

    def _check_section(self, name: str, values: object) -> None:
        """Judge one section by this board. An empty one of a charger without any of it is fine."""
        if values == self._operations.store.shown(name):
            return
        try:
            self._operations.store.check(name, values)
        except RejectedError as error:
            raise RejectedError(f"{name}: {error}") from None

    async def _applied(self, contents: Contents) -> None:
        """Put files, then settings into place; take everything back when one of them fails."""
        try:
            await asyncio.to_thread(self._swap.swap)
        except OSError as error:
            raise StorageError(f"the files cannot be put into place: {error.strerror}") from error
        store = self._operations.store
        before = {name: store.shown(name) for name in contents.settings}
        done: list[str] = []
        try:
            for name, values in contents.settings.items():
                done.append(name)
                await self._apply(name, values)
        except (EvsedError, OSError, TimeoutError):
            for name in reversed(done[:-1]):
                await self._take_back(name, before[name])
            await asyncio.to_thread(self._swap.undo)
            raise

    async def _apply(self, name: str, values: Any) -> None:
        if values == self._operations.store.shown(name):
            return
        if name == "evse":
            changes = known_part(values, EVSE).items()
            await self._operations.write(tuple(changes), source=_SOURCE)
        else:
            await self._operations.change(name, values, source=_SOURCE)

    async def _take_back(self, name: str, values: Any) -> None:
        with suppress(EvsedError, OSError, TimeoutError):
            await self._apply(name, values)
            return
        _log.error("restore: %s could not be taken back", name)


async def _fill(file: IO[bytes], chunks: AsyncIterator[bytes]) -> None:
    taken = 0
    async for chunk in chunks:
        taken += len(chunk)
        if taken > MAX_ARCHIVE_BYTES:
            raise RejectedError(f"a backup is not larger than {MAX_ARCHIVE_BYTES} bytes")
        try:
            await asyncio.to_thread(file.write, chunk)
        except OSError as error:
            raise StorageError(f"the backup cannot be kept: {error.strerror}") from error
    await asyncio.to_thread(_rewind, file)


def _rewind(file: IO[bytes]) -> None:
    file.flush()
    file.seek(0)


def _demand_room(folder: Path, done: str) -> None:
    """Refuse what has filled the disk, also together with others that are on their way.

    Raises:
        StorageError: too little is left.
    """
    if _free_bytes(folder) < SPARE_BYTES:
        raise StorageError(f"the backup cannot be {done}: the disk would be full")


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _file_part(settings: Mapping[str, Any]) -> str:
    """Return the charger's name as part of a file name."""
    name = str(settings.get("discovery", {}).get("hostname", "evse"))
    return re.sub(r"[^A-Za-z0-9-]", "", name)[:63] or "evse"
