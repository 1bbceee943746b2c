"""One row per endpoint: the table makes the routes and the OpenAPI document alike."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from evsed.services.rest.schema import OK, Content, Schema

ROOT: Final = "/api/v1"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Runs before ``100 Continue`` is sent; returns an answer to refuse the body.
ExpectHandler = Callable[[web.Request], Awaitable[web.StreamResponse | None]]

_PARAMETER: Final = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path.

    Args:
        method: GET (HEAD comes with it), POST, PUT or DELETE.
        path: below ``/api/v1``; ``{name}`` stands for one piece, which may be empty.
        handler: answers.
        summary: what it does, in a few words.
        body: schema of the JSON body, or the ``Content`` of another kind; None: a body is ignored.
        answer: schema of the JSON answer to 200, or the ``Content`` of another kind.
        errors: codes of failure of its own. Those every endpoint has are added by the document:
            401, 403 and 500; with all but GET also 408 and 413; with a JSON body 400 and 415.
        about: more than the summary says: side effects, delays. Markdown is not rendered.
        query: schemas of query parameters.
        extension: not in the API's own documentation; switched off by ``http.extensions``.
        expect: asked before a large body is invited.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    body: Schema | Content | None = None
    answer: Schema | Content = OK
    errors: tuple[int, ...] = ()
    about: str = ""
    query: Mapping[str, Schema] = field(default_factory=dict)
    extension: bool = False
    expect: ExpectHandler | None = None

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names in braces."""
        return tuple(_PARAMETER.findall(self.path))

    def route(self) -> web.RouteDef:
        """Return the route for the HTTP service."""
        path = ROOT + _PARAMETER.sub(r"{\1:[^/]*}", self.path)
        more: dict[str, Any] = {} if self.expect is None else {"expect_handler": self.expect}
        if self.method == "GET":
            return web.get(path, self.handler, **more)
        return web.route(self.method, path, self.handler, **more)


def routes(endpoints: Iterable[Endpoint]) -> tuple[web.RouteDef, ...]:
    """Return the routes for the HTTP service."""
    return tuple(endpoint.route() for endpoint in endpoints)
