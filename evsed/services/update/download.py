"""Gets what stands behind one https address, in a process of its own (decision 46).

The address comes on standard input, where no list of processes shows what is secret in it; what is
got goes to standard output. When that fails, one sentence stands on standard error, and the exit
status is 1. Source: rest.md section 9.
"""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urljoin

import aiohttp

import evsed
from evsed.services.update.addresses import FetchError, parts_of

MAX_REDIRECTS: Final = 3

_CONNECT_S: Final = 10.0
_SILENCE_S: Final = 30.0
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PIECE: Final = 65536
_HEADERS: Final = {"User-Agent": f"evsed/{evsed.__version__}", "Accept-Encoding": "identity"}


def main() -> int:
    """Get what is asked for; return the exit status."""
    url = sys.stdin.read()
    try:
        asyncio.run(_download(url))
    except FetchError as error:
        sys.stderr.write(str(error))
        return 1
    return 0


async def _download(url: str) -> None:
    """Write what stands behind an address to standard output."""
    parts = parts_of(url)
    try:
        async with _session() as session, _followed(session, url) as answer:
            async for piece in answer.content.iter_chunked(_PIECE):
                sys.stdout.buffer.write(piece)  # waits for the daemon: nothing else is to be done
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        host = ascii(parts.hostname)[1:-1][:80]
        raise FetchError(f"{host}: {type(error).__name__}: {str(error)[:120]}") from error


@asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    silence = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=ssl.create_default_context()),
        timeout=silence,
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    ) as session:
        yield session


@asynccontextmanager
async def _followed(
    session: aiohttp.ClientSession, url: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Yield the answer after at most three redirections, each to https."""
    for _ in range(MAX_REDIRECTS + 1):
        if parts_of(url).scheme != "https":
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


if __name__ == "__main__":
    sys.exit(main())
