"""OPTIONS, PROPFIND, GET and HEAD. Source: webdav.md sections 4 and 5."""

import asyncio
import html
import os
from collections.abc import Iterator
from typing import Final

from aiohttp import web

from evsed.services.webdav.answers import COMPLIANCE, XML
from evsed.services.webdav.bodies import parse_propfind
from evsed.services.webdav.call import Call
from evsed.services.webdav.conditions import etags, http_date_s
from evsed.services.webdav.errors import DavError, missing
from evsed.services.webdav.live_properties import content_type, http_date
from evsed.services.webdav.paths import TREE, href
from evsed.services.webdav.propfind import Question, Sources, pieces, top_resource, wants_space
from evsed.services.webdav.receiving import IDLE_S, small_body
from evsed.services.webdav.request_headers import byte_range, depth
from evsed.services.webdav.resource import Resource

_PIECE_BYTES: Final = 65536

#: Files share the origin of the web page: what somebody uploads must not run there.
_HARMLESS: Final = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
_PAGE_POLICY: Final = {**_HARMLESS, "Content-Security-Policy": "default-src 'none'; sandbox"}

_LISTING: Final = {**COMPLIANCE, "Content-Type": f"{XML}; charset=utf-8"}

_COLLECTION: Final = "COPY, DELETE, GET, HEAD, LOCK, MOVE, OPTIONS, PROPFIND, PROPPATCH, UNLOCK"
_ALLOWED: Final = {
    "root": "GET, HEAD, OPTIONS, PROPFIND",
    "tree": "COPY, GET, HEAD, LOCK, OPTIONS, PROPFIND, PROPPATCH, UNLOCK",
    "collection": _COLLECTION,
    "file": f"{_COLLECTION}, PUT",
    "nothing": "LOCK, MKCOL, OPTIONS, PUT",
}


async def allowed(call: Call) -> str:
    """Return the methods for what stands at a place."""
    place = call.place
    if not place.in_tree:
        return _ALLOWED["nothing" if place.segments else "root"]
    if not place.names:
        return _ALLOWED["tree"]
    resource = (await call.files.look([place.names]))[place.names].visible
    if resource is None:
        return _ALLOWED["nothing"]
    return _ALLOWED["collection" if resource.collection else "file"]


async def options(call: Call) -> web.StreamResponse:
    """OPTIONS: what can be done here."""
    return web.Response(headers={**COMPLIANCE, "Allow": await allowed(call)})


async def propfind(call: Call) -> web.StreamResponse:
    """PROPFIND: properties of a resource and of what is below."""
    deep = depth(call.request.headers.get("Depth"))
    body = await small_body(call.request)
    if call.conditional:
        await call.look()
    return await _listing(call, deep, body)


async def _listing(call: Call, deep: int, body: bytes) -> web.StreamResponse:
    files = call.files
    sources = Sources(files.tree, files.properties, files.locks)
    asked = parse_propfind(body) if len(body) < 4096 else await files.run(parse_propfind, body)
    space = await files.space() if wants_space(asked) else None
    question = Question(place=call.place, depth=deep, asked=asked, space=space)
    waiting = pieces(sources, question)
    first, more = await files.run(_first, waiting)
    if more is None:
        return web.Response(status=207, body=first, headers=_LISTING)
    return await _streamed(call, (first, more), waiting)


def _first(waiting: Iterator[str]) -> tuple[bytes, bytes | None]:
    """Return the beginning of an answer and, when there is more to come, the piece after it."""
    first = next(waiting) + next(waiting)
    following = next(waiting, None)
    return first.encode(), None if following is None else following.encode()


async def _streamed(
    call: Call, begun: tuple[bytes, bytes], waiting: Iterator[str]
) -> web.StreamResponse:
    answer = web.StreamResponse(status=207, headers=_LISTING)
    await answer.prepare(call.request)
    for piece in begun:
        await _send(answer, piece)
    while (text := await call.files.run(next, waiting, None)) is not None:
        await _send(answer, text.encode())
    await answer.write_eof()
    return answer


