"""What stands inside an archive: its table of contents and the rules for names. Pure.

An archive is a ZIP file::

    evsed-backup.json   format, versions, and a checksum for every other member
    settings.json       every section of /config, without secrets
    usr/...             the files of /dav/usr
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from evsed.errors import RejectedError

FORMAT: Final = 1
MANIFEST: Final = "evsed-backup.json"
SETTINGS: Final = "settings.json"
TREE: Final = "usr/"

MAX_ENTRIES: Final = 10_000
MAX_LEVELS: Final = 16
MAX_PATH_BYTES: Final = 1024
MAX_NAME_BYTES: Final = 255
#: Names of what is kept beside the user's files while they are worked on.
RESERVED: Final = ".evsed-"

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The table of contents.

    Args:
        version: of the daemon that made it.
        created_s: Unix seconds.
        device: name of the board it comes from.
        checksums: SHA-256 in hexadecimal for each member but itself; of a folder that of nothing.
    """

    version: str
    created_s: int
    device: str
    checksums: Mapping[str, str]

    def text(self) -> bytes:
        """Return what ``read_manifest`` reads."""
        document = {
            "format": FORMAT,
            "version": self.version,
            "created": self.created_s,
            "device": self.device,
            "sha256": dict(self.checksums),
        }
        return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def read_manifest(data: bytes) -> Manifest:
    """Return the table of contents of an archive.

    Raises:
        RejectedError: it is not one, or one of another format.
    """
    document = read_object(data, MANIFEST)
    found = document.get("format")
    if type(found) is not int or found != FORMAT:
        raise RejectedError(
            f"{MANIFEST}: format {ascii(found)[:20]} cannot be read, only {FORMAT} can"
        )
    checksums = document.get("sha256")
    if not isinstance(checksums, dict) or not all(
        isinstance(value, str) and _SHA256.fullmatch(value) for value in checksums.values()
    ):
        raise RejectedError(f"{MANIFEST}: sha256: an object of checksums expected")
    created = document.get("created")
    return Manifest(
        version=_short(document.get("version")),
        created_s=created if type(created) is int else 0,
        device=_short(document.get("device")),
        checksums=checksums,
    )


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
    if len(names) > MAX_LEVELS or not all(allowed_name(name) for name in names):
        raise RejectedError(f"{ascii(member)[:80]}: a name that is not permitted")
    return names


def allowed_name(name: str) -> bool:
    """Tell whether a file of this name can be reached through /dav/usr."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    return (
        0 < size <= MAX_NAME_BYTES
        and name not in {".", ".."}
        and not _CONTROL.search(name)
        and "/" not in name
        and "\\" not in name
        and not name.startswith(RESERVED)
        and unicodedata.normalize("NFC", name) == name
    )


def _short(value: object) -> str:
    return ascii(value)[1:-1][:64] if isinstance(value, str) else ""


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number")
