"""One client's connection: requests strictly one after the other, and known to wait for whom.

The library's parser is fed one request at a time; what a client sends ahead waits in the socket.
A flood of pipelined requests therefore costs no more than one of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any, Final, Protocol

from aiohttp import web

from evsed.services.http.head import (
    end_of_head,
    end_of_newlines,
    may_be_half_a_method,
    with_known_method,
)
from evsed.services.http.repeats import Repeats

#: all headers of a request together
MAX_HEAD_BYTES: Final = 32768

#: what a client may send ahead of its turn; the socket is not read meanwhile
_MAX_AHEAD_BYTES: Final = 2**20
#: fed to the parser in one go; a chunked body is cut at every empty line
_PIECES: Final = 64

_HEAD_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nServer: evsed\r\nConnection: close\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 25\r\n\r\n"
    b"the headers are too large"
)


class Waits(Enum):
    """What a connection waits for; all but the last are the client's doing."""

    REQUEST = auto()  #: nothing has been asked
    HEAD = auto()  #: the headers are not complete
    BODY = auto()  #: the body is not complete
    READER = auto()  #: the answer is not read
    US = auto()  #: our own handler is at work


class _Phase(Enum):
    HEAD = auto()  #: what arrives is headers
    PICKED = auto()  #: the headers have been parsed, the handler has not begun
    BODY = auto()  #: what arrives is a body
    FULL = auto()  #: the request is complete; what arrives belongs to the next


_COMPLETE: Final = (_Phase.PICKED, _Phase.FULL)


#: Returns an answer to refuse a body that has been announced, or None.
ExpectHandler = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


class Table(Protocol):
    """Keeps the connections."""

    def admit(self, connection: "Connection") -> None:
        """Take a new one; may close another."""

    def leave(self, connection: "Connection") -> None:
        """Forget one."""

    def malformed(self, address: str, error: BaseException | None) -> web.Response:
        """Return the answer to what is not HTTP."""


