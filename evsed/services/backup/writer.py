"""Writes an archive. Runs in a worker thread."""

import hashlib
import json
import os
import stat
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from evsed.errors import RejectedError
from evsed.host.user_files import MAX_ENTRIES
from evsed.services.backup.manifest import (
    MANIFEST,
    SETTINGS,
    SUMS,
    TREE,
    Manifest,
    inside_tree,
    sum_lines,
)

MAX_ARCHIVE_BYTES: Final = 64 * 1024 * 1024

_PIECE: Final = 65536
_FILE_MODE: Final = (stat.S_IFREG | 0o640) << 16
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: ZIP knows no earlier time.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def write_archive(
    target: IO[bytes],
    settings: Mapping[str, object],
    tree: Path,
    *,
    version: str,
    device: str,
) -> None:
    """Write settings and the files below ``tree`` into a seekable file.

    Only what can be reached through /dav/usr is taken: no links, no devices, no reserved names.

    Raises:
        RejectedError: there is more than an archive may hold.
        OSError: the disk failed.
    """
    checksums: dict[str, str] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=False) as archive:
        text = json.dumps(settings, ensure_ascii=False, indent=1).encode() + b"\n"
        archive.writestr(_member(SETTINGS), text)
        checksums[SETTINGS] = hashlib.sha256(text).hexdigest()
        for count, (name, folder, file) in enumerate(_entries(tree)):
            _check_room(count, target)
            if folder:
                archive.writestr(zipfile.ZipInfo(f"{name}/", _EPOCH), b"")
                checksums[f"{name}/"] = ""
            elif file is not None:
                checksums[name] = _copy(archive, name, file)
        manifest = Manifest(
            version=version,
            created_s=int(time.time()),
            device=device,
            sums=_write_sums(archive, checksums),
        )
        archive.writestr(_member(MANIFEST), manifest.text())
    _check_room(0, target)


def _write_sums(archive: zipfile.ZipFile, checksums: Mapping[str, str]) -> str:
    """Write the table of contents; return its own checksum."""
    checksum = hashlib.sha256()
    with archive.open(_member(SUMS), "w") as copy:
        for line in sum_lines(checksums):
            checksum.update(line)
            copy.write(line)
    return checksum.hexdigest()


def _check_room(count: int, target: IO[bytes]) -> None:
    if count >= MAX_ENTRIES:
        raise RejectedError("there are too many files for a backup; copy them from /dav/usr")
    if target.tell() > MAX_ARCHIVE_BYTES:
        raise RejectedError("the files are too large for a backup; copy them from /dav/usr")


def _entries(tree: Path) -> Iterator[tuple[str, bool, IO[bytes] | None]]:
    """Yield member name, whether it is a folder, and an open file, closed when the next comes."""
    if not tree.is_dir():
        return
    for folder, folders, files, handle in os.fwalk(tree, follow_symlinks=False):
        below = Path(folder).relative_to(tree)
        base = TREE if below == Path() else f"{TREE}{below}/"
        if not _within_limits(base):
            folders.clear()
            continue
        if base != TREE:
            yield base.removesuffix("/"), True, None
        for name in files:
            if not _within_limits(base + name):
                continue
            file = _regular(name, handle)
            if file is not None:
                with file:
                    yield base + name, False, file


def _within_limits(member: str) -> bool:
    try:
        inside_tree(member)
    except RejectedError:
        return False
    return True


def _regular(name: str, folder: int) -> IO[bytes] | None:
    """Return an ordinary file, open; None for anything else, or when it has gone."""
    try:
        handle = os.open(name, _OPEN, dir_fd=folder)
    except OSError:
        return None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(handle)
        return None
    return os.fdopen(handle, "rb")


def _copy(archive: zipfile.ZipFile, name: str, file: IO[bytes]) -> str:
    """Copy one file into the archive; return its checksum."""
    found = os.fstat(file.fileno())
    if found.st_size > MAX_ARCHIVE_BYTES * 4:
        raise RejectedError(f"{name[:80]}: too large for a backup; copy it from /dav/usr")
    checksum = hashlib.sha256()
    with archive.open(_member(name, found.st_mtime), "w") as copy:
        while piece := file.read(_PIECE):
            checksum.update(piece)
            copy.write(piece)
    return checksum.hexdigest()


def _member(name: str, modified_s: float | None = None) -> zipfile.ZipInfo:
    when = max(_EPOCH, time.gmtime(modified_s)[:6])
    member = zipfile.ZipInfo(name, when)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = _FILE_MODE
    return member
