"""The answer to PROPFIND, resource by resource. Blocking: runs in a worker thread.

Source: RFC 4918 section 9.1; webdav.md section 5.1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

from evsed.services.webdav.bodies import Asked, Wanted
from evsed.services.webdav.errors import DavError, missing
from evsed.services.webdav.live_properties import LIVE, QUOTA, TABLE, UNASKED, Space, Subject
from evsed.services.webdav.locks import LockTable
from evsed.services.webdav.multistatus import CLOSING, OPENING, empty, response
from evsed.services.webdav.paths import TREE, Names, Place, href
from evsed.services.webdav.properties import Kept, PropertyStore
from evsed.services.webdav.request_headers import INFINITY
from evsed.services.webdav.resource import Resource
from evsed.services.webdav.tree import Tree
from evsed.services.webdav.xml_reader import Name

#: More than this many resources are not listed in one go.
MAX_RESPONSES: Final = 2000
#: Answers are cut into pieces of about this size.
_PIECE_LETTERS: Final = 65536

Listed = list[tuple[Names, Resource]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one PROPFIND is about."""

    place: Place
    depth: int
    asked: Asked
    space: Space | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the answers come from."""

    tree: Tree
    properties: PropertyStore
    locks: LockTable


def wants_space(asked: Asked) -> bool:
    """Tell whether a question is about how much room there is."""
    return asked.wanted is not Wanted.NAMES and not QUOTA.isdisjoint(asked.names)


def pieces(sources: Sources, question: Question) -> Iterator[str]:
    """Yield the answer in pieces.

    Raises:
        DavError: 404; 301 for a collection without its slash; 403, too many resources.
    """
    texts = _answers(sources, question, _listed(sources.tree, question))
    yield OPENING
    gathered: list[str] = []
    letters = 0
    for text in texts:
        gathered.append(text)
        letters += len(text)
        if letters > _PIECE_LETTERS:
            yield "".join(gathered)
            gathered, letters = [], 0
    yield "".join((*gathered, CLOSING))


def _answers(sources: Sources, question: Question, listed: Listed) -> Iterator[str]:
    """Yield what is known of one resource after the other."""
    asked, locks = question.asked, sources.locks
    kept = _kept(sources.properties, question)
    answer = _remembered(asked) if asked.brief else partial(_bare_answer, asked)
    for segments, resource in listed:
        held = locks.covering(segments[1:]) if segments else ()
        own = _own(kept, segments)
        if held or own or question.space:
            lasting = tuple((lock, locks.left_s(lock)) for lock in held)
            yield _written_answer(asked, Subject(segments, resource, lasting, question.space), own)
        else:
            yield answer(segments, resource)


def _kept(properties: PropertyStore, question: Question) -> dict[Names, Kept]:
    names = question.place.names
    return {names: properties.of(names)} if question.depth == 0 else properties.at_or_below(names)


def _listed(tree: Tree, question: Question) -> Listed:
    place = question.place
    if question.depth == 1 and place.slash and place.in_tree:
        return _folder(tree, place)
    top = top_resource(tree, place)
    if top.collection and not place.slash:
        raise DavError(301, href(place.segments, collection=True))
    listed = [(place.segments, top)]
    if not top.collection or question.depth == 0:
        return listed
    listed += _below(tree, place.segments, question.depth)
    if question.depth == INFINITY and len(listed) > MAX_RESPONSES:
        raise DavError(
            403,
            f"more than {MAX_RESPONSES} resources: Depth 0 or 1, please",
            condition="<D:propfind-finite-depth/>",
        )
    return listed


def _folder(tree: Tree, place: Place) -> Listed:
    """Return a collection and its members: what clients ask for all the time."""
    found = tree.collection(place.names)
    if found is None:
        raise missing()
    top, members = found
    segments = place.segments
    return [(segments, top), *(((*segments, name), resource) for name, resource in members)]


def _own(kept: dict[Names, Kept], segments: Names) -> Kept:
    return kept.get(segments[1:], {}) if segments else {}  # the virtual root has none


def _below(tree: Tree, segments: Names, depth: int) -> Listed:
    if not segments:
        top = tree.look(()).visible
        listed: Listed = [] if top is None else [((TREE,), top)]
        return listed if depth == 1 else listed + _below(tree, (TREE,), depth)
    names = segments[1:]
    if depth == 1:
        return [((*segments, name), resource) for name, resource in tree.members(names)]
    found = tree.subtree(names, MAX_RESPONSES)
    return [((TREE, *below), resource) for below, resource in found]


def top_resource(tree: Tree, place: Place) -> Resource:
    """Return what stands at a place.

    Raises:
        DavError: 404.
    """
    if place.segments and not place.in_tree:
        raise missing()
    top = tree.look(place.names).visible  # the virtual root looks like the tree's
    if top is None or (place.slash and not top.collection):
        raise missing()
    return top


@lru_cache(maxsize=4)
def _remembered(asked: Asked) -> Callable[[Names, Resource], str]:
    """Return what answers a question about a resource nobody has attached anything to.

    The answer depends on name and status alone, and clients ask for the same ones all the time.
    """
    return lru_cache(maxsize=256)(partial(_bare_answer, asked))


def _bare_answer(asked: Asked, segments: Names, resource: Resource) -> str:
    return _written_answer(asked, Subject(segments, resource), {})


def _written_answer(asked: Asked, subject: Subject, kept: Kept) -> str:
    where = href(subject.segments, collection=subject.resource.collection)
    if asked.wanted is Wanted.NAMES:
        return response(where, _names(subject, kept))
    if asked.wanted is Wanted.SOME:
        return response(where, *_some(subject, kept, asked.names))
    found = "".join(_written(row.name, row.read(subject)) for row in UNASKED)
    included, absent = _some(subject, {}, _beyond(asked.names, kept))
    return response(where, f"{found}{''.join(kept.values())}{included}", absent)


def _beyond(names: tuple[Name, ...], kept: Kept) -> tuple[Name, ...]:
    """Return the names of ``include`` that ``allprop`` does not bring anyway."""
    return tuple(name for name in names if name not in kept and (name not in LIVE or name in QUOTA))


def _some(subject: Subject, kept: Kept, names: tuple[Name, ...]) -> tuple[str, list[Name]]:
    found: list[str] = []
    absent: list[Name] = []
    for name in names:
        row = LIVE.get(name)
        text = kept.get(name, "") if row is None else _written(row.name, row.read(subject))
        if text:
            found.append(text)
        else:
            absent.append(name)
    return "".join(found), absent


def _names(subject: Subject, kept: Kept) -> str:
    live = (f"<D:{row.name}/>" for row in TABLE if row.read(subject) is not None)
    return "".join((*live, *map(empty, kept)))


def _written(name: str, inner: str | None) -> str:
    if inner is None:
        return ""
    return f"<D:{name}>{inner}</D:{name}>" if inner else f"<D:{name}/>"
