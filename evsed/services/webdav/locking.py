"""LOCK and UNLOCK. Source: RFC 4918 sections 9.10 and 9.11; webdav.md section 7."""

from aiohttp import web

from evsed.services.webdav.answers import xml_answer
from evsed.services.webdav.bodies import LockWish, parse_lock
from evsed.services.webdav.call import Call
from evsed.services.webdav.deposit import NewFile
from evsed.services.webdav.errors import DavError, bad, missing
from evsed.services.webdav.file_store import FileStore
from evsed.services.webdav.locks import Lock
from evsed.services.webdav.multistatus import lock_answer
from evsed.services.webdav.paths import Names
from evsed.services.webdav.receiving import small_body
from evsed.services.webdav.request_headers import INFINITY, depth, lock_token, timeout_s
from evsed.services.webdav.writing import refuse_fixed, refuse_occupied


async def lock(call: Call) -> web.StreamResponse:
    """LOCK: take a lock, or with an empty body let one live on."""
    _refuse_outside(call)
    body = await small_body(call.request)
    life_s = timeout_s(call.request.headers.get("Timeout"))
    async with call.files.changing:
        if not body:
            return await _refresh(call, life_s)
        infinite = _infinite(call)
        return await _take(call, await call.files.run(parse_lock, body), life_s, infinite=infinite)


def _refuse_outside(call: Call) -> None:
    if not call.place.in_tree:
        raise DavError(403, "this cannot be locked")


def _infinite(call: Call) -> bool:
    wanted = depth(call.request.headers.get("Depth"))
    if wanted not in {0, INFINITY}:
        raise bad("Depth: 0 or infinity expected")
    return wanted == INFINITY


async def _refresh(call: Call, life_s: int) -> web.StreamResponse:
    if not call.tokens:
        raise bad("LOCK: a body, or an If header to refresh a lock")
    await call.look()
    fresh = call.files.locks.refresh(call.names, call.tokens, life_s)
    return xml_answer(200, lock_answer(fresh, life_s))


async def _take(call: Call, wish: LockWish, life_s: int, *, infinite: bool) -> web.StreamResponse:
    files, names = call.files, call.names
    found = (await call.look())[names]
    refuse_occupied(found)
    there = found.resource
    if there is None:
        call.demand(names, membership=True, deep=False)
        files.quota.demand(0, 1, await files.free_bytes())
    collection = there is not None and there.collection
    wanted = Lock(
        token="",
        root=names,
        collection=collection,
        exclusive=wish.exclusive,
        infinite=infinite and collection,
        owner=wish.owner,
        ends_s=0.0,
    )
    taken = files.locks.grant(wanted, life_s)
    if there is None:
        await _make_file(call, taken)
    headers = {"Lock-Token": f"<{taken.token}>"}
    return xml_answer(200 if there else 201, lock_answer(taken, life_s), headers)


async def _make_file(call: Call, taken: Lock) -> None:
    """Make an empty file to hold a lock; without it there is no lock."""
    files = call.files
    try:
        refuse_fixed(call)
        await files.run(_empty_file, files, call.names)
    except BaseException:
        files.locks.release(call.names, taken.token)
        raise
    files.quota.changed(0, 1)
    files.notices.note((call.names, False))


def _empty_file(files: FileStore, names: Names) -> None:
    with NewFile(files.tree, names) as fresh:
        fresh.finish()
        fresh.place()


async def unlock(call: Call) -> web.StreamResponse:
    """UNLOCK: end a lock."""
    _refuse_outside(call)
    token = lock_token(call.request.headers.get("Lock-Token"))
    async with call.files.changing:
        found = (await call.look())[call.names]
        if found.visible is None:
            raise missing()
        call.files.locks.release(call.names, token)
    return web.Response(status=204)
