"""Reads large bodies piece by piece, never more than one piece in memory.

Source: rest.md sections 1.1, 9, 10 and 12.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from evsed.errors import BrokenUpload

#: At most this much is handed on at a time.
PIECE_BYTES: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadReader:
    """Reads files of at most ``limit`` bytes, giving up after ``idle_s`` seconds without a byte."""

    limit: int
    idle_s: float = 60.0

    def check(self, request: web.Request) -> None:
        """Judge what is announced, before anything is read.

        Raises:
            web.HTTPException: 415 or 413.
        """
        media = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media == "multipart/form-data":
            raise web.HTTPUnsupportedMediaType(
                text="the bare file is expected as the body, not a form (multipart/form-data)"
            )
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise web.HTTPUnsupportedMediaType(text="Content-Encoding: identity expected")
        self._check_size(request.content_length or 0)

    async def expect(self, request: web.Request) -> None:
        """Judge what is announced, before a client that asks is told to go on.

        Raises:
            web.HTTPException: 415 or 413.
        """
        self.check(request)

    async def pieces(self, request: web.Request) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            BrokenUpload: the client stopped in the middle.
            web.HTTPException: 413 or 408.
        """
        taken = 0
        while piece := await self._piece(request, taken):
            taken += len(piece)
            self._check_size(taken)
            yield piece

    async def _piece(self, request: web.Request, taken: int) -> bytes:
        try:
            async with asyncio.timeout(self.idle_s):
                return await request.content.read(PIECE_BYTES)
        except TimeoutError:
            text = f"no byte arrived for {self.idle_s:g} s"
            raise web.HTTPRequestTimeout(text=text) from None
        except (web.RequestPayloadError, ConnectionError):
            announced = request.content_length
            of = "" if announced is None else f" of {announced}"
            raise BrokenUpload(f"the upload broke off after {taken}{of} bytes") from None

    def _check_size(self, size: int) -> None:
        if size > self.limit:
            raise web.HTTPRequestEntityTooLarge(
                max_size=self.limit,
                actual_size=size,
                text=f"the file is larger than {self.limit} bytes",
            )


def announced_length(request: web.Request) -> int | None:
    """Return how many bytes the body has; None when the client does not say beforehand."""
    if request.content_length is not None:
        return request.content_length
    return None if "Transfer-Encoding" in request.headers else 0