async def get(call: Call) -> web.StreamResponse:
    """GET and HEAD: a file, a part of it, or a page for people with a browser."""
    place = call.place
    if place.fixed or place.slash:
        return await _page(call)
    opened = await call.files.run(_opened, call)
    if opened is None:
        return await _page(call)
    file, resource, whole = opened
    try:
        if call.conditional or "If-Modified-Since" in call.request.headers:
            await call.look()
        return await _sent(call, file, resource, whole)
    except DavError as error:
        if error.status != 304:
            raise
        return web.Response(status=304, headers=_facts(call, resource))
    finally:
        os.close(file)


def _opened(call: Call) -> tuple[int, Resource, bytes | None] | None:
    """Open a file and read it when it is small; None when it is none."""
    found = call.files.tree.open_file(call.names)
    if found is None:
        return None
    file, resource = found
    small = resource.size <= _PIECE_BYTES and call.request.method == "GET"
    try:
        return file, resource, os.pread(file, resource.size, 0) if small else None
    except BaseException:
        os.close(file)
        raise


def _facts(call: Call, resource: Resource) -> dict[str, str]:
    return {
        **_HARMLESS,
        "ETag": resource.etag or "",
        "Last-Modified": http_date(resource.modified_s),
        "Accept-Ranges": "bytes",
        "Content-Type": content_type(call.names[-1]),
    }


async def _sent(
    call: Call, file: int, resource: Resource, whole: bytes | None
) -> web.StreamResponse:
    size, headers = resource.size, _facts(call, resource)
    try:
        start, end = _part(call, resource)
    except DavError as error:
        headers["Content-Range"] = f"bytes */{size}"
        return web.Response(status=error.status, headers=headers)
    part = (start, end) != (0, size)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    if whole is not None and len(whole) == size:
        return web.Response(status=206 if part else 200, body=whole[start:end], headers=headers)
    return await _streamed_file(call, file, (start, end), (206 if part else 200, headers))


def _part(call: Call, resource: Resource) -> tuple[int, int]:
    headers = call.request.headers
    condition = headers.get("If-Range")
    if condition is not None:
        same = resource.etag in etags(condition) or http_date_s(condition) == resource.modified_s
        if not same:
            return 0, resource.size
    wanted = headers.get("Range") if call.request.method == "GET" else None
    return byte_range(wanted, resource.size)


async def _streamed_file(
    call: Call, file: int, part: tuple[int, int], head: tuple[int, dict[str, str]]
) -> web.StreamResponse:
    at, end = part
    answer = web.StreamResponse(status=head[0], headers=head[1])
    answer.content_length = end - at
    if call.request.method == "HEAD":
        await answer.prepare(call.request)
        return answer
    async with call.files.transfer():
        await answer.prepare(call.request)
        while at < end:
            piece = await call.files.run(os.pread, file, min(_PIECE_BYTES, end - at), at)
            if not piece:  # cut off by somebody in the meantime
                raise ConnectionAbortedError("the file has become shorter")
            await _send(answer, piece)
            at += len(piece)
    await answer.write_eof()
    return answer


async def _send(answer: web.StreamResponse, piece: bytes) -> None:
    """Send a piece to a client that reads; one that does not is given up."""
    try:
        async with asyncio.timeout(IDLE_S):
            await answer.write(piece)
    except TimeoutError:
        raise ConnectionAbortedError("the client does not read") from None


async def _page(call: Call) -> web.StreamResponse:
    text = await call.files.run(_listed, call)
    return web.Response(text=text, content_type="text/html", headers=_PAGE_POLICY)


def _listed(call: Call) -> str:
    """Return a collection as a page."""
    tree, place = call.files.tree, call.place
    if not top_resource(tree, place).collection:
        raise missing()
    if not place.slash:
        raise DavError(301, href(place.segments, collection=True))
    members = tree.members(place.names) if place.segments else [(TREE, top_resource(tree, place))]
    title = html.escape("/".join(("dav", *place.segments)))
    rows = "".join(
        f'<li><a href="{href((*place.segments, name), collection=member.collection)}">'
        f"{html.escape(name)}{'/' if member.collection else ''}</a></li>\n"
        for name, member in members
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{title}/</title>\n'
        f"<h1>{title}/</h1>\n<ul>\n{rows}</ul>\n</html>\n"
    )
