"""The answers: a JSON value, lines of text, OK, or a failure with a code of the API's own.

Source: rest.md sections 1, 6 and 12.
"""

import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from aiohttp import web

from evsed.errors import RejectedError

#: Codes HTTP does not know. Source: rest.md section 12.
PHRASES: Final = {
    520: "Cannot Fetch Latest Version Info",
    521: "Failed To Upgrade Firmware",
    522: "Failed To Receive Firmware",
    523: "Invalid Firmware File",
    531: "Failed To Write Program",
    532: "Failed To Receive Program",
}
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
#: A line has a thousand characters at most.
_LINES_AT_ONCE: Final = 60
_INDEX: Final = re.compile(r"[0-9]+")
_INDEX_DIGITS: Final = 18


def json_answer(value: object) -> web.Response:
    """Return a value as ``application/json``, without a charset parameter."""
    return web.Response(body=json_bytes(value), content_type="application/json")


def json_bytes(value: object) -> bytes:
    """Return a value as JSON without blanks."""
    return _ENCODER.encode(value).encode()


def ok() -> web.Response:
    """Return the answer to a write: exactly the two bytes OK."""
    return web.Response(body=b"OK", content_type="text/plain")


def failed(status: int, line: str, *, close: bool = False) -> web.Response:
    """Return a failure with one line of text.

    Args:
        status: the code.
        line: the sentence.
        close: end the connection, because a body may still be on its way.
    """
    answer = web.Response(
        status=status,
        reason=PHRASES.get(status),
        text=" ".join(line.split()),
        content_type="text/plain",
    )
    if close:
        answer.force_close()
    return answer


def lines_answer(lines: Sequence[str], count: int) -> web.Response:
    """Return buffered lines, with the number of all that are buffered as ``X-Count``."""
    headers = {"X-Count": str(count), "Content-Type": "text/plain; charset=utf-8"}
    if len(lines) <= _LINES_AT_ONCE:
        return web.Response(body=_joined(lines), headers=headers)
    return web.Response(body=_in_pieces(lines), headers=headers)


async def _in_pieces(lines: Sequence[str]) -> AsyncIterator[bytes]:
    """Yield lines some at a time: to encode all of them at once would hold up everything else."""
    for start in range(0, len(lines), _LINES_AT_ONCE):
        yield _joined(lines[start : start + _LINES_AT_ONCE])


def _joined(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def index_of(request: web.Request) -> int:
    """Return which line a client wants first: ``?index=``, 0 without one.

    Raises:
        RejectedError: not a whole number.
    """
    text = request.query.get("index", "0")
    if not _INDEX.fullmatch(text):
        raise RejectedError("a whole number from 0 on is expected", key="index")
    return int(text) if len(text) <= _INDEX_DIGITS else 10**_INDEX_DIGITS
