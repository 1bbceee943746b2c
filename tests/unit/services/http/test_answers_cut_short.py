"""An answer that fails in the middle is cut short; nothing else is sent in its place."""

import asyncio
import contextlib

import pytest
from aiohttp import web

from evsed.errors import RejectedError, StorageError
from evsed.services.http.answers import text_answer
from evsed.services.http.service import Door, HttpService

ASK = b"GET /begun HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"GET /begun?chunked=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def said_to(asked, failure):
    """Return all that is said to two questions when the handler fails after ten bytes."""

    async def begun(request):
        answer = web.StreamResponse()
        if "chunked" not in request.query:
            answer.content_length = 1000
        await answer.prepare(request)
        await answer.write(b"0123456789")
        return failure()

    http = HttpService(Door(address="127.0.0.1", port=0), (web.get("/begun", begun),))
    task = asyncio.create_task(http.serve())
    await asyncio.wait_for(http.ready.wait(), 10)
    reader, writer = await asyncio.open_connection("127.0.0.1", http.port)
    said = b""
    try:
        writer.write(asked + asked)
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(1000):
                    said += piece
    finally:
        writer.transport.abort()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return said


def raised(error):
    def failure():
        raise error

    return failure


FAILURES = {
    "a bug": raised(ZeroDivisionError()),
    "the disk": raised(OSError(5, "Input/output error")),
    "our own": raised(StorageError("the disk refused")),
    "refused": raised(RejectedError("no")),
    "the framework's": raised(web.HTTPNotFound()),
    "another answer": lambda: text_answer(507, "no room left"),
}


@pytest.mark.parametrize("asked", [ASK, CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_an_answer_that_fails_in_the_middle_ends_the_connection(asked, failure):
    said = await said_to(asked, failure)
    assert said.count(b"HTTP/1.1") <= 1
    assert not said.endswith(b"0\r\n\r\n")  # it does not look complete
