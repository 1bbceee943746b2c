"""What happens to every request on its way in: noted, expected, or nowhere to go."""

from typing import Final

from aiohttp import web

from evsed.services.http.answers import Handler, text_answer
from evsed.services.http.connection import Connection, ExpectHandler

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_STREAM_TYPE: Final = "text/event-stream"


@web.middleware
async def note_beginning(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the connection that its request is complete up to the body."""
    if isinstance(request.protocol, Connection):
        request.protocol.begin(request)
    if not (1, 0) <= request.version <= (1, 1):
        return text_answer(505, "HTTP/1.0 or 1.1 expected")
    return await handler(request)


async def note_streams(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the connection that its answer is an endless one."""
    if response.content_type == _STREAM_TYPE and isinstance(request.protocol, Connection):
        request.protocol.streaming = True


def postponed(route: web.RouteDef) -> web.RouteDef:
    """Return a route that leaves ``Expect: 100-continue`` to ``meet_expectations``."""
    options = dict(route.kwargs)
    judge = options.pop("expect_handler", _welcome)
    return web.RouteDef(
        route.method, route.path, route.handler, {**options, "expect_handler": _noting(judge)}
    )


@web.middleware
async def meet_expectations(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Invite the body after the credentials were checked; the library would do it before."""
    expected = request.headers.get("Expect")
    if expected is None or request.version < (1, 1):
        return await handler(request)
    if expected.lower() != "100-continue":
        raise web.HTTPExpectationFailed
    connection = request.protocol
    if isinstance(connection, Connection) and connection.judge is not None:
        refusal = await connection.judge(request)
        if refusal is not None:
            return refusal
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0  # nothing of the answer has been sent
    return await handler(request)


def _noting(judge: ExpectHandler | None) -> ExpectHandler:
    """Return what the library calls: it only notes whom to ask later."""

    async def note(request: web.Request) -> None:
        if isinstance(request.protocol, Connection):
            request.protocol.judge = judge

    return note


async def _welcome(_request: web.Request) -> None:
    """Want every body."""


async def nowhere(request: web.Request) -> web.StreamResponse:
    """Answer for paths and methods nobody offers.

    A route of our own, and not the library's refusal, because that one would invite bodies.
    """
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != _ANYWHERE:
            _, methods = await resource.resolve(request)
            allowed |= methods
    if allowed:
        raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
    raise web.HTTPNotFound


_ANYWHERE: Final = "/{anything}"
#: Has to be the last of all routes.
NOWHERE: Final = web.route("*", "/{anything:(?s:.*)}", nowhere, expect_handler=_noting(None))
