"""Reads request bodies piece by piece, with patience that ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError, TransferEncodingError

from evsed.services.webdav.errors import DavError, bad
from evsed.services.webdav.xml_reader import MAX_BODY_BYTES

#: How long a body may pause, s.
IDLE_S: Final = 60.0
#: What it has to bring on average beyond one pause, or drops would hold a place for ever.
LEAST_BYTES_PER_S: Final = 500


async def pieces_of(request: web.Request, idle_s: float = IDLE_S) -> AsyncIterator[bytes]:
    """Yield a body as it arrives.

    Raises:
        DavError: 408, nothing or too little came for too long; 400, the body is broken.
        ConnectionError: the client has gone.
    """
    clock = asyncio.get_running_loop().time
    until_s = clock() + idle_s
    while True:
        try:
            async with asyncio.timeout_at(min(until_s, clock() + idle_s)):
                piece = await request.content.readany()
        except TimeoutError:
            raise DavError(408, f"too little came for {idle_s:g} s", closing=True) from None
        except (web.RequestPayloadError, PayloadEncodingError, TransferEncodingError) as error:
            raise DavError(400, f"the body is broken: {error}", closing=True) from None
        if not piece:
            return
        until_s += len(piece) / LEAST_BYTES_PER_S
        yield piece
        if request.content.at_eof() and request.content.exception() is None:
            return  # that was all: no further look, which costs as much as the first


async def small_body(request: web.Request) -> bytes:
    """Return the XML of a request.

    Raises:
        DavError: 413, it is more than 64 KiB; 408; 400.
    """
    if not request.body_exists:
        return b""
    refuse_encoded(request)
    body = bytearray()
    if (request.content_length or 0) <= MAX_BODY_BYTES:
        async for piece in pieces_of(request):
            body += piece
            if len(body) > MAX_BODY_BYTES:
                break
        else:
            return bytes(body)
    raise DavError(413, f"XML of more than {MAX_BODY_BYTES} bytes", closing=True)


def refuse_encoded(request: web.Request) -> None:
    """Refuse a body in another encoding.

    Raises:
        DavError: 415.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise DavError(415, "Content-Encoding: identity expected", closing=True)


def refuse_part(request: web.Request) -> None:
    """Refuse to replace a part of a file.

    Raises:
        DavError: 400.
    """
    if "Content-Range" in request.headers:
        raise bad("Content-Range: files are only written whole")
