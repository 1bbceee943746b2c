"""A file on its way through: read in pieces of any size, never held as a whole."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from evsed.errors import BrokenUpload

#: a sender that stalls this long is taken for gone
_STALL_S: Final = 30.0


class Body:
    """What a client sends, and no more of it in memory than one piece and one block."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    async def read(self, length: int) -> bytes:
        """Return exactly so many bytes.

        Raises:
            BrokenUpload: the sender stopped, or stalled.
        """
        block = bytearray()
        while len(block) < length:
            block += await self._piece(length - len(block))
        return bytes(block)

    async def skip(self, length: int) -> None:
        """Drop so many bytes.

        Raises:
            BrokenUpload: the sender stopped, or stalled.
        """
        while length:
            length -= len(await self._piece(length))

    async def _piece(self, most: int) -> memoryview:
        while not self._rest:
            self._rest = memoryview(await self._next())
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(_STALL_S):
                return await anext(self._chunks)
        except StopAsyncIteration:
            raise BrokenUpload("the file ended early") from None
        except TimeoutError:
            raise BrokenUpload(f"nothing came for {_STALL_S:.0f} s") from None
        except OSError as error:
            raise BrokenUpload(f"the sender is gone: {error}") from error
