"""What pages of permitted other origins are told (``http.corsOrigins``). Source: rest.md 2.4."""

from collections.abc import Collection
from typing import Final

from aiohttp import web

from evsed.services.http.answers import Handler, Middleware

_METHODS: Final = "GET, HEAD, POST, PUT, DELETE"
_HEADERS: Final = "Authorization, Content-Type"
_EXPOSED: Final = "ETag, X-Count, X-Time"
_REMEMBER_S: Final = "600"


def cross_origin(permitted: Collection[str]) -> Middleware:
    """Return what answers preflight requests and lets permitted pages read every answer.

    Runs ahead of the credentials check: a browser asks beforehand without credentials.
    """

    @web.middleware
    async def open_to_permitted(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin is None or origin not in permitted:
            return await handler(request)
        answer = _preflight() if _is_preflight(request) else await handler(request)
        if not answer.prepared:  # what streams is not for other pages
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Access-Control-Allow-Credentials"] = "true"
            answer.headers["Access-Control-Expose-Headers"] = _EXPOSED
            answer.headers["Vary"] = "Origin"
        return answer

    return open_to_permitted


def _is_preflight(request: web.Request) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def _preflight() -> web.StreamResponse:
    answer = web.Response(status=204)
    answer.headers["Access-Control-Allow-Methods"] = _METHODS
    answer.headers["Access-Control-Allow-Headers"] = _HEADERS
    answer.headers["Access-Control-Max-Age"] = _REMEMBER_S
    return answer
