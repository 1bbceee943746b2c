"""GET /extensions: which paths beyond the API are there, so that a page asks for no others."""

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from evsed.services.rest.answers import json_answer
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import array, text

_PATH: Final = "/extensions"


def with_extensions(rows: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Return the rows, and one more that names the extensions among them."""
    known = tuple(rows)
    paths = sorted({row.path for row in known if row.extension} | {_PATH})

    async def get(_request: web.Request) -> web.Response:
        return json_answer(paths)

    mine = Endpoint(
        method="GET",
        path=_PATH,
        handler=get,
        summary="The paths that are there beyond the API",
        answer=array(text(), "below /api/v1; sorted"),
        extension=True,
    )
    return (*known, mine)
