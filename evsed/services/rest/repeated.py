"""One answer for everybody who asks while nothing has changed: made once, sent as it stands.

A charger is asked for its state far more often than the state changes, so GET /state is encoded
once per snapshot. The first to ask gets an ordinary response; those who follow get its bytes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from aiohttp import HttpVersion11, web

from evsed.services.rest.schema import JSON

T = TypeVar("T")

#: The ``Date`` header is at most so much older than the answer.
_FRESH_S: Final = 0.5


@dataclass(slots=True)
class _Sent:
    """What the first response was, head and body; empty until it has been sent."""

    body: bytes
    wire: bytes = b""
    until_s: float = 0.0


class RepeatedAnswer(Generic[T]):
    """Answers of one resource.

    Args:
        source: returns what the answer is about, an object that never changes.
        encode: makes the JSON from it.
    """

    def __init__(self, source: Callable[[], T], encode: Callable[[T], bytes]) -> None:
        self._source = source
        self._encode = encode
        self._about: T | None = None
        self._sent = _Sent(b"")

    def response(self) -> web.StreamResponse:
        """Return the answer to one request."""
        thing = self._source()
        if thing is not self._about:
            self._sent = _Sent(self._encode(thing))
            self._about = thing
        return _Repeated(self._sent, self.again)

    def again(self) -> bytes | None:
        """Return the bytes to send to who asks exactly the same; None when it is made anew."""
        sent = self._sent
        fresh = self._source() is self._about and time.monotonic() < sent.until_s
        return sent.wire if fresh else None


class _Repeated(web.Response):
    """Takes the short way where every answer looks the same.

    ``again`` is for the connection: it may send these bytes by itself when the same is asked.
    """

    def __init__(self, sent: _Sent, again: Callable[[], bytes | None]) -> None:
        super().__init__()
        self._sent = sent
        self._again = again
        self._short = False
        self.again: Callable[[], bytes | None] | None = None

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open; nobody else is sent the short way."""
        return True if self._short else super().keep_alive

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Send the bytes of the first answer, or be an ordinary response."""
        sent, transport = self._sent, request.transport
        if transport is None or not _is_plain(request):
            return await self._in_full(request)
        self.again = self._again
        if time.monotonic() < sent.until_s:
            self._short = True
            transport.write(sent.wire)
            await request.writer.drain()
            return None
        writer = await self._in_full(request)
        sent.wire = _head(self) + sent.body
        sent.until_s = time.monotonic() + _FRESH_S
        return writer

    async def _in_full(self, request: web.BaseRequest) -> Any:
        self.body = self._sent.body
        self.content_type = JSON
        return await super().prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        """End an ordinary response; the short way has sent everything."""
        if not self._short:
            await super().write_eof(data)


def _is_plain(request: web.BaseRequest) -> bool:
    """Tell whether nothing in a request changes the headers of its answer."""
    return (
        request.method == "GET"
        and request.version == HttpVersion11
        and request.keep_alive
        and not request.body_exists
        and "Origin" not in request.headers
    )


def _head(response: web.Response) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    return "\r\n".join((*lines, "", "")).encode()
