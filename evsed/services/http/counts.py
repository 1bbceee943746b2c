"""How many requests were answered: by method, route and status."""

from collections import Counter
from typing import Final

from aiohttp import web

from evsed.services.http.answers import Handler

_METHODS: Final = frozenset(
    {
        *("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "PROPPATCH"),
        *("MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK"),
    }
)
_OTHER: Final = "other"
#: Files of the pages: one route each, and together one here.
_ASSETS: Final = "/assets/"

Key = tuple[str, str, int]


class RequestCounts:
    """Counts answers. There are as many numbers as routes and codes, whatever clients invent."""

    def __init__(self) -> None:
        self._counts: Counter[Key] = Counter()

    def counted(self) -> dict[Key, int]:
        """Return the answers so far by method, route and status."""
        return dict(self._counts)

    @web.middleware
    async def count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass the request on, and count its answer."""
        response = await handler(request)
        method = request.method if request.method in _METHODS else _OTHER
        self._counts[method, _route(request), response.status] += 1
        return response


def _route(request: web.Request) -> str:
    """Return the path as it was declared: ``/api/v1/limits/{owner}``."""
    resource = request.match_info.route.resource
    path = _OTHER if resource is None else resource.canonical
    return f"{_ASSETS}…" if path.startswith(_ASSETS) else path
