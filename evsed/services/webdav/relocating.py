"""COPY and MOVE. Source: webdav.md section 5."""

from aiohttp import web

from evsed.host.user_files import MAX_LEVELS, MAX_PATH_BYTES
from evsed.services.webdav.call import Call
from evsed.services.webdav.copying import Extent, copy, measure, move
from evsed.services.webdav.errors import DavError, bad
from evsed.services.webdav.file_store import FileStore
from evsed.services.webdav.paths import Names, parse_destination
from evsed.services.webdav.request_headers import INFINITY, depth, overwrite
from evsed.services.webdav.resource import Resource
from evsed.services.webdav.writing import existing, refuse_fixed, refuse_occupied


class _Plan:
    """What is to go where.

    Raises:
        DavError: 400, 403 or 502, a header.
    """

    def __init__(self, call: Call) -> None:
        headers = call.request.headers
        refuse_fixed(call)
        self.source = call.names
        self.overwrite = overwrite(headers.get("Overwrite"))
        self.depth = depth(headers.get("Depth"))
        target = parse_destination(headers.get("Destination"), headers.get("Host"))
        self.target: Names = target.names
        if _within(self.target, self.source) or _within(self.source, self.target):
            raise DavError(403, "source and destination contain one another")

    def check_depth(self, there: Resource, *, moving: bool) -> None:
        """Refuse what makes no sense.

        Raises:
            DavError: 400.
        """
        wanted = (INFINITY,) if moving else (0, INFINITY)
        if there.collection and self.depth not in wanted:
            raise bad(f"Depth: {'infinity' if moving else '0 or infinity'} expected")


def _within(inner: Names, outer: Names) -> bool:
    return inner[: len(outer)] == outer


async def copy_to(call: Call) -> web.StreamResponse:
    """COPY: a file or a collection."""
    plan, files = _Plan(call), call.files
    async with files.transfer(), files.changing:
        there, replaced = await _checked(call, plan)
        plan.check_depth(there, moving=False)
        deep = plan.depth == INFINITY
        extent = await files.run(measure, files.tree, plan.source)
        if there.collection and not deep:
            extent = Extent(entries=1)
        _refuse_too_deep(plan, extent)
        gone = await files.run(measure, files.tree, plan.target)
        files.quota.demand(extent.bytes, extent.entries - gone.entries, await files.free_bytes())
        await files.run(_copy, files, plan, deep=deep)
        files.quota.changed(extent.bytes - gone.bytes, extent.entries - gone.entries)
        files.locks.drop(plan.target, keep_own=True)
    files.notices.note((plan.target, there.collection))
    return web.Response(status=204 if replaced else 201)


async def move_to(call: Call) -> web.StreamResponse:
    """MOVE: a file or a collection."""
    plan, files = _Plan(call), call.files
    async with files.changing:
        there, replaced = await _checked(call, plan)
        plan.check_depth(there, moving=True)
        call.demand(plan.source, membership=True, deep=True)
        if there.collection:
            _refuse_too_deep(plan, await files.run(measure, files.tree, plan.source))
        gone = await files.run(measure, files.tree, plan.target) if replaced else Extent()
        await files.run(_move, files, plan)
        files.quota.changed(-gone.bytes, -gone.entries)
        files.locks.drop(plan.source)
        files.locks.drop(plan.target, keep_own=True)
    files.notices.note((plan.source, there.collection), (plan.target, there.collection))
    return web.Response(status=204 if replaced else 201)


async def _checked(call: Call, plan: _Plan) -> tuple[Resource, bool]:
    """Return what is to go, and whether something stands in its place."""
    found = await call.look(plan.target)
    there, target = existing(found[plan.source]), found[plan.target]
    refuse_occupied(target)
    replaced = target.resource is not None
    if replaced and not plan.overwrite:
        raise DavError(412, "something stands at the destination")
    call.demand(plan.target, membership=True, deep=True)
    return there, replaced


def _refuse_too_deep(plan: _Plan, extent: Extent) -> None:
    path_bytes = len("/".join(plan.target).encode()) + extent.longest_bytes
    if len(plan.target) + extent.levels > MAX_LEVELS or path_bytes > MAX_PATH_BYTES:
        raise DavError(403, "the names would become too long there")


def _copy(files: FileStore, plan: _Plan, *, deep: bool) -> None:
    copy(files.tree, plan.source, plan.target, deep=deep, stopping=files.stopping)
    files.properties.copy(plan.source, plan.target, deep=deep)


def _move(files: FileStore, plan: _Plan) -> None:
    move(files.tree, plan.source, plan.target)
    files.properties.move(plan.source, plan.target)
