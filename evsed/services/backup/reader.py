"""Reads an archive somebody sent: everything is judged before anything is used.

Runs in a worker thread. A ZIP file is a hostile thing: its directory is checked for its size before
it is read, no member is written by its own name, and never more is unpacked than is permitted.
"""

import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from evsed.errors import RejectedError
from evsed.host.user_files import MAX_ENTRIES, MAX_TREE_BYTES
from evsed.services.backup.manifest import (
    MANIFEST,
    SETTINGS,
    SUMS,
    Manifest,
    inside_tree,
    read_manifest,
    read_object,
    read_sums,
)

#: Of a JSON document: it is read in one go, during which no other thread runs.
MAX_TEXT_BYTES: Final = 128 * 1024

_PIECE: Final = 65536
_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR_BYTES: Final = 20
#: Room for as many and as long names as are permitted.
_MAX_DIRECTORY_BYTES: Final = 12 * 1024 * 1024
_MAX_SUM_LINE: Final = 1200
_OURS: Final = frozenset({MANIFEST, SUMS, SETTINGS})
_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """An archive that has been found good."""

    manifest: Manifest
    settings: Mapping[str, object]


def read_archive(source: IO[bytes], folder: Path) -> Contents:
    """Check an archive and unpack its files into an empty folder.

    Raises:
        RejectedError: it is not a whole and harmless backup.
        OSError: the disk failed.
    """
    with _opened(source) as archive:
        members = _members(archive)
        manifest = read_manifest(_text(archive, members, MANIFEST))
        sums = _sums(archive, members, manifest)
        if members.keys() - {MANIFEST, SUMS} != sums.keys():
            raise RejectedError("the files in the backup are not those of its table of contents")
        settings = _text(archive, members, SETTINGS)
        _compare(hashlib.sha256(settings).hexdigest(), sums[SETTINGS], SETTINGS)
        _unpack(archive, members, sums, folder)
    return Contents(manifest=manifest, settings=read_object(settings, SETTINGS))


@contextmanager
def _opened(source: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    _check_directory(source)
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except _BROKEN as error:
        raise RejectedError(f"not a readable backup: {str(error)[:80]}") from None


def _check_directory(source: IO[bytes]) -> None:
    """Refuse a directory too large to be read; our archives end with a plain end record."""
    size = source.seek(0, os.SEEK_END)
    if size < _END.size:
        raise RejectedError("not a backup: it is too short")
    source.seek(max(0, size - _END.size - _LOCATOR_BYTES))
    tail = source.read()
    end = _END.unpack(tail[-_END.size :])
    signature, _, _, _, entries, directory, _, _ = end
    if signature != b"PK\5\6":
        raise RejectedError("not a backup: it does not end like a ZIP archive")
    if tail[: -_END.size].startswith(b"PK\6\7") or entries > MAX_ENTRIES + len(_OURS):
        raise RejectedError(f"more than {MAX_ENTRIES} files")
    if directory > _MAX_DIRECTORY_BYTES:
        raise RejectedError("the directory of the archive is too large")


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name; each may be there once, and all together be so large."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.orig_filename
        if name in members:
            raise RejectedError(f"{ascii(name)[:80]}: is there twice")
        members[name] = member
        _check_member(name, member)
    if len(members) > MAX_ENTRIES + len(_OURS):
        raise RejectedError(f"more than {MAX_ENTRIES} files")
    if sum(member.file_size for member in members.values()) > MAX_TREE_BYTES:
        raise RejectedError(f"more than {MAX_TREE_BYTES} bytes unpacked")
    return members


def _check_member(name: str, member: zipfile.ZipInfo) -> None:
    if name not in _OURS:
        inside_tree(name)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in {0, stat.S_IFDIR if name.endswith("/") else stat.S_IFREG}:
        raise RejectedError(f"{ascii(name)[:80]}: neither a file nor a folder")
    if member.flag_bits & _ENCRYPTED:
        raise RejectedError(f"{ascii(name)[:80]}: is encrypted")
    if member.compress_type not in _METHODS:
        raise RejectedError(f"{ascii(name)[:80]}: packed in a way that is not known here")


def _sums(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], manifest: Manifest
) -> dict[str, str]:
    """Return the checksum of each member, from a table of contents that is itself right."""
    member, checksum = members.get(SUMS), hashlib.sha256()
    if member is None or member.file_size > _MAX_DIRECTORY_BYTES:
        raise RejectedError(f"not a backup: {SUMS} is missing or too large")

    def lines() -> Iterator[bytes]:
        with archive.open(member) as file:
            while line := file.readline(_MAX_SUM_LINE):
                checksum.update(line)
                yield line

    found = read_sums(lines())
    _compare(checksum.hexdigest(), manifest.sums, SUMS)
    if SETTINGS not in found:
        raise RejectedError(f"not a backup: {SETTINGS} is missing")
    return found


def _text(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], name: str) -> bytes:
    member = members.get(name)
    if member is None:
        raise RejectedError(f"not a backup: {name} is missing")
    if member.file_size > MAX_TEXT_BYTES:
        raise RejectedError(f"{name}: larger than {MAX_TEXT_BYTES} bytes")
    with archive.open(member) as file:
        return file.read(MAX_TEXT_BYTES)


def _unpack(
    archive: zipfile.ZipFile,
    members: Mapping[str, zipfile.ZipInfo],
    sums: Mapping[str, str],
    folder: Path,
) -> None:
    for name in members.keys() - _OURS:
        target = folder.joinpath(*inside_tree(name))
        try:
            if name.endswith("/"):
                target.mkdir(mode=0o750, parents=True, exist_ok=True)
                continue  # nothing in it to compare
            target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            checksum = _write(archive, members[name], target)
        except (FileExistsError, NotADirectoryError):
            raise RejectedError(f"{ascii(name)[:80]}: both a file and a folder") from None
        _compare(checksum, sums[name], name)


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> str:
    """Write one file; return its checksum."""
    checksum = hashlib.sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with archive.open(member) as packed, os.fdopen(os.open(target, flags, 0o640), "wb") as file:
        while piece := packed.read(_PIECE):
            checksum.update(piece)
            file.write(piece)
    return checksum.hexdigest()


def _compare(found: str, wanted: str, name: str) -> None:
    if found != wanted:
        raise RejectedError(f"{ascii(name)[:80]}: damaged, the checksum is another one")
