"""What stands inside an archive: its table of contents and the rules for names. Pure.

An archive is a ZIP file::

    evsed-backup.json   format, versions, and the checksum of the next one
    SHA256SUMS          every other member, as ``sha256sum --check`` reads it; folders behind a #
    settings.json       every section of /config, without secrets
    usr/...             the files of /dav/usr

The table of contents is lines and not JSON, because it may be long: a parser of JSON written in C
lets no other thread run until it is done.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from evsed.errors import RejectedError
from evsed.host.user_files import MAX_ENTRIES, MAX_LEVELS, MAX_PATH_BYTES, reachable

FORMAT: Final = 1
MANIFEST: Final = "evsed-backup.json"
SUMS: Final = "SHA256SUMS"
SETTINGS: Final = "settings.json"
TREE: Final = "usr/"

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SUM_LINE: Final = re.compile(rb"(?:(?P<sum>[0-9a-f]{64})  |#)(?P<name>[^\n]{1,1100})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Where an archive comes from.

    Args:
        version: of the daemon that made it.
        created_s: Unix seconds.
        device: name of the board it comes from.
        sums: SHA-256 of the table of contents, hexadecimal.
    """

    version: str
    created_s: int
    device: str
    sums: str

    def text(self) -> bytes:
        """Return what ``read_manifest`` reads."""
        document = {
            "format": FORMAT,
            "version": self.version,
            "created": self.created_s,
            "device": self.device,
            "sums": self.sums,
        }
        return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def read_manifest(data: bytes) -> Manifest:
    """Return where an archive comes from.

    Raises:
        RejectedError: it is none of ours, or one of another format.
    """
    document = read_object(data, MANIFEST)
    found = document.get("format")
    if type(found) is not int or found != FORMAT:
        raise RejectedError(
            f"{MANIFEST}: format {ascii(found)[:20]} cannot be read, only {FORMAT} can"
        )
    sums, created = document.get("sums"), document.get("created")
    if not isinstance(sums, str) or not _SHA256.fullmatch(sums):
        raise RejectedError(f"{MANIFEST}: sums: a checksum expected")
    return Manifest(
        version=_short(document.get("version")),
        created_s=created if type(created) is int else 0,
        device=_short(document.get("device")),
        sums=sums,
    )


def sum_lines(checksums: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the table of contents: checksums of files; folders have none."""
    for name, checksum in checksums.items():
        yield f"{checksum}  {name}\n".encode() if checksum else f"#{name}\n".encode()


def read_sums(lines: Iterable[bytes]) -> dict[str, str]:
    """Return the checksums of a table of contents; an empty one for a folder.

    Raises:
        RejectedError: a line is none, or names something twice.
    """
    found: dict[str, str] = {}
    for line in lines:
        known = _SUM_LINE.fullmatch(line)
        if known is None:
            raise RejectedError(f"{SUMS}: a line that is none")
        name = known["name"].decode("utf-8", errors="replace")
        if name in found or len(found) > MAX_ENTRIES + 1:
            raise RejectedError(f"{SUMS}: {ascii(name)[:80]} is there twice, or there are too many")
        found[name] = (known["sum"] or b"").decode("ascii")
    return found


def read_object(data: bytes, name: str) -> dict[str, object]:
    """Return a JSON object.

    Raises:
        RejectedError: it is something else.
    """
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise RejectedError(f"{name}: not JSON") from None
    if not isinstance(value, dict):
        raise RejectedError(f"{name}: not an object")
    return value


def inside_tree(member: str) -> tuple[str, ...]:
    """Return the names below the root of the tree that a member stands for; none for the root.

    Raises:
        RejectedError: the member would be written somewhere else, or nobody could reach it.
    """
    path = member.removeprefix(TREE)
    if path == member or len(path.encode(errors="replace")) > MAX_PATH_BYTES:
        raise RejectedError(f"{ascii(member)[:80]}: does not belong into a backup")
    names = tuple(path.removesuffix("/").split("/")) if path else ()
    if len(names) > MAX_LEVELS or not all(reachable(name) for name in names):
        raise RejectedError(f"{ascii(member)[:80]}: a name that is not permitted")
    return names


def _short(value: object) -> str:
    return ascii(value)[1:-1][:64] if isinstance(value, str) else ""


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number")
