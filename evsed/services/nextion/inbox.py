"""What the display answers during an upload, byte for byte."""

import asyncio
from typing import Final

from evsed.errors import DisplayError

#: more than this is not an answer
_MOST: Final = 64


class Inbox:
    """A few bytes, waited for."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._more = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """Take what arrived; what no answer would need is dropped."""
        self._bytes += data[: _MOST - len(self._bytes)]
        self._more.set()

    def clear(self) -> None:
        """Forget everything."""
        self._bytes.clear()

    async def take(self, length: int, within_s: float) -> bytes:
        """Return so many bytes as soon as they are there.

        Raises:
            DisplayError: they did not come.
        """
        try:
            async with asyncio.timeout(within_s):
                while len(self._bytes) < length:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise DisplayError(f"the display did not answer within {within_s:g} s") from None
        taken = bytes(self._bytes[:length])
        del self._bytes[:length]
        return taken
