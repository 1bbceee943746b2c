"""Headers every answer carries. Source: web-ui.md section 5; rest.md section 1, caching."""

from aiohttp import web

API_ROOT = "/api/"

_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
_ALWAYS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "Server": "evsed",
    "X-Content-Type-Options": "nosniff",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Complete an answer just before its headers are sent."""
    response.headers.update(_ALWAYS)
    caching = "no-store" if request.path.startswith(API_ROOT) else "no-cache"
    response.headers["Cache-Control"] = caching
