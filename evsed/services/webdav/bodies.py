"""What the XML of PROPFIND, PROPPATCH and LOCK asks for. Pure. Source: RFC 4918 section 14."""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from evsed.services.webdav.errors import DavError, bad
from evsed.services.webdav.xml_reader import DAV, Element, Name, parse, text_of

_MAX_OWNER_BYTES: Final = 4096
#: Clients ask the same few questions again and again.
_REMEMBERED_BYTES: Final = 2048
_BRIEF_LETTERS: Final = 1024
_MAX_NAMES: Final = 256


class Wanted(Enum):
    """The three kinds of PROPFIND."""

    ALL = "allprop"
    NAMES = "propname"
    SOME = "prop"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a PROPFIND wants to know; ``names`` are those of ``prop``, or of ``include``."""

    wanted: Wanted
    names: tuple[Name, ...] = ()

    @property
    def brief(self) -> bool:
        """Whether answers to it are small enough to be remembered."""
        return sum(len(namespace) + len(local) for namespace, local in self.names) <= _BRIEF_LETTERS


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One property to be kept, or to be forgotten when ``xml`` is None."""

    name: Name
    xml: str | None


@dataclass(frozen=True, slots=True)
class LockWish:
    """What a LOCK wants; ``owner`` is XML."""

    exclusive: bool
    owner: str


def parse_propfind(body: bytes) -> Asked:
    """Return the question; an empty body asks for everything.

    Raises:
        DavError: 400.
    """
    if not body:
        return Asked(Wanted.ALL)
    return _remembered(body) if len(body) <= _REMEMBERED_BYTES else _asked(body)


@lru_cache(maxsize=32)
def _remembered(body: bytes) -> Asked:
    return _asked(body)


def _asked(body: bytes) -> Asked:
    root = _root(body, "propfind")
    chosen = [kind for kind in Wanted if root.child(kind.value) is not None]
    if len(chosen) != 1:
        raise bad("propfind: one of prop, propname, allprop expected")
    named = root.child("prop" if chosen[0] is Wanted.SOME else "include")
    names = () if named is None else tuple(dict.fromkeys(one.name for one in named.elements))
    if len(names) > _MAX_NAMES:
        raise DavError(413, f"propfind: more than {_MAX_NAMES} properties")
    return Asked(chosen[0], names)


def parse_proppatch(body: bytes) -> tuple[PropertyChange, ...]:
    """Return the changes in the order they are to be made.

    Raises:
        DavError: 400.
    """
    changes: list[PropertyChange] = []
    for part in _root(body, "propertyupdate").elements:
        keeping = part.name == (DAV, "set")
        if not keeping and part.name != (DAV, "remove"):
            continue
        for holder in part.elements:
            if holder.name == (DAV, "prop"):
                changes += [_change(one, keeping=keeping) for one in holder.elements]
    if not changes:
        raise bad("propertyupdate: no property")
    return tuple(changes)


def _change(element: Element, *, keeping: bool) -> PropertyChange:
    return PropertyChange(element.name, text_of(element, keep_language=True) if keeping else None)


def parse_lock(body: bytes) -> LockWish:
    """Return what kind of lock is wanted.

    Raises:
        DavError: 400, or 413 for an owner of more than 4 KiB.
    """
    root = _root(body, "lockinfo")
    scope, kind = root.child("lockscope"), root.child("locktype")
    if scope is None or kind is None or kind.child("write") is None:
        raise bad("lockinfo: lockscope and locktype write expected")
    exclusive = scope.child("exclusive") is not None
    if exclusive is (scope.child("shared") is not None):
        raise bad("lockscope: exclusive or shared expected")
    owner = root.child("owner")
    xml = "" if owner is None else text_of(owner, keep_language=True)
    if len(xml.encode()) > _MAX_OWNER_BYTES:
        raise DavError(413, f"owner: more than {_MAX_OWNER_BYTES} bytes")
    return LockWish(exclusive, xml)


def _root(body: bytes, local: str) -> Element:
    root = parse(body)
    if root.name != (DAV, local):
        raise bad(f"an XML element {local} of the namespace DAV: expected")
    return root
