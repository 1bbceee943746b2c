"""Headers every answer carries. Source: web-ui.md section 5; rest.md section 1, caching."""

from aiohttp import web

API_ROOT = "/api/"

_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
#: on every answer, unless it brings its own
ALWAYS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
SERVER = "evsed"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Complete an answer just before its headers are sent."""
    headers = response.headers
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    headers["Server"] = SERVER
    caching = "no-store" if request.path.startswith(API_ROOT) else "no-cache"
    headers.setdefault("Cache-Control", caching)
