"""Fetches descriptors and packages: https with the system's certificates, or files for tests.

What comes over the network comes through a process of its own, which has TLS; the daemon has none
(decision 46). Source: rest.md section 9.
"""

import asyncio
import os
import stat
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import SplitResult, unquote

from evsed.host.helper_process import helper_process
from evsed.services.update.addresses import FetchError, parts_of

_DOWNLOAD: Final = "evsed.services.update.download"
_PIECE: Final = 65536
_MAX_SENTENCE: Final = 400


class Fetcher:
    """Gets what stands behind an address.

    Args:
        more: further variables of the environment for what goes to the network.
    """

    def __init__(self, more: Mapping[str, str] | None = None) -> None:
        self._more = more or {}

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
        parts = parts_of(url)
        if parts.scheme == "file":
            with await asyncio.to_thread(_local, parts) as file:
                yield _local_pieces(file)
            return
        async with AsyncExitStack() as stack:
            try:
                process = await stack.enter_async_context(
                    helper_process(_DOWNLOAD, more=self._more)
                )
            except OSError as error:
                raise FetchError(f"cannot be started: {error.strerror or error}") from error
            yield _remote_pieces(process, url)


async def _remote_pieces(process: Process, url: str) -> AsyncIterator[bytes]:
    given, got, said = process.stdin, process.stdout, process.stderr
    assert given is not None and got is not None and said is not None  # noqa: PT018, S101  # pipes
    given.write(url.encode(errors="surrogateescape"))
    given.close()
    while piece := await got.read(_PIECE):
        yield piece
    sentence = (await said.read(_MAX_SENTENCE)).decode(errors="replace")
    if await process.wait():
        raise FetchError(sentence.rpartition("\n")[2] or "it was ended")


async def _local_pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _PIECE):
        yield piece


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
