"""The files for the browser: read once at start, answered from memory, revalidated by ETag."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_START_PAGE = "index.html"


@dataclass(frozen=True, slots=True)
class Page:
    """One file as it is sent."""

    body: bytes
    content_type: str
    etag: str

    async def answer(self, request: web.Request) -> web.Response:
        """Return the file, or 304 when the browser has this very version."""
        if self.etag in _known_tags(request.headers.get("If-None-Match", "")):
            return web.Response(status=304, headers={"ETag": self.etag})
        charset = "utf-8" if self.content_type.startswith("text/") else None
        return web.Response(
            body=self.body,
            content_type=self.content_type,
            charset=charset,
            headers={"ETag": self.etag},
        )


def page_routes(folder: Path) -> tuple[web.RouteDef, ...]:
    """Return one route per file of known type below ``folder``; the start page also at ``/``."""
    routes = []
    for file in sorted(folder.rglob("*")):
        content_type = _TYPES.get(file.suffix)
        if content_type is None or not file.is_file():
            continue
        page = _read(file, content_type)
        name = file.relative_to(folder).as_posix()
        if name == _START_PAGE:
            routes.append(web.get("/", page.answer))
        routes.append(web.get(f"/{name}", page.answer))
    return tuple(routes)


def _read(file: Path, content_type: str) -> Page:
    body = file.read_bytes()
    return Page(body, content_type, f'"{hashlib.sha256(body).hexdigest()[:20]}"')


def _known_tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
