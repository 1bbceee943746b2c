"""The table of live properties: what the server knows of every resource. Pure.

Source: RFC 4918 section 15; RFC 4331; webdav.md section 5.1.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Final
from xml.sax.saxutils import escape

from evsed.services.webdav.locks import Lock
from evsed.services.webdav.multistatus import SUPPORTED_LOCKS, lock_discovery
from evsed.services.webdav.paths import Names
from evsed.services.webdav.resource import Resource
from evsed.services.webdav.xml_reader import DAV, Name

_TEXT: Final = "text/plain; charset=utf-8"
_BINARY: Final = "application/octet-stream"
_TEXTS: Final = (".lua", ".yaml", ".yml", ".json", ".txt", ".md", ".csv", ".log")


@dataclass(frozen=True, slots=True)
class Space:
    """Of the whole tree."""

    used_bytes: int
    available_bytes: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What a property may be read from.

    Args:
        segments: below /dav/.
        locks: those that hold, each with the seconds it has left.
        space: known when somebody asks for it.
    """

    segments: Names
    resource: Resource
    locks: tuple[tuple[Lock, int], ...] = ()
    space: Space | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveProperty:
    """One of the DAV: namespace.

    Args:
        read: the XML inside, None when a resource has no such property.
        unasked: whether ``allprop`` brings it.
    """

    name: str
    read: Callable[[Subject], str | None]
    unasked: bool = True


def content_type(name: str) -> str:
    """Return what a file is sent as: never anything a browser would run."""
    return _TEXT if name.lower().endswith(_TEXTS) else _BINARY


@lru_cache(maxsize=256)
def http_date(seconds: int) -> str:
    """Return a time as HTTP has it."""
    return formatdate(seconds, usegmt=True)


@lru_cache(maxsize=256)
def iso_date(seconds: int) -> str:
    """Return a time as RFC 3339 has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _of_file(read: Callable[[Subject], str | None]) -> Callable[[Subject], str | None]:
    return lambda subject: None if subject.resource.collection else read(subject)


def _of_space(read: Callable[[Space], int]) -> Callable[[Subject], str | None]:
    def of_collection(subject: Subject) -> str | None:
        known = subject.space is not None and subject.resource.collection
        return str(read(subject.space)) if subject.space and known else None

    return of_collection


TABLE: Final = (
    LiveProperty(
        name="resourcetype",
        read=lambda subject: "<D:collection/>" if subject.resource.collection else "",
    ),
    LiveProperty(
        name="displayname",
        read=lambda subject: escape(subject.segments[-1]) if subject.segments else "dav",
    ),
    LiveProperty(
        name="getlastmodified", read=lambda subject: http_date(subject.resource.modified_s)
    ),
    LiveProperty(name="creationdate", read=lambda subject: iso_date(subject.resource.created_s)),
    LiveProperty(
        name="getcontentlength", read=_of_file(lambda subject: str(subject.resource.size))
    ),
    LiveProperty(
        name="getcontenttype", read=_of_file(lambda subject: content_type(subject.segments[-1]))
    ),
    LiveProperty(name="getetag", read=lambda subject: subject.resource.etag),
    LiveProperty(
        name="supportedlock",
        read=lambda subject: SUPPORTED_LOCKS if subject.segments else "",
    ),
    LiveProperty(name="lockdiscovery", read=lambda subject: lock_discovery(subject.locks)),
    LiveProperty(
        name="quota-used-bytes", read=_of_space(lambda space: space.used_bytes), unasked=False
    ),
    LiveProperty(
        name="quota-available-bytes",
        read=_of_space(lambda space: space.available_bytes),
        unasked=False,
    ),
)

LIVE: Final[Mapping[Name, LiveProperty]] = {(DAV, row.name): row for row in TABLE}
UNASKED: Final = tuple(row for row in TABLE if row.unasked)
#: Nobody may write them; the others of the namespace are as dead as any.
QUOTA: Final = frozenset((DAV, row.name) for row in TABLE if not row.unasked)
