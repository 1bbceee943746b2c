"""Reads a Debian package without running any of it. Blocking; for worker threads.

A package is an ``ar`` archive: ``debian-binary``, ``control.tar.*``, ``data.tar.*``; ours ends with
``_evsed-sig``, minisign's signature of every byte before it. Only the control file is unpacked, and
never more than a megabyte. docs/decisions/0008 says why ``dpkg-deb`` is not asked.

Source: deb(5), deb-control(5).
"""

import io
import lzma
import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from evsed.errors import UpdateError

SIGNATURE: Final = "_evsed-sig"
MIN_BYTES: Final = 1024
MAX_SIGNATURE_BYTES: Final = 4096

_MAGIC: Final = b"!<arch>\n"
_HEADER_BYTES: Final = 60
_HEADER_END: Final = b"`\n"
_MAX_PACKED: Final = 1024 * 1024
_MAX_CONTROL_TAR: Final = 1024 * 1024
_MAX_CONTROL: Final = 65536
_CONTROL_NAMES: Final = ("control.tar", "control.tar.gz", "control.tar.xz")
_FIELD: Final = re.compile(r"^([A-Za-z0-9-]+):[ \t]*(.*)$", re.MULTILINE)
#: What xz may take for itself; its strongest setting needs 65 MiB.
_XZ_MEMORY: Final = 80 * 1024 * 1024
_GZIP: Final = 31
_BROKEN: Final = (
    EOFError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    ValueError,
    OverflowError,
    IndexError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One part of the archive: ``start`` is where its header begins, ``data`` its content."""

    name: str
    start: int
    data: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What a package says of itself, and where its signature is.

    Args:
        signed_bytes: how many bytes from the start the signature covers; the whole file without.
        signature: minisign's text; None for an unsigned package.
    """

    name: str
    version: str
    architecture: str
    signed_bytes: int
    signature: bytes | None


def read_package(file: IO[bytes]) -> Package:
    """Return what stands in a package.

    Raises:
        UpdateError: 523, it is not a whole Debian package.
        OSError: the disk failed.
    """
    size = file.seek(0, os.SEEK_END)
    if size < MIN_BYTES:
        raise _bad("it is too short")
    members = list(_members(file, size))
    signature = members.pop() if members and members[-1].name == SIGNATURE else None
    control = _checked(file, members)
    fields = _fields(file, control)
    return Package(
        name=fields.get("package", ""),
        version=fields.get("version", ""),
        architecture=fields.get("architecture", ""),
        signed_bytes=size if signature is None else signature.start,
        signature=None if signature is None else _signature(file, signature),
    )


def _members(file: IO[bytes], size: int) -> Iterator[Member]:
    """Yield the members; each must be whole, and the last one end where the file does."""
    file.seek(0)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise _bad("it does not begin like one")
    at = len(_MAGIC)
    for _ in range(16):
        if at >= size:
            return
        file.seek(at)
        member = _member(file.read(_HEADER_BYTES), at)
        at = member.data + member.size
        if at > size:
            raise _bad("it is cut off")
        at += at % 2
        yield member
    raise _bad("it has too many parts")


def _member(header: bytes, at: int) -> Member:
    digits = header[48:58].rstrip(b" ")
    if len(header) != _HEADER_BYTES or header[58:] != _HEADER_END or not digits.isdigit():
        raise _bad("a part of it has no header")
    name = header[:16].decode("ascii", errors="replace").rstrip(" ").removesuffix("/")
    return Member(name=name, start=at, data=at + _HEADER_BYTES, size=int(digits))


def _checked(file: IO[bytes], members: list[Member]) -> Member:
    """Return the control part of members in the right order."""
    if not members or members[0].name != "debian-binary":
        raise _bad("debian-binary is not its first part")
    file.seek(members[0].data)
    if not file.read(min(members[0].size, 16)).startswith(b"2."):
        raise _bad("it is of another format than 2")
    parts = [member for member in members[1:] if not member.name.startswith("_")]
    if len(parts) != 2 or not parts[1].name.startswith("data.tar"):
        raise _bad("control.tar and data.tar are not its two parts")
    control = parts[0]
    if control.name not in _CONTROL_NAMES:
        raise _bad(f"{control.name!a}: only {', '.join(_CONTROL_NAMES)} can be read")
    if control.size > _MAX_PACKED:
        raise _bad("its control part is too large")
    return control


def _fields(file: IO[bytes], member: Member) -> dict[str, str]:
    """Return the fields of the control file, their names in lower case."""
    file.seek(member.data)
    packed = file.read(member.size)
    try:
        plain = _unpacked(member.name, packed)
        text = None if len(plain) > _MAX_CONTROL_TAR else _control(plain)
    except _BROKEN:
        raise _bad("its control part cannot be read") from None
    if text is None:
        raise _bad("its control part is too large, or has no control file")
    paragraph = text.split("\n\n", 1)[0]
    return {name.lower(): value.strip() for name, value in _FIELD.findall(paragraph)}


def _unpacked(name: str, packed: bytes) -> bytes:
    """Return the plain archive, or a byte more than it may have."""
    most = _MAX_CONTROL_TAR + 1
    match name.rpartition(".")[2]:
        case "gz":
            return zlib.decompressobj(_GZIP).decompress(packed, most)
        case "xz":
            xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
            return xz.decompress(packed, most)
        case _:
            return packed


def _control(plain: bytes) -> str | None:
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as tar:
        for entry in tar:
            if entry.name in {"control", "./control"} and entry.isreg():
                if entry.size > _MAX_CONTROL:
                    return None
                content = tar.extractfile(entry)
                return None if content is None else content.read(_MAX_CONTROL).decode("utf-8")
    return None


def _signature(file: IO[bytes], member: Member) -> bytes:
    if member.size > MAX_SIGNATURE_BYTES:
        raise _bad("its signature is too long")
    file.seek(member.data)
    return file.read(member.size)


def _bad(reason: str) -> UpdateError:
    return UpdateError(523, f"not an evsed package: {reason}")
