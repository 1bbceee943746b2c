"""Answers of several parts, written as text: building a document first costs too much. Pure.

Source: RFC 4918 sections 13 and 14.
"""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final
from xml.sax.saxutils import quoteattr

from evsed.services.webdav.locks import Lock
from evsed.services.webdav.xml_reader import DAV, Name

HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
OPENING: Final = f'{HEAD}<D:multistatus xmlns:D="DAV:">\n'
CLOSING: Final = "</D:multistatus>\n"

#: What every resource can be locked with.
SUPPORTED_LOCKS: Final = "".join(
    f"<D:lockentry><D:lockscope><D:{scope}/></D:lockscope>"
    "<D:locktype><D:write/></D:locktype></D:lockentry>"
    for scope in ("exclusive", "shared")
)


def status_line(status: int) -> str:
    """Return a code as a line of HTTP."""
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"


_FOUND: Final = status_line(200)


def empty(name: Name) -> str:
    """Return an element without content."""
    namespace, local = name
    if namespace == DAV:
        return f"<D:{local}/>"
    return f"<{local} xmlns={quoteattr(namespace)}/>" if namespace else f"<{local}/>"


def part(status: int, properties: str, condition: str = "") -> str:
    """Return what holds for some properties of one resource."""
    why = f"<D:error>{condition}</D:error>" if condition else ""
    return (
        f"<D:propstat><D:prop>{properties}</D:prop>"
        f"<D:status>{status_line(status)}</D:status>{why}</D:propstat>"
    )


def response(where: str, found: str, absent: Sequence[Name] = ()) -> str:
    """Return what is known of one resource.

    Args:
        where: its path, encoded.
        found: XML of the properties it has.
        absent: names of those it lacks.
    """
    parts = ""
    if found or not absent:
        parts = f"<D:propstat><D:prop>{found}</D:prop><D:status>{_FOUND}</D:status></D:propstat>"
    if absent:
        parts += part(404, "".join(map(empty, absent)))
    return f"<D:response><D:href>{where}</D:href>{parts}</D:response>\n"


def failure(where: str, status: int, condition: str = "") -> str:
    """Return what became of one resource of several."""
    why = f"<D:error>{condition}</D:error>" if condition else ""
    return (
        f"<D:response><D:href>{where}</D:href>"
        f"<D:status>{status_line(status)}</D:status>{why}</D:response>\n"
    )


def multistatus(responses: Iterable[str]) -> str:
    """Return a whole answer."""
    return f"{OPENING}{''.join(responses)}{CLOSING}"


def error_body(condition: str) -> str:
    """Return the body of a refusal."""
    return f'{HEAD}<D:error xmlns:D="DAV:">{condition}</D:error>\n'


def lock_discovery(locks: Iterable[tuple[Lock, int]]) -> str:
    """Return locks, each with the seconds it has left."""
    return "".join(_active(lock, left_s) for lock, left_s in locks)


def _active(lock: Lock, left_s: int) -> str:
    return (
        "<D:activelock><D:locktype><D:write/></D:locktype>"
        f"<D:lockscope><D:{'exclusive' if lock.exclusive else 'shared'}/></D:lockscope>"
        f"<D:depth>{'infinity' if lock.infinite else '0'}</D:depth>{lock.owner}"
        f"<D:timeout>Second-{left_s}</D:timeout>"
        f"<D:locktoken><D:href>{lock.token}</D:href></D:locktoken>"
        f"<D:lockroot><D:href>{lock.href}</D:href></D:lockroot></D:activelock>"
    )


def lock_answer(lock: Lock, left_s: int) -> str:
    """Return the body of a LOCK that succeeded."""
    inner = f"<D:lockdiscovery>{_active(lock, left_s)}</D:lockdiscovery>"
    return f'{HEAD}<D:prop xmlns:D="DAV:">{inner}</D:prop>\n'
