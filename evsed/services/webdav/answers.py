"""Answers of WebDAV as HTTP responses; the one place where refusals become them."""

from typing import Final

from aiohttp import web

from evsed.services.webdav.errors import DavError
from evsed.services.webdav.multistatus import error_body

XML: Final = "application/xml"

#: What tells clients that this is WebDAV; Windows wants to see it at the root of the server, too.
COMPLIANCE: Final = {"DAV": "1, 2", "MS-Author-Via": "DAV"}


def xml_answer(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return an XML document."""
    return web.Response(
        status=status,
        body=text.encode(),
        content_type=XML,
        charset="utf-8",
        headers=headers,
    )


def refusal(error: DavError) -> web.Response:
    """Return a refusal: XML when there is a condition to name, otherwise one sentence."""
    if error.status == 301:
        return web.Response(status=301, headers={"Location": error.line})
    if error.status == 304:
        return web.Response(status=304)
    if error.condition:
        answer = xml_answer(error.status, error_body(error.condition))
    else:
        answer = web.Response(status=error.status, text=error.line, content_type="text/plain")
    if error.allow:
        answer.headers["Allow"] = error.allow
    if error.closing:
        answer.force_close()
    return answer