class Connection(web.RequestHandler):
    """The library's connection with limits of our own.

    Args:
        server: the library's.
        table: of all connections.
        settings: for the library's connection.
    """

    __slots__ = (
        "_answered",
        "_arrived",
        "_asked",
        "_before",
        "_body_left",
        "_clock",
        "_deaf",
        "_fed",
        "_head_bytes",
        "_phase",
        "_repeats",
        "_table",
        "_unread_bytes",
        "address",
        "authenticated",
        "judge",
        "streaming",
        "touched_s",
    )

    def __init__(self, server: web.Server, table: Table, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._table = table
        self._clock = asyncio.get_running_loop().time
        self._asked: web.BaseRequest | None = None
        self._answered = True
        self._phase = _Phase.HEAD
        self._repeats = Repeats()
        self._head_bytes = 0
        self._before = b""
        self._body_left: int | None = None  # None: chunked
        self._arrived = b""
        self._fed = 0  # how much of it
        self._deaf = False
        self._unread_bytes = 0
        self.address = ""
        self.authenticated = False  #: the present request has shown the right credentials
        self.judge: ExpectHandler | None = None  #: of the present request's body, when it waits
        self.streaming = False  #: an endless answer is being sent
        self.touched_s = self._clock()  #: since when it waits for what it waits for

    # --- called by the library ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the table."""
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        super().connection_made(transport)
        self._table.admit(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Leave the table."""
        self._table.leave(self)
        self._asked, self._arrived, self._fed = None, b"", 0
        self._repeats = Repeats()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand on what belongs to the present request, keep the rest."""
        if not data:  # how the newer library asks itself to go on
            super().data_received(data)
            return
        alone = self._phase is _Phase.HEAD and not self._head_bytes and not self._arrived
        if alone and self._answered_again(data):
            return
        self._repeats.take(data, alone=alone)
        if self._phase is not _Phase.HEAD or not self._head_bytes:
            self.touched_s = self._clock()
        self._arrived = self._arrived[self._fed :] + data if self._arrived else data
        self._fed = 0
        if len(self._arrived) > _MAX_AHEAD_BYTES:
            self.end()
        self._go_on()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Any:
        """Send the answer, then turn to the next request."""
        self._answered = True
        if request.writer.output_size and not resp.prepared:
            # Another answer has begun and failed. This one would be read as the rest of it.
            self._cut_off()
        try:
            done = await super().finish_response(request, resp, start_time)  # type: ignore[arg-type, unused-ignore]  # a float before 3.11
            self._repeats.answered(getattr(resp, "again", None), self._clock())
            return done
        finally:
            self.authenticated, self.streaming, self.judge = False, False, None
            self.touched_s = self._clock()
            if self._phase is not _Phase.BODY:
                self._next_request()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP in one line; leave failures of handlers to the library."""
        if isinstance(exc, ConnectionError):
            raise exc  # the client has gone: there is nobody to answer, and nothing to log
        if status != 400:
            return super().handle_error(request, status, exc, message)
        answer = self._table.malformed(self.address, exc)
        answer.force_close()
        return answer

    # --- called by the service ---

    def begin(self, request: web.BaseRequest) -> None:
        """Note that a handler begins: from now on the body may come."""
        self._asked, self._answered = request, False
        chunked = "Transfer-Encoding" in request.headers
        self._body_left, self._before = None if chunked else request.content_length, b""
        self._phase = _Phase.FULL if request.content.is_eof() else _Phase.BODY
        if self._phase is _Phase.BODY:
            self._go_on()

    def waits_for(self) -> Waits:
        """Return what this connection waits for; a slow reader's progress is noted on the way."""
        if self._phase in (_Phase.HEAD, _Phase.PICKED):
            return Waits.HEAD if self._head_bytes else Waits.REQUEST
        transport = self.transport
        unread = transport.get_write_buffer_size() if transport else 0
        if unread < self._unread_bytes:
            self.touched_s = self._clock()
        self._unread_bytes = unread
        if unread:
            return Waits.READER
        reading = isinstance(transport, asyncio.Transport) and transport.is_reading()
        return Waits.BODY if self._phase is _Phase.BODY and reading else Waits.US

    def judge_anew(self) -> None:
        """Answer nothing as the last time: who may ask has changed."""
        self._repeats.forget()

    def end(self, last_words: bytes = b"") -> None:
        """Close; an answer that is not being read is lost."""
        transport = self.transport
        if not isinstance(transport, asyncio.Transport):
            return
        if transport.get_write_buffer_size():
            transport.abort()
            return
        if last_words:
            transport.write(last_words)
        transport.close()

    def _answered_again(self, data: bytes) -> bool:
        """Send the last answer again, if exactly the same is asked and it still holds."""
        now_s, transport = self._clock(), self.transport
        wire = self._repeats.answer(data, now_s)
        if wire is None or not isinstance(transport, asyncio.Transport):
            return False
        if transport.is_closing() or transport.get_write_buffer_size():
            return False
        self.touched_s = now_s
        transport.write(wire)
        return True

    def _cut_off(self) -> None:
        """Close at once, so that what has been sent is not taken for a whole answer."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    # --- what the parser is fed ---

    def _go_on(self) -> None:
        """Feed what has arrived as far as it belongs to the present request."""
        if self.transport is None:
            return
        for _ in range(_PIECES):
            if self._fed == len(self._arrived) or self._phase in _COMPLETE:
                break
            if self._phase is _Phase.BODY:
                self._feed_body()
            elif not self._feed_head():
                return  # too little to begin with
        else:
            asyncio.get_running_loop().call_soon(self._go_on)
        if self._fed == len(self._arrived):
            self._arrived, self._fed = b"", 0
        self._pause(paused=bool(self._arrived))

    def _feed_head(self) -> bool:
        begin, fresh = self._fed, not self._before
        if fresh:
            begin = end_of_newlines(self._arrived, begin)
            if may_be_half_a_method(self._arrived, begin):
                self._head_bytes += 1
                self._pause(paused=False)
                return False
        end = end_of_head(self._arrived, begin, self._before)
        stop = len(self._arrived) if end is None else end
        head = self._arrived[begin:stop]
        self._head_bytes += stop - self._fed
        self._fed = stop
        self._before = (self._before + head[-3:])[-3:]
        if self._head_bytes > MAX_HEAD_BYTES:
            self.end(_HEAD_TOO_LARGE)
            return True
        if end is not None:
            self._phase = _Phase.PICKED
        if head:
            super().data_received(with_known_method(head) if fresh else head)
        return True

    def _feed_body(self) -> None:
        begin, stop = self._fed, len(self._arrived)
        if self._body_left is None:  # chunked: every empty line may be the end
            end = end_of_head(self._arrived, begin, self._before)
            stop = end or stop
            before = self._before + self._arrived[max(begin, stop - 3) : stop]
            self._before = b"\n" if end else before[-3:]
        else:
            stop = min(stop, begin + self._body_left)
            self._body_left -= stop - begin
        self._fed = stop
        super().data_received(self._arrived[begin:stop])
        if self._asked is None or self._asked.content.is_eof():
            self._body_complete()
        elif self._messages:  # nothing but a complaint can be there before the body has ended
            self._asked.content.set_exception(web.RequestPayloadError("malformed body"))
            self.close()

    def _body_complete(self) -> None:
        self._phase = _Phase.FULL
        if self._answered:
            self._next_request()

    def _next_request(self) -> None:
        self._asked = None
        self._phase, self._head_bytes, self._before = _Phase.HEAD, 0, b""
        if self._arrived:
            asyncio.get_running_loop().call_soon(self._go_on)

    def _pause(self, *, paused: bool) -> None:
        transport = self.transport
        if paused == self._deaf or not isinstance(transport, asyncio.Transport):
            return
        self._deaf = paused
        if transport.is_closing():
            return
        if paused:
            transport.pause_reading()
        else:
            transport.resume_reading()
