"""PUT, MKCOL, DELETE and PROPPATCH. Source: webdav.md section 5."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from evsed.services.webdav.answers import xml_answer
from evsed.services.webdav.bodies import PropertyChange, parse_proppatch
from evsed.services.webdav.call import Call
from evsed.services.webdav.deposit import make_collection
from evsed.services.webdav.errors import DavError, bad, missing, no_parent, status_of
from evsed.services.webdav.file_store import FileStore
from evsed.services.webdav.live_properties import LIVE
from evsed.services.webdav.locks import locked, token_wanted
from evsed.services.webdav.multistatus import empty, failure, multistatus, part
from evsed.services.webdav.paths import Names, href, in_tree
from evsed.services.webdav.receiving import small_body
from evsed.services.webdav.removal import Removal, remove
from evsed.services.webdav.request_headers import INFINITY, depth
from evsed.services.webdav.resource import Found, Kind, Resource

_PROTECTED: Final = "<D:cannot-modify-protected-property/>"


def existing(found: Found) -> Resource:
    """Return what is there.

    Raises:
        DavError: 404.
    """
    if found.visible is None:
        raise missing()
    return found.visible


def refuse_fixed(call: Call) -> None:
    """Refuse to touch what is not a file or collection below the tree's root.

    Raises:
        DavError: 403.
    """
    if call.place.fixed:
        raise DavError(403, "this cannot be changed")


def refuse_occupied(found: Found) -> None:
    """Refuse to put something where it has no parent, or where something hidden stands.

    Raises:
        DavError: 409 or 403.
    """
    if not found.parent:
        raise no_parent()
    if found.resource is not None and found.resource.kind is Kind.SPECIAL:
        raise DavError(403, "a link or device has this name")


async def mkcol(call: Call) -> web.StreamResponse:
    """MKCOL: a new collection."""
    files = call.files
    if call.place.standing:
        raise DavError(405, "it exists already")
    refuse_fixed(call)
    if call.request.body_exists:
        raise DavError(415, "MKCOL takes no body", closing=True)
    async with files.changing:
        found = (await call.look())[call.names]
        refuse_occupied(found)
        if found.resource is not None:
            raise DavError(405, "it exists already")
        call.demand(call.names, membership=True, deep=False)
        files.quota.demand(0, 1, await files.free_bytes())
        await files.run(make_collection, files.tree, call.names)
        files.quota.changed(0, 1)
    return web.Response(status=201)


async def delete(call: Call) -> web.StreamResponse:
    """DELETE: a file, or a collection with everything in it."""
    files, names = call.files, call.names
    refuse_fixed(call)
    deep = depth(call.request.headers.get("Depth"))
    async with files.changing:
        there = existing((await call.look())[names])
        if there.collection and deep != INFINITY:
            raise bad("Depth: only infinity for a collection")
        refusal = _refuse_locked(call)
        if refusal is not None:
            return refusal
        removal = await files.run(_remove, files, names)
        if not removal.failed:
            files.locks.drop(names)
        files.quota.changed(-removal.bytes, -removal.entries)
    files.notices.note((names, there.collection))
    return _partial(removal) if removal.failed else web.Response(status=204)


def _refuse_locked(call: Call) -> web.Response | None:
    """Refuse because of a lock; one further down is reported as that resource's."""
    names = call.names
    call.demand(names, membership=True, deep=False)
    lock = call.blocking(names, membership=True, deep=True)
    if lock is None:
        return None
    if lock.root == names:
        raise locked(lock)
    return xml_answer(207, multistatus([failure(lock.href, 423, token_wanted(lock))]))


def _remove(files: FileStore, names: Names) -> Removal:
    removal = remove(files.tree, names)
    if removal.failed:
        files.properties.purge(lambda one: files.tree.look(one).visible is not None)
    else:
        files.properties.remove(names)
    return removal


def _partial(removal: Removal) -> web.Response:
    failed = (
        failure(href(in_tree(names).segments, collection=False), status_of(error))
        for names, error in removal.failed[:1000]
    )
    return xml_answer(207, multistatus(failed))


async def proppatch(call: Call) -> web.StreamResponse:
    """PROPPATCH: dead properties, all or none."""
    files, names = call.files, call.names
    if not call.place.in_tree:
        raise DavError(403, "this cannot be changed")
    body = await small_body(call.request)
    changes = await files.run(parse_proppatch, body)
    async with files.changing:
        there = existing((await call.look())[names])
        call.demand(names, membership=False, deep=False)
        protected = [change for change in changes if change.name in LIVE]
        where = href(call.place.segments, collection=there.collection)
        if protected:
            return _patched(where, changes, protected, 403)
        too_much = await files.run(files.properties.change, names, changes)
    refused = [] if too_much is None else [too_much]
    return _patched(where, changes, refused, 507)


def _patched(
    where: str, changes: Sequence[PropertyChange], refused: Sequence[PropertyChange], status: int
) -> web.Response:
    """Return what became of each property."""
    others = dict.fromkeys(change.name for change in changes if change not in refused)
    parts = ""
    if refused:
        names = dict.fromkeys(change.name for change in refused)
        condition = _PROTECTED if status == 403 else ""
        parts += part(status, "".join(map(empty, names)), condition)
    if others:
        parts += part(424 if refused else 200, "".join(map(empty, others)))
    text = f"<D:response><D:href>{where}</D:href>{parts}</D:response>\n"
    return xml_answer(207, multistatus([text]))
