"""The two answers of success: a JSON value, or OK. Source: rest.md section 1."""

import json

from aiohttp import web


def json_answer(value: object) -> web.Response:
    """Return a value as ``application/json``, without a charset parameter."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return web.Response(body=body, content_type="application/json")


def ok() -> web.Response:
    """Return the answer to a write: exactly the two bytes OK."""
    return web.Response(body=b"OK", content_type="text/plain")
