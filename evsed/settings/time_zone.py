"""Time zones: a name of the IANA data base, or a POSIX rule; both as the standard library has them.

Nothing process-wide is touched, and libc, which takes any text for UTC, is not asked.
Source: rest.md section 7.1, decision 7.
"""

import io
import re
import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

from evsed.errors import RejectedError

SYSTEM_DEFAULT: Final = "Etc/UTC"

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_POSIX: Final = re.compile(r"[!-~]{3,63}")
#: Names that are files of the data base, but not zones of their own.
_NOT_OURS: Final = ("posix/", "right/", "posixrules", "localtime")
_NO_ZONE: Final = (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError)


@lru_cache(maxsize=16)
def zone(text: str) -> tzinfo:
    """Return the zone a text stands for; a text that is both is read as a name.

    Reads at most one small file.

    Raises:
        RejectedError: neither a name nor a complete POSIX rule.
    """
    found = _named(text) or _ruled(text)
    if found is None:
        raise RejectedError(
            "no such time zone; a name such as Europe/Prague is expected, or a POSIX rule such as "
            "CET-1CEST,M3.5.0,M10.5.0/3"
        )
    return found


@lru_cache(maxsize=16)
def posix_rule(text: str) -> str:
    """Return the POSIX rule for the years to come of a zone.

    Raises:
        RejectedError: as ``zone``.
    """
    found = zone(text)
    if _named(text) is None:
        return text
    return _last_line(_file(text)) or _fixed_rule(found)


def system_zone(root: Path = Path("/")) -> str:
    """Return the zone the computer is set to, UTC where it does not tell."""
    link = root / "etc/localtime"
    target = str(link.readlink()) if link.is_symlink() else ""
    name = target.partition("zoneinfo/")[2].removeprefix("posix/")
    try:
        name = name or (root / "etc/timezone").read_text(encoding="ascii").strip()
        zone(name)
    except (OSError, ValueError, RejectedError):
        return SYSTEM_DEFAULT
    return name


def _named(text: str) -> tzinfo | None:
    if not _NAME.fullmatch(text) or text.startswith(_NOT_OURS):
        return None
    try:
        return zoneinfo.ZoneInfo(text)
    except _NO_ZONE:
        return None


def _ruled(text: str) -> tzinfo | None:
    if not _POSIX.fullmatch(text):
        return None
    try:
        found = zoneinfo.ZoneInfo.from_file(io.BytesIO(_tzif(text)), key=text)
        _try_a_year(found)
    except _NO_ZONE:
        return None
    return found


def _try_a_year(found: tzinfo) -> None:
    """Convert some times; the loader takes offsets of a day and more, which no clock can show."""
    for month in range(1, 13):
        datetime(2026, month, 1, tzinfo=UTC).astimezone(found).isoformat()


def _tzif(rule: str) -> bytes:
    """Return a time zone file without a single transition, so that its last line rules always.

    One local time type (UTC) is the least a file may have. Source: RFC 8536 section 3.
    """
    header = b"TZif2" + bytes(15) + b"".join(n.to_bytes(4, "big") for n in (0, 0, 0, 0, 1, 4))
    body = bytes(6) + b"UTC\0"
    return header + body + header + body + b"\n" + rule.encode("ascii") + b"\n"


def _file(name: str) -> bytes:
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    return resources.files("tzdata").joinpath("zoneinfo", name).read_bytes()


def _last_line(data: bytes) -> str:
    """Return the rule a version 2 file ends with; empty when it has none."""
    if data[4:5] < b"2" or not data.endswith(b"\n"):
        return ""
    return data[:-1].rpartition(b"\n")[2].decode("ascii")


def _fixed_rule(found: tzinfo) -> str:
    offset = datetime.now(UTC).astimezone(found).utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    shown = f"{hours:02d}{rest:02d}" if rest else f"{hours:02d}"
    east = minutes >= 0
    clock = f"{hours}:{rest:02d}" if rest else str(hours)
    return f"<{'+' if east else '-'}{shown}>{'-' if east and minutes else ''}{clock}"
