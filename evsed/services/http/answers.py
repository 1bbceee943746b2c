"""Every failure as one line of plain text; the only place where our errors become HTTP codes."""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from evsed.errors import EvsedError, RejectedError
from evsed.host.repeat_limiter import RepeatLimiter

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Middleware(Protocol):
    """Wraps every request, those to unknown paths as well."""

    def __call__(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """Answer, or pass the request on."""


_log = logging.getLogger(__name__)
#: one traceback a minute for each kind of failure: whoever can cause it can cause it again
_bugs = RepeatLimiter()

#: Sentences for the codes the framework answers by itself.
_SENTENCES = {
    400: "bad request",
    404: "no such resource",
    405: "method not allowed here",
    411: "length required",
    417: "expectation failed",
}
#: After these a part of the request may still be on its way.
_CLOSING = frozenset({408, 413})


def text_answer(status: int, line: str, reason: str | None = None) -> web.Response:
    """Return an answer of one line; ``reason`` is the phrase of a code HTTP does not know."""
    text = " ".join(line.split())
    answer = web.Response(status=status, reason=reason, text=text, content_type="text/plain")
    if status in _CLOSING:
        answer.force_close()
    return answer


def _from_http_error(error: web.HTTPException) -> web.StreamResponse:
    if error.status < 400:
        return error
    standard = f"{error.status}: {error.reason}"
    written = error.text if error.text and error.text != standard else None
    answer = text_answer(error.status, written or _SENTENCES.get(error.status, standard))
    for name in ("Allow", "Retry-After"):
        if name in error.headers:
            answer.headers[name] = error.headers[name]
    return answer


def _from_our_error(error: EvsedError | TimeoutError | MemoryError) -> web.Response:
    match error:
        case RejectedError():
            return text_answer(400, str(error))
        case TimeoutError():
            return text_answer(500, "the station did not answer in time; nothing was changed")
        case MemoryError():
            return text_answer(512, "out of memory", reason="Failed To Allocate Memory")
        case _:
            return text_answer(500, str(error))


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into its code and one sentence: no HTML, no traceback."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _from_http_error(error)
    except (EvsedError, TimeoutError, MemoryError) as error:
        return _from_our_error(error)
    except web.RequestPayloadError:
        return text_answer(400, "the body is malformed or was cut off")
    except ConnectionError:
        raise  # the client has gone: there is nobody to answer
    except Exception as error:  # the edge of a request: logged here, answered as 500
        if isinstance(error, RuntimeError) and request.transport is None:
            raise ConnectionResetError from error  # how the library says that the client has gone
        if _bugs.admit((type(error), request.match_info.handler)) is not None:
            _log.exception("request failed: %s %s", request.method, request.path)
        return text_answer(500, "internal error")
