"""The files for the browser: read once at start, answered from memory, packed where that helps.

What stands in ``assets/`` is served below a name made of its content, ``/assets/3f9a…/``, and may
be kept for ever; pages name it as ``assets/…`` and are revalidated by ETag. So a page costs one
small question, and never mixes the files of two versions. Source: web-ui.md section 5.
"""

import gzip
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_START_PAGE: Final = "index.html"
_ASSETS: Final = "assets"
#: Nobody else may keep what user and password protect.
_FOR_EVER: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
#: Smaller ones are not worth it, pictures are packed already.
_WORTH_PACKING_BYTES: Final = 500
_PACKED_ALREADY: Final = frozenset({".ico", ".png"})


@dataclass(frozen=True, slots=True)
class Page:
    """One file as it is sent.

    Args:
        body: as it is kept.
        packed: whether that is by gzip. Every browser takes it so; for others it is unpacked, which
            is done within a millisecond.
        content_type: without charset.
        etag: of the file as it is, in quotes.
        headers: further ones.
    """

    body: bytes
    packed: bool
    content_type: str
    etag: str
    headers: dict[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        """Return the file, or 304 when the browser has this very version."""
        packed = self.packed and _takes_gzip(request)
        etag = f'{self.etag[:-1]}-gzip"' if packed else self.etag
        headers = {**self.headers, "ETag": etag, "Vary": "Accept-Encoding"}
        if etag in _known_tags(request.headers.get("If-None-Match", "")):
            return web.Response(status=304, headers=headers)
        if packed:
            headers["Content-Encoding"] = "gzip"
        charset = "utf-8" if self.content_type.startswith("text/") else None
        return web.Response(
            body=gzip.decompress(self.body) if self.packed and not packed else self.body,
            content_type=self.content_type,
            charset=charset,
            headers=headers,
        )


def page_routes(folder: Path) -> tuple[web.RouteDef, ...]:
    """Return one route per file of known type below ``folder``; the start page also at ``/``."""
    files = {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.suffix in _TYPES and file.is_file()
    }
    version = assets_version(files)
    routes = []
    for name, body in files.items():
        if name.startswith(f"{_ASSETS}/"):
            page = _page(name, body, _FOR_EVER)
            routes.append(web.get(f"/{_ASSETS}/{version}{name[len(_ASSETS) :]}", page.answer))
            continue
        page = _page(name, _pointed_at(version, body) if name.endswith(".html") else body, {})
        if name == _START_PAGE:
            routes.append(web.get("/", page.answer))
        routes.append(web.get(f"/{name}", page.answer))
    return tuple(routes)


def assets_version(files: dict[str, bytes]) -> str:
    """Return the name that stands for the content of all assets together."""
    digest = hashlib.sha256()
    for name, body in sorted(files.items()):
        if name.startswith(f"{_ASSETS}/"):
            digest.update(f"{name}\0{len(body)}\0".encode() + body)
    return digest.hexdigest()[:16]


def _pointed_at(version: str, html: bytes) -> bytes:
    return html.replace(b'="assets/', f'="{_ASSETS}/{version}/'.encode())


def _page(name: str, body: bytes, headers: dict[str, str]) -> Page:
    suffix = Path(name).suffix
    packed = len(body) > _WORTH_PACKING_BYTES and suffix not in _PACKED_ALREADY
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    kept = gzip.compress(body, 9, mtime=0) if packed else body
    return Page(kept, packed, _TYPES[suffix], etag, headers)


def _takes_gzip(request: web.Request) -> bool:
    """Tell whether the browser says it unpacks gzip; ``gzip;q=0`` says it does not."""
    for word in request.headers.get("Accept-Encoding", "").split(","):
        name, _, quality = word.replace(" ", "").partition(";q=")
        if name.lower() in {"gzip", "*"}:
            return quality.strip("0.") != "" or quality == ""
    return False


def _known_tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
