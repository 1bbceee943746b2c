"""Reads request bodies: content type, then size, then time, then JSON.

Source: rest.md sections 1.1 to 1.3.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from evsed.operations.strict_json import parse

MAX_BODY_BYTES: Final = 51200
#: Larger ones are parsed in a worker: 50 KiB of empty objects take several milliseconds.
_PARSED_AT_ONCE_BYTES: Final = 8192


def is_json_type(content_type: str | None) -> bool:
    """Tell whether a ``Content-Type`` header means JSON; a charset parameter must be UTF-8."""
    media, *parameters = (content_type or "").split(";")
    if media.strip().lower() != "application/json":
        return False
    named = (parameter.partition("=") for parameter in parameters)
    charsets = [value for name, _, value in named if name.strip().lower() == "charset"]
    return all(value.strip().strip('"').lower() == "utf-8" for value in charsets)


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Reads bodies of at most 50 KiB, each within ``time_s`` seconds in all."""

    time_s: float = 30.0

    async def json(self, request: web.Request) -> object:
        """Return the JSON value a client sent.

        Raises:
            web.HTTPException: 415, 413 or 408.
            RejectedError: the body is not a JSON value we take.
        """
        if not is_json_type(request.headers.get("Content-Type")):
            raise web.HTTPUnsupportedMediaType(text="Content-Type: application/json expected")
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise web.HTTPUnsupportedMediaType(text="Content-Encoding: identity expected")
        body = await self._read(request)
        if len(body) <= _PARSED_AT_ONCE_BYTES:
            return parse(body)
        return await asyncio.to_thread(parse, body)

    async def drain(self, request: web.Request) -> None:
        """Read and forget the body of a request that needs none."""
        await self._read(request)

    async def _read(self, request: web.Request) -> bytes:
        _check_size(request.content_length or 0)
        body = bytearray()
        try:
            async with asyncio.timeout(self.time_s):
                async for piece in request.content.iter_any():
                    body += piece
                    _check_size(len(body))
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="the body did not arrive in time") from None
        except web.RequestPayloadError:
            raise web.HTTPBadRequest(text="the body was cut off") from None
        return bytes(body)


def _check_size(size: int) -> None:
    if size > MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(
            max_size=MAX_BODY_BYTES,
            actual_size=size,
            text=f"the body is larger than {MAX_BODY_BYTES} bytes",
        )
