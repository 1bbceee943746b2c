"""Packs and unpacks in a process of its own.

Thousands of files are much work for an interpreter. A thread would keep taking it away from the
control thread, and on a loaded machine be put aside while holding it.
"""

import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Final

from evsed.errors import RejectedError, StorageError
from evsed.host.helper_process import helper_process
from evsed.services.backup.manifest import Manifest
from evsed.services.backup.reader import Contents, read_archive
from evsed.services.backup.writer import write_archive

_REJECTED: Final = 3
_STORAGE: Final = 4
_NICE: Final = 10
_MAX_SENTENCE: Final = 400


async def pack(
    target: IO[bytes], settings: bytes, tree: Path, *, version: str, device: str
) -> None:
    """Write settings (JSON) and the files below ``tree`` into a file.

    Raises:
        RejectedError, StorageError: as ``write_archive`` has it.
    """
    await _work("pack", str(tree), version, device, given=settings, stdout=target)


async def unpack(source: IO[bytes], folder: Path) -> Contents:
    """Check an archive and unpack its files into an empty folder.

    Raises:
        RejectedError, StorageError: as ``read_archive`` has it.
    """
    said = json.loads(await _work("unpack", str(folder), stdin=source))
    return Contents(manifest=Manifest(**said["manifest"]), settings=said["settings"])


async def remove(folder: Path) -> None:
    """Remove a folder with everything in it.

    Raises:
        StorageError: it could not be.
    """
    await _work("remove", str(folder))


async def _work(
    *arguments: str,
    given: bytes | None = None,
    stdin: IO[bytes] | int = PIPE,
    stdout: IO[bytes] | int = PIPE,
) -> bytes:
    """Run this module; return what it says."""
    async with helper_process(__name__, *arguments, stdin=stdin, stdout=stdout) as process:
        said, complaint = await process.communicate(given)
    sentence = complaint.decode(errors="replace").strip()
    if process.returncode == _REJECTED:
        raise RejectedError(sentence[:_MAX_SENTENCE])
    if process.returncode:
        raise StorageError(sentence.rpartition("\n")[2][:_MAX_SENTENCE] or "it was ended")
    return said or b""


def main(arguments: list[str]) -> int:
    """Do what the daemon asks for; return the exit status."""
    os.nice(_NICE)
    act, *rest = arguments
    try:
        _ACTS[act](*rest)
    except RejectedError as error:
        sys.stderr.write(str(error))
        return _REJECTED
    except OSError as error:
        sys.stderr.write(error.strerror or str(error))
        return _STORAGE
    return 0


def _pack(tree: str, version: str, device: str) -> None:
    settings = json.load(sys.stdin)
    with os.fdopen(os.dup(sys.stdout.fileno()), "w+b") as target:
        write_archive(target, settings, Path(tree), version=version, device=device)


def _unpack(folder: str) -> None:
    with os.fdopen(os.dup(sys.stdin.fileno()), "rb") as source:
        contents = read_archive(source, Path(folder))
    said = {"manifest": asdict(contents.manifest), "settings": contents.settings}
    sys.stdout.write(json.dumps(said))


def _remove(folder: str) -> None:
    if Path(folder).exists():
        shutil.rmtree(folder)


_ACTS: Final[dict[str, Callable[..., None]]] = {
    "pack": _pack,
    "unpack": _unpack,
    "remove": _remove,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
