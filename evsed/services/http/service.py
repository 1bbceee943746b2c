"""The listening socket: owns the port, knows no resource."""

import asyncio
import logging
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from evsed.services.http.answers import Handler, Middleware, answer_errors, text_answer
from evsed.services.http.guard import foreign_host, foreign_origin
from evsed.services.http.headers import add_headers

_log = logging.getLogger(__name__)

#: How long running requests may take to end when the service is taken down.
_FAREWELL_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where to listen and whom to let in; port 0 for any free one."""

    address: str = "0.0.0.0"  # noqa: S104 - an appliance on the home network: its default by design
    port: int = 80
    allowed_hosts: Collection[str] = ()


class _WireLog(logging.LoggerAdapter[logging.Logger]):
    """Says nothing about bytes that are not HTTP: anybody on the network can send them."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **more: Any) -> None:
        if not isinstance(exc_info, HttpProcessingError | web.RequestPayloadError):
            super().exception(msg, *args, exc_info=exc_info, **more)


class HttpService:
    """Serves routes until it is cancelled.

    Args:
        door: where to listen.
        routes: what the other services offer; each path once per method.
        before: middlewares that run ahead of the cross-site guard and of the routes, also for
            unknown paths. This is the place of the credentials check (rest.md section 1).
    """

    name = "http"

    def __init__(
        self, door: Door, routes: Iterable[web.RouteDef], *, before: Iterable[Middleware] = ()
    ) -> None:
        self._door = door
        self._routes = tuple(routes)
        self._before = tuple(before)
        self._bound: int | None = None
        #: set while the port accepts connections
        self.ready = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that is bound, or the one that will be."""
        return self._door.port if self._bound is None else self._bound

    async def serve(self) -> None:
        """Listen until cancelled; then let running requests end for two seconds."""
        runner = web.AppRunner(self._application(), access_log=None, logger=_WireLog(_log))
        await runner.setup()
        try:
            await self._listen(runner)
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        if runner.server is None:
            raise RuntimeError("the runner has been set up and has a server")
        loop = asyncio.get_running_loop()
        door = listening_socket(self._door)
        self._bound = door.getsockname()[1]
        listening = await loop.create_server(runner.server, sock=door)
        self.ready.set()
        _log.info("http: listening on %s port %s", self._door.address, self._bound)
        try:
            await loop.create_future()  # until cancelled
        finally:
            self.ready.clear()
            listening.close()
            await runner.server.shutdown(_FAREWELL_S)

    def _application(self) -> web.Application:
        application = web.Application(middlewares=(answer_errors, *self._before, self._guard()))
        application.on_response_prepare.append(add_headers)
        application.add_routes(self._routes)
        return application

    def _guard(self) -> Middleware:
        own_names = own_host_names() | {name.lower() for name in self._door.allowed_hosts}

        @web.middleware
        async def refuse_foreign(request: web.Request, handler: Handler) -> web.StreamResponse:
            why = foreign_origin(request.method, request.headers)
            why = why or foreign_host(request.headers.get("Host"), own_names)
            return text_answer(403, why) if why else await handler(request)

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
