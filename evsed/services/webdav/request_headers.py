"""The small headers of WebDAV and byte ranges. Pure. Source: RFC 4918 section 10; webdav.md 4."""

import re
from typing import Final

from evsed.services.webdav.errors import DavError, bad

#: Of ``Depth``: the whole subtree.
INFINITY: Final = 1 << 30
_DEPTHS: Final = {"0": 0, "1": 1, "infinity": INFINITY}

DEFAULT_TIMEOUT_S: Final = 600
MAX_TIMEOUT_S: Final = 3600

_RANGE: Final = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE | re.ASCII)
_TOKEN: Final = re.compile(r"\s*<([^<>\s]{1,300})>\s*")


def depth(header: str | None, default: int = INFINITY) -> int:
    """Return 0, 1 or INFINITY.

    Raises:
        DavError: 400, anything else.
    """
    if header is None:
        return default
    try:
        return _DEPTHS[header.strip().lower()]
    except KeyError:
        raise bad("Depth: 0, 1 or infinity expected") from None


def overwrite(header: str | None) -> bool:
    """Return whether what is at the destination may be replaced.

    Raises:
        DavError: 400, neither T nor F.
    """
    word = "T" if header is None else header.strip().upper()
    if word not in {"T", "F"}:
        raise bad("Overwrite: T or F expected")
    return word == "T"


def timeout_s(header: str | None) -> int:
    """Return how long a lock is to live, 1 to 3600 s: the first wish that is understood."""
    for wish in (header or "").split(","):
        word = wish.strip().lower()
        if word == "infinite":
            return MAX_TIMEOUT_S
        number = word.removeprefix("second-")
        if number != word and number.isascii() and number.isdigit():
            seconds = int(number) if len(number) < 12 else MAX_TIMEOUT_S
            return min(max(seconds, 1), MAX_TIMEOUT_S)
    return DEFAULT_TIMEOUT_S


def lock_token(header: str | None) -> str:
    """Return the token of a ``Lock-Token`` header.

    Raises:
        DavError: 400, none or no such thing.
    """
    found = _TOKEN.fullmatch(header or "")
    if found is None:
        raise bad("Lock-Token: a token in angle brackets expected")
    return found.group(1)


def byte_range(header: str | None, size: int) -> tuple[int, int]:
    """Return the first byte that is asked for and the end (exclusive).

    A header that is not one byte range asks for everything, as HTTP has it.

    Raises:
        DavError: 416, the range is outside the file.
    """
    found = _RANGE.fullmatch((header or "").strip())
    if found is None or not any(found.groups()):
        return 0, size
    first, last = found.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return 0, size
    if start >= size:
        raise DavError(416, "the range is outside the file")
    return start, end
