"""Fetches descriptors and packages: https with the system's certificates, or files for tests.

Source: rest.md section 9.
"""

import asyncio
import os
import ssl
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import aiohttp

import evsed

MAX_REDIRECTS: Final = 3

_CONNECT_S: Final = 10.0
_SILENCE_S: Final = 30.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PIECE: Final = 65536
_HEADERS: Final = {"User-Agent": f"evsed/{evsed.__version__}", "Accept-Encoding": "identity"}


class FetchError(Exception):
    """Nothing was got; one sentence, without what may be secret in an address."""


class Fetcher:
    """Gets what stands behind an address.

    Args:
        tls: makes the context for https; the system's certificates by default.
    """

    def __init__(self, tls: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> None:
        self._tls = tls

    async def read(self, url: str, limit: int) -> bytes:
        """Return a small document.

        Raises:
            FetchError: it could not be got, or is larger than ``limit`` bytes.
        """
        taken = bytearray()
        async with self.opened(url) as pieces:
            async for piece in pieces:
                taken += piece
                if len(taken) > limit:
                    raise FetchError(f"larger than {limit} bytes")
        return bytes(taken)

    @asynccontextmanager
    async def opened(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield what stands behind an address, in pieces of at most 64 KiB.

        Raises:
            FetchError: it cannot be got, now or while its pieces are taken.
        """
        parts = _split(url)
        if parts.scheme == "file":
            with await asyncio.to_thread(_local, parts) as file:
                yield _local_pieces(file)
            return
        try:
            async with self._session() as session, _followed(session, url) as answer:
                yield _remote_pieces(answer)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            host = ascii(parts.hostname)[1:-1][:80]
            raise FetchError(f"{host}: {type(error).__name__}: {str(error)[:120]}") from error

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        context = await asyncio.to_thread(self._tls)
        silence = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context),
            timeout=silence,
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session:
            yield session


def beside(url: str, path: str) -> str:
    """Return the address a descriptor means by a path.

    Raises:
        FetchError: somebody else's descriptor names a file of this machine.
    """
    try:
        there = urljoin(url, path)
    except ValueError:
        raise FetchError("the address is not one") from None
    if _split(there).scheme == "file" and _split(url).scheme != "file":
        raise FetchError("a channel on the network cannot offer a file of this machine")
    return there


@asynccontextmanager
async def _followed(
    session: aiohttp.ClientSession, url: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Yield the answer after at most three redirections, each to https."""
    for _ in range(MAX_REDIRECTS + 1):
        if _split(url).scheme != "https":
            raise FetchError("only https is used")
        async with session.get(url, allow_redirects=False) as answer:
            if answer.status not in _REDIRECTS:
                _check(answer)
                yield answer
                return
            url = urljoin(url, answer.headers.get("Location", ""))
    raise FetchError(f"more than {MAX_REDIRECTS} redirections")


def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.status != 200:
        raise FetchError(f"the server answers {answer.status}")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchError("the server sends it packed, unasked")


async def _remote_pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for piece in answer.content.iter_chunked(_PIECE):
        yield piece


async def _local_pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _PIECE):
        yield piece


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise FetchError("the address is not one") from None
    if parts.scheme not in {"https", "file"}:
        raise FetchError("only https is used")
    return parts


def _local(parts: SplitResult) -> IO[bytes]:
    """Open an ordinary file of this machine."""
    if parts.netloc not in {"", "localhost"}:
        raise FetchError("a file of another machine")
    path = Path(unquote(parts.path))
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason: Any = getattr(error, "strerror", None) or "not a path"
        raise FetchError(f"{ascii(str(path))[1:-1][:80]}: {reason}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FetchError("not an ordinary file")
    return os.fdopen(handle, "rb")
