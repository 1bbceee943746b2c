"""What happens to every request on its way in: noted, expected, or nowhere to go."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from evsed.services.http.answers import Handler, text_answer
from evsed.services.http.connection import Connection

ExpectHandler = Callable[[web.Request], Awaitable[web.StreamResponse | None]]

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


class Expectations:
    """Answers ``Expect: 100-continue`` after the credentials; the library would do it before."""

    def __init__(self) -> None:
        self._judges: dict[object, ExpectHandler] = {}

    def postponed(self, route: web.RouteDef) -> web.RouteDef:
        """Return a route that leaves the header to ``ask``."""
        options = dict(route.kwargs)
        judge = options.pop("expect_handler", None)
        if judge is not None:
            self._judges[route.handler] = judge
        return web.RouteDef(
            route.method, route.path, route.handler, {**options, "expect_handler": _say_nothing}
        )

    @web.middleware
    async def ask(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Invite the body, unless its route does not want it."""
        expected = request.headers.get("Expect")
        if expected is None or request.version < (1, 1):
            return await handler(request)
        if expected.lower() != "100-continue":
            raise web.HTTPExpectationFailed
        route = request.match_info.handler
        judge = self._judges.get(route)
        refusal = await judge(request) if judge else None
        if refusal is not None:
            return refusal
        if route is not nowhere and request.match_info.http_exception is None:
            await request.writer.write(_CONTINUE)
            request.writer.output_size = 0  # nothing of the answer has been sent
        return await handler(request)


async def _say_nothing(_request: web.Request) -> None:
    """Leave the question to ``Expectations.ask``."""


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
NOWHERE: Final = web.route("*", "/{anything:(?s:.*)}", nowhere, expect_handler=_say_nothing)
