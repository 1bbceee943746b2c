"""Who signed a file: minisign's detached signatures, checked by minisign itself.

Keys are files ``*.pub`` in folders that only root may write. docs/decisions/0008 says why.
"""

import asyncio
import base64
import binascii
import logging
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

_PROGRAM: Final = "minisign"
_PATIENCE_S: Final = 60.0
_MAX_KEYS: Final = 32
_MAX_KEY_BYTES: Final = 1024
#: "Ed", then eight bytes of name, then the key itself.
_KEY_BYTES: Final = 42
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH

_log = logging.getLogger(__name__)


class Signatures:
    """Trusts the keys in some folders.

    Args:
        folders: searched each time, so that a key counts from the moment it is there.
        program: minisign, or where it is.
    """

    def __init__(self, folders: Sequence[Path], program: str = _PROGRAM) -> None:
        self._folders = folders
        self._program = program

    async def signer(self, file: Path, signature: Path) -> str | None:
        """Return the name of the trusted key that signed a file; None when there is none.

        Raises:
            OSError: minisign is not installed, or cannot be started.
        """
        keys = await asyncio.to_thread(lambda: list(_trusted(self._folders)))
        for path, key in keys[:_MAX_KEYS]:
            if await self._verified(key, file, signature):
                return path.stem
        return None

    async def _verified(self, key: str, file: Path, signature: Path) -> bool:
        arguments = ("-V", "-H", "-q", "-P", key, "-x", str(signature), "-m", str(file))
        process = await asyncio.create_subprocess_exec(
            self._program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await process.wait() == 0
        except TimeoutError:
            _log.error("%s did not answer within %s s", self._program, _PATIENCE_S)
            return False
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _trusted(folders: Sequence[Path]) -> Iterable[tuple[Path, str]]:
    """Yield key files and their keys; what is not to be trusted is named in the log."""
    for folder in folders:
        for path in sorted(folder.glob("*.pub")):
            try:
                key = _key(path)
            except (OSError, ValueError) as error:
                _log.warning("update key %s is ignored: %s", path, error)
            else:
                yield path, key


def _key(path: Path) -> str:
    """Return the base64 line of a public key file.

    Raises:
        ValueError: it is none, or others than its owner may write it.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if path.stat().st_mode & _OTHERS_WRITE:
            raise ValueError("others than its owner may write it")
        text = file.read(_MAX_KEY_BYTES).decode("utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    key = lines[-1] if lines else ""
    try:
        raw = base64.b64decode(key, validate=True)
    except binascii.Error as error:
        raise ValueError("not a public key of minisign") from error
    if len(raw) != _KEY_BYTES or not raw.startswith(b"Ed"):
        raise ValueError("not a public key of minisign")
    return key
