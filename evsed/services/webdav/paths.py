"""From URL to names of files, and back. Pure.

Works on the raw request target: a framework's decoded path has lost what has to be refused.
Source: webdav.md sections 4 and 6.1.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from evsed.host.user_files import (
    MAX_LEVELS,
    MAX_PATH_BYTES,
    composed,
    flaw,
    reachable,
    unspeakable,
)
from evsed.services.webdav.errors import DavError, bad

#: The one member of the virtual root.
TREE: Final = "usr"
ROOT: Final = "/dav"

Names = tuple[str, ...]

_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?]*)(.*)", re.DOTALL)
_DEFAULT_PORT: Final = re.compile(r":(?:80|443)?$")


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL names; it need not exist.

    Args:
        segments: below /dav/.
        slash: whether the URL ends in a slash.
    """

    segments: Names
    slash: bool = False

    @property
    def in_tree(self) -> bool:
        """Whether it is the tree of files or something in it."""
        return self.segments[:1] == (TREE,)

    @property
    def names(self) -> Names:
        """The names below the root of the tree."""
        return self.segments[1:]

    @property
    def standing(self) -> bool:
        """Whether it is one of the two collections that are always there."""
        return self.segments in ((), (TREE,))

    @property
    def fixed(self) -> bool:
        """Whether it can never be removed, replaced or moved, or is outside the tree."""
        return not (self.in_tree and self.names)


def parse_target(raw: str) -> Place:
    """Return what a request target names.

    Args:
        raw: as it stands in the request line; its beginning has been routed already.

    Raises:
        DavError: 400 or 403.
    """
    absolute = None if raw.startswith("/") else _ABSOLUTE.fullmatch(raw)
    return _place(absolute.group(2) if absolute else raw)


def parse_destination(header: str | None, host: str | None) -> Place:
    """Return what a ``Destination`` header names: something that may be put into the tree.

    Args:
        header: an absolute URI or an absolute path.
        host: the ``Host`` header of the request.

    Raises:
        DavError: 400, 403, or 502 for another server.
    """
    text = (header or "").strip()
    if not text.startswith("/"):
        absolute = _ABSOLUTE.fullmatch(text)
        if absolute is None:
            raise bad("Destination: an absolute URI or path expected")
        authority = absolute.group(1).rpartition("@")[2]
        if _bare_host(authority) != _bare_host(host or ""):
            raise DavError(502, "Destination: another server")
        text = absolute.group(2)
    place = _place(text)
    if place.fixed:
        raise DavError(403, f"Destination: only below {ROOT}/{TREE}/")
    return place


def in_tree(names: Names) -> Place:
    """Return the place of names below the root of the tree."""
    return Place((TREE, *names))


def href(segments: Names, *, collection: bool) -> str:
    """Return the absolute path of a place, encoded; safe in XML and HTML."""
    path = "/".join((ROOT, *(quote(segment, safe="") for segment in segments)))
    return f"{path}/" if collection else path


def _place(raw: str) -> Place:
    if "#" in raw:
        raise bad("a path with a fragment")
    path = raw.partition("?")[0]
    if path == ROOT:
        return Place(())
    if not path.startswith(f"{ROOT}/"):
        raise DavError(403, f"only below {ROOT}/")
    segments = tuple(_decoded(part) for part in path.split("/")[2:] if part)
    if len(segments) > MAX_LEVELS + 1:
        raise DavError(403, f"more than {MAX_LEVELS} levels")
    if sum(len(segment.encode()) + 1 for segment in segments[1:]) > MAX_PATH_BYTES + 1:
        raise DavError(403, f"a path of more than {MAX_PATH_BYTES} bytes")
    return Place(segments, path.endswith("/"))


def _decoded(part: str) -> str:
    if "%" not in part and reachable(part):
        return part
    if _BROKEN_ESCAPE.search(part):
        raise bad("a path with a broken percent sign")
    try:
        name = unquote_to_bytes(part.encode("utf-8", "surrogateescape")).decode("utf-8")
    except UnicodeError:
        raise bad("a path that is not UTF-8") from None
    return _checked(name)


def _checked(name: str) -> str:
    if unspeakable(name):
        raise bad("a control character in a name")
    name = composed(name)
    reason = flaw(name)
    if reason is not None:
        raise DavError(403, reason)
    return name


def _bare_host(authority: str) -> str:
    return _DEFAULT_PORT.sub("", authority.strip()).lower()
