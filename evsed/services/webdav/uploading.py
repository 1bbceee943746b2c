"""PUT: a file, whole or not at all, while little of it is in memory. Source: webdav.md 6.3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from aiohttp import web

from evsed.services.webdav.call import Call
from evsed.services.webdav.deposit import NewFile
from evsed.services.webdav.errors import DavError
from evsed.services.webdav.file_store import FileStore
from evsed.services.webdav.receiving import pieces_of, refuse_encoded, refuse_part
from evsed.services.webdav.resource import Found, Resource
from evsed.services.webdav.writing import refuse_fixed, refuse_occupied

#: Pieces are gathered up to this size before a worker thread writes them.
_PIECE_BYTES: Final = 65536


async def judge(call: Call) -> "_Room":
    """Refuse an upload that cannot succeed, whatever its body is.

    Raises:
        DavError: it is refused.
    """
    if call.place.standing:
        raise DavError(405, "a collection stands here")
    refuse_fixed(call)
    refuse_encoded(call.request)
    refuse_part(call.request)
    announced = _announced(call)
    old = _replaceable(call, (await call.look())[call.names])
    free_bytes = await call.files.free_bytes()
    _demand(call.files, announced, old, free_bytes)
    return _Room(free_bytes, 0 if old is None else old.size)


async def put(call: Call) -> web.StreamResponse:
    """PUT: a new file, or a new version of one."""
    room = await judge(call)
    async with call.files.transfer():
        upload = NewFile(call.files.tree, call.names)
        try:
            with _reservation(call.files) as received:
                await _receive(call, upload, received, room)
                return await _place(call, upload, received.total)
        finally:
            if upload.open:
                await call.files.tidy_up(upload.close)


class _Room(NamedTuple):
    """What the file system has left, and what the old version holds."""

    free_bytes: int
    freed_bytes: int


class _Received:
    """How much has come, with room kept for it."""

    def __init__(self, files: FileStore) -> None:
        self._quota = files.quota
        self.total = 0

    def add(self, count: int) -> None:
        self.total += count
        self._quota.reserve(count)


@contextmanager
def _reservation(files: FileStore) -> Iterator[_Received]:
    received = _Received(files)
    try:
        yield received
    finally:
        files.quota.reserve(-received.total)


def _announced(call: Call) -> int:
    """Return how much is to come as far as is known.

    Raises:
        DavError: 413.
    """
    hint = call.request.headers.get("X-Expected-Entity-Length", "")
    length = call.request.content_length
    if length is None:
        length = int(hint) if hint.isascii() and hint.isdigit() and len(hint) < 16 else 0
    if length > call.files.quota.limits.file_bytes:
        raise _too_large(call)
    return length


def _too_large(call: Call) -> DavError:
    limit_bytes = call.files.quota.limits.file_bytes
    return DavError(413, f"a file of more than {limit_bytes} bytes", closing=True)


def _replaceable(call: Call, found: Found) -> Resource | None:
    """Return the file that is to be replaced, None when there is none."""
    refuse_occupied(found)
    old = found.resource
    if old is not None and old.collection:
        raise DavError(405, "a collection stands here")
    if old is None and call.place.slash:
        raise DavError(405, "the name of a file does not end in a slash")
    call.demand(call.names, membership=old is None, deep=False)
    return old


def _demand(files: FileStore, more: int, old: Resource | None, free_bytes: int) -> None:
    freed = 0 if old is None else old.size
    try:
        files.quota.demand(max(more - freed, 0), 0 if old else 1, free_bytes)
    except DavError as error:
        error.closing = True  # the body is not read
        raise


async def _receive(call: Call, upload: NewFile, received: _Received, room: _Room) -> None:
    """Write the body to the disk as it comes."""
    files, gathered = call.files, bytearray()
    async for piece in pieces_of(call.request):
        received.add(len(piece))
        if received.total > files.quota.limits.file_bytes:
            raise _too_large(call)
        if files.quota.overdrawn(room.free_bytes, room.freed_bytes):
            raise DavError(507, "no room left", closing=True)
        gathered += piece
        if len(gathered) >= _PIECE_BYTES:
            await files.run(upload.write, gathered)
            gathered = bytearray()
    announced = call.request.content_length
    if announced is not None and announced != received.total:
        raise DavError(400, "the body is shorter than announced", closing=True)
    await files.run(_finish, upload, gathered)


def _finish(upload: NewFile, rest: bytearray) -> None:
    upload.write(rest)
    upload.finish()


async def _place(call: Call, upload: NewFile, size: int) -> web.StreamResponse:
    """Let the new version stand where it belongs, if that is still permitted."""
    files, names = call.files, call.names
    async with files.changing:
        old = _replaceable(call, (await call.look())[names])
        resource = await files.run(_placed, files, upload, names)
        files.quota.changed(size - (old.size if old else 0), 0 if old else 1)
    files.notices.note((names, False))
    headers = {"ETag": resource.etag or ""} if resource else {}
    return web.Response(status=204 if old else 201, headers=headers)


def _placed(files: FileStore, upload: NewFile, names: tuple[str, ...]) -> Resource | None:
    upload.place()
    return files.tree.look(names).visible
