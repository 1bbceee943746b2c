"""A package on its way: one folder in the state directory, emptied before and after."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from evsed.errors import UpdateError
from evsed.services.update.deb import Package, read_package

MAX_BYTES: Final = 64 * 1024 * 1024

T = TypeVar("T")

_BLOCK: Final = 256 * 1024


class Staging:
    """The folder and the one package in it.

    Args:
        folder: belongs to this class alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.package = folder / "evsed.deb"
        self.signature = folder / "evsed.deb.minisig"

    def clear(self) -> None:
        """Remove whatever is staged. Waits for the disk."""
        shutil.rmtree(self._folder, ignore_errors=True)

    async def take(
        self, chunks: AsyncIterator[bytes], told: Callable[[int], None]
    ) -> tuple[int, str]:
        """Write what arrives to the disk; return its size and SHA-256.

        Args:
            chunks: the package.
            told: called with the number of bytes so far.

        Raises:
            UpdateError: 521, it is larger than 64 MiB, or the disk failed.
        """
        checksum, taken = hashlib.sha256(), 0
        with await _disk(self._opened) as file:
            async for chunk in chunks:
                taken += len(chunk)
                if taken > MAX_BYTES:
                    raise UpdateError(521, f"the package is larger than {MAX_BYTES} bytes")
                checksum.update(chunk)
                await _disk(file.write, chunk)
                told(taken)
            await _disk(_settle, file)
        return taken, checksum.hexdigest()

    async def split(self) -> Package:
        """Return what the package says, its signature cut off into a file of its own.

        What is left is the package as ``dpkg-deb`` built it, and what the signature is for.

        Raises:
            UpdateError: 523, it is not a whole package; 521, the disk failed.
        """
        return await _disk(self._split)

    def _opened(self) -> IO[bytes]:
        self.clear()
        self._folder.mkdir(mode=0o750, parents=True)
        return self.package.open("wb", buffering=_BLOCK)

    def _split(self) -> Package:
        with self.package.open("r+b") as file:
            package = read_package(file)
            if package.signature is not None:
                file.truncate(package.signed_bytes)
                self.signature.write_bytes(package.signature)
            _settle(file)
        return package


def _settle(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


async def _disk(act: Callable[..., T], *arguments: Any) -> T:
    """Do something with the disk in a thread; its failure is one of the update."""
    try:
        return await asyncio.to_thread(act, *arguments)
    except OSError as error:
        raise UpdateError(521, f"the package cannot be kept: {error.strerror}") from error
