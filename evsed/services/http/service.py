"""The listening socket: owns the port, knows no resource."""

import asyncio
import logging
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from evsed.host.repeat_limiter import RepeatLimiter
from evsed.services.http.answers import Handler, Middleware, answer_errors, text_answer
from evsed.services.http.connection import Connection, Waits
from evsed.services.http.connections import PATIENCE_S, Connections
from evsed.services.http.cors import cross_origin
from evsed.services.http.counts import RequestCounts
from evsed.services.http.credentials import is_authenticated
from evsed.services.http.guard import foreign_host, foreign_origin
from evsed.services.http.headers import add_headers
from evsed.services.http.requests import (
    NOWHERE,
    meet_expectations,
    note_beginning,
    note_streams,
    postponed,
)

_log = logging.getLogger(__name__)

#: How long running requests may take to end when the service is taken down.
_FAREWELL_S: Final = 2.0
#: How many clients are taken in one go.
_BACKLOG: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where to listen and whom to let in; port 0 for any free one."""

    address: str = "0.0.0.0"  # noqa: S104 - an appliance on the home network: its default by design
    port: int = 80
    allowed_hosts: Collection[str] = ()
    cors_origins: Collection[str] = ()


class _WireLog(logging.LoggerAdapter[logging.Logger]):
    """Says nothing about bytes that are not HTTP: anybody on the network can send them."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **more: Any) -> None:
        if not isinstance(exc_info, HttpProcessingError | web.RequestPayloadError):
            super().exception(msg, *args, exc_info=exc_info, **more)


#: For every connection of the library's. Bodies are not unpacked: nobody sends packed ones on
#: purpose, and a small one may become a very large one.
_CONNECTION: Final[dict[str, Any]] = {
    "access_log": None,
    "auto_decompress": False,
    "keepalive_timeout": PATIENCE_S[Waits.REQUEST],
    "lingering_time": 5.0,
    "logger": _WireLog(_log),
}


class HttpService:
    """Serves routes until it is cancelled.

    Args:
        door: where to listen.
        routes: what the other services offer; each path once per method. An ``expect_handler`` of
            a route judges whether a body is wanted, and only that: it is asked after the
            credentials, and ``100 Continue`` is sent by the service.
        before: middlewares that run ahead of the cross-site guard and of the routes, also for
            unknown paths. This is the place of the credentials check (rest.md section 1).
        connections: the table of them, with limits other than the usual.
        ready: set while the port accepts connections.
        requests: counts the answers.
    """

    name = "http"

    def __init__(
        self,
        door: Door,
        routes: Iterable[web.RouteDef],
        *,
        before: Iterable[Middleware] = (),
        connections: Connections | None = None,
        ready: asyncio.Event | None = None,
        requests: RequestCounts | None = None,
    ) -> None:
        self._door = door
        self._routes = tuple(postponed(route) for route in routes)
        self._before = tuple(before)
        self._bound: int | None = None
        self._requests = requests or RequestCounts()
        self._connections = connections or Connections()
        self.ready = ready or asyncio.Event()

    @property
    def port(self) -> int:
        """The port that is bound, or the one that will be."""
        return self._door.port if self._bound is None else self._bound

    def close_streams(self) -> None:
        """End every event stream: who may read them has changed."""
        self._connections.close_streams()

    async def serve(self) -> None:
        """Listen until cancelled; then let running requests end for two seconds."""
        runner = web.AppRunner(self._application(), access_log=None)
        await runner.setup()
        try:
            await self._listen(runner)
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        server = runner.server
        if server is None:
            raise RuntimeError("the runner has been set up and has a server")
        loop = asyncio.get_running_loop()
        door = listening_socket(self._door)
        self._bound = door.getsockname()[1]
        listening = await loop.create_server(
            lambda: Connection(server, self._connections, loop=loop, **_CONNECTION),
            sock=door,
            backlog=_BACKLOG,
        )
        self.ready.set()
        _log.info("http: listening on %s port %s", self._door.address, self._bound)
        try:
            await self._connections.sweep()  # until cancelled
        finally:
            self.ready.clear()
            listening.close()
            await server.shutdown(_FAREWELL_S)

    def _application(self) -> web.Application:
        application = web.Application(
            middlewares=(
                self._requests.count,
                note_beginning,
                cross_origin(frozenset(self._door.cors_origins)),
                answer_errors,
                *self._before,
                self._guard(),
                meet_expectations,
            )
        )
        application.on_response_prepare.append(add_headers)
        application.on_response_prepare.append(note_streams)
        application.add_routes((*self._routes, NOWHERE))
        return application

    def _guard(self) -> Middleware:
        own_names = own_host_names() | {name.lower() for name in self._door.allowed_hosts}
        origins = frozenset(self._door.cors_origins)
        limiter = RepeatLimiter()

        @web.middleware
        async def refuse_foreign(request: web.Request, handler: Handler) -> web.StreamResponse:
            why = foreign_origin(request.method, request.headers, origins)
            hosts = request.headers.getall("Host", [])
            if len(hosts) > 1:
                return text_answer(400, "one Host header expected")
            if why is None and not is_authenticated(request):
                why = foreign_host(hosts[0] if hosts else None, own_names)
            if why is None:
                return await handler(request)
            limiter.log(_log, logging.INFO, why, "http: %s (asked by %s)", why, request.remote)
            return text_answer(403, why)

        return refuse_foreign


def listening_socket(door: Door) -> socket.socket:
    """Return a bound socket; ``::`` also takes IPv4, which asyncio's own would refuse."""
    if ":" not in door.address:
        return socket.create_server((door.address, door.port))
    return socket.create_server(
        (door.address, door.port), family=socket.AF_INET6, dualstack_ipv6=True
    )


def own_host_names() -> set[str]:
    """Return the names the system gives itself, lower case; asks no name server."""
    return {socket.gethostname().lower()}
