"""/config/backup and /config/restore: one archive of settings and scripts. An extension."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiohttp import web

from evsed.errors import BrokenUpload
from evsed.services.rest.answers import ok
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import BYTES, Content
from evsed.services.rest.uploads import UploadReader

MAX_ARCHIVE_BYTES: Final = 64 * 1024 * 1024

_ZIP: Final = "application/zip"
_ARCHIVE: Final = Content(media=_ZIP, schema={})
_ARCHIVE_SENT: Final = Content(media=_ZIP, schema={}, media_too=(BYTES,))


class Backup(Protocol):
    """A finished archive."""

    @property
    def name(self) -> str:
        """What a browser should call the file; plain letters, digits, dots and dashes."""

    @property
    def size(self) -> int:
        """Bytes."""

    def pieces(self) -> AsyncIterator[bytes]:
        """Yield the archive; it is gone afterwards."""


class Backups(Protocol):
    """Makes and takes archives."""

    async def create(self) -> Backup:
        """Return a new archive.

        Raises:
            RejectedError: there is more than an archive holds.
            StorageError: the disk refused.
        """

    async def restore(self, chunks: AsyncIterator[bytes]) -> None:
        """Replace settings and scripts by those of an archive, all or nothing.

        Raises:
            RejectedError: it is no good archive, or does not fit this charger.
            StorageError: the disk refused.
            BrokenUpload: from ``chunks``, as any other exception of theirs.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupResource:
    """Backup and restore as resources."""

    backups: Backups
    uploads: UploadReader = field(default_factory=lambda: UploadReader(limit=MAX_ARCHIVE_BYTES))

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (
            Endpoint(
                method="GET",
                path="/config/backup",
                handler=self.get,
                summary="Download all settings and scripts, without passwords",
                answer=_ARCHIVE,
                errors=(400,),
                extension=True,
            ),
            Endpoint(
                method="POST",
                path="/config/restore",
                handler=self.restore,
                summary="Replace settings and scripts by those of a backup, all or nothing",
                about="Passwords are kept as they are. Scripts that are not in the backup go.",
                body=_ARCHIVE_SENT,
                errors=(400, 415),
                extension=True,
                expect=self.uploads.expect,
            ),
        )

    async def get(self, request: web.Request) -> web.StreamResponse:
        """GET /config/backup."""
        backup = await self.backups.create()
        answer = web.StreamResponse(headers=_headers(backup))
        pieces: Any = backup.pieces()
        async with aclosing(pieces):
            await answer.prepare(request)
            if request.method != "HEAD":
                async for piece in pieces:
                    await answer.write(piece)
        await answer.write_eof()
        return answer

    async def restore(self, request: web.Request) -> web.Response:
        """POST /config/restore."""
        self.uploads.check(request)
        try:
            await self.backups.restore(self.uploads.pieces(request))
        except BrokenUpload as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return ok()


def _headers(backup: Backup) -> dict[str, str]:
    return {
        "Content-Type": _ZIP,
        "Content-Length": str(backup.size),
        "Content-Disposition": f'attachment; filename="{backup.name}"',
    }
