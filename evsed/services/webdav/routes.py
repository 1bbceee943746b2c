"""Every method below /dav/, and what ``OPTIONS /`` has to say."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from evsed.services.webdav.answers import COMPLIANCE, refusal
from evsed.services.webdav.call import Call
from evsed.services.webdav.errors import DavError
from evsed.services.webdav.locking import lock, unlock
from evsed.services.webdav.paths import ROOT
from evsed.services.webdav.reading import allowed, get, options, propfind
from evsed.services.webdav.relocating import copy_to, move_to
from evsed.services.webdav.service import WebDavService
from evsed.services.webdav.uploading import judge, put
from evsed.services.webdav.writing import delete, mkcol, proppatch

_log = logging.getLogger(__name__)

#: Every method, and who answers it.
METHODS: Final[Mapping[str, Callable[[Call], Awaitable[web.StreamResponse]]]] = {
    "COPY": copy_to,
    "DELETE": delete,
    "GET": get,
    "HEAD": get,
    "LOCK": lock,
    "MKCOL": mkcol,
    "MOVE": move_to,
    "OPTIONS": options,
    "PROPFIND": propfind,
    "PROPPATCH": proppatch,
    "PUT": put,
    "UNLOCK": unlock,
}


def webdav_routes(service: WebDavService) -> tuple[web.RouteDef, ...]:
    """Return the routes; they answer 503 where the service does not come up."""
    door = _Door(service)
    return (
        web.route("*", ROOT, door.answer),
        web.route("*", f"{ROOT}/{{path:(?s:.*)}}", door.answer, expect_handler=door.invite),
        web.options("/", _server_options),
    )


async def _server_options(_request: web.Request) -> web.Response:
    """Tell what Windows and Office want to know before they ask for /dav/."""
    return web.Response(headers={**COMPLIANCE, "Allow": "GET, HEAD, OPTIONS"})


async def _no_such_method(call: Call) -> web.StreamResponse:
    raise DavError(405, "no such method here", closing=call.request.body_exists)


class _Door:
    """Takes every request below /dav/."""

    def __init__(self, service: WebDavService) -> None:
        self._service = service

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer; a refusal as WebDAV words it."""
        try:
            return await self._dispatched(request)
        except DavError as error:
            if error.status == 500:
                _log.error("webdav: %s %s: %s", request.method, ascii(request.path), error)
            return refusal(error)

    async def invite(self, request: web.Request) -> web.StreamResponse | None:
        """Refuse an upload before its body is sent; None when it may come."""
        if request.method != "PUT":
            return None
        try:
            await judge(Call(request, await self._service.files()))
        except DavError as error:
            answer = refusal(error)
            answer.force_close()  # the body may come or not: nobody knows
            return answer
        return None

    async def _dispatched(self, request: web.Request) -> web.StreamResponse:
        call = Call(request, await self._service.files())
        act = METHODS.get(request.method, _no_such_method)
        try:
            return await act(call)
        except DavError as error:
            if error.status == 405:
                error.allow = await allowed(call)
            raise
