"""Every open connection: how many, how long they may wait, and which one has to go.

What a client fails to do within its time ends its connection. When there are too many, the one
that has waited longest for its client goes; handlers at work are left alone.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from evsed.host.repeat_limiter import RepeatLimiter
from evsed.services.http.answers import text_answer
from evsed.services.http.connection import Connection, Waits
from evsed.services.http.headers import ALWAYS, SERVER

MAX_CONNECTIONS: Final = 128

#: How long a client may take, s. Handlers have limits of their own for bodies, shorter than this.
PATIENCE_S: Final[Mapping[Waits, float]] = MappingProxyType(
    {Waits.REQUEST: 75.0, Waits.HEAD: 15.0, Waits.BODY: 90.0, Waits.READER: 60.0}
)

_SWEEP_S: Final = 1.0
_HEAD_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nServer: evsed\r\nConnection: close\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 34\r\n\r\n"
    b"the headers did not arrive in time"
)

_log = logging.getLogger(__name__)


class Connections:
    """The table of connections.

    Args:
        most: how many may be open at a time.
        patience_s: how long a client may take for what.
        sweep_s: how often that is looked at.
    """

    def __init__(
        self,
        most: int = MAX_CONNECTIONS,
        patience_s: Mapping[Waits, float] = PATIENCE_S,
        sweep_s: float = _SWEEP_S,
    ) -> None:
        self._most = most
        self._patience_s = patience_s
        self._sweep_s = sweep_s
        self._open: set[Connection] = set()
        self._addresses: Counter[str] = Counter()
        self._limiter = RepeatLimiter()

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    def admit(self, connection: Connection) -> None:
        """Take a new connection; close another when there are too many."""
        self._open.add(connection)
        self._addresses[connection.address] += 1
        if len(self._open) <= self._most:
            return
        victim = self._victim() or connection
        self.leave(victim)
        victim.end()
        self._note("crowd", "http: too many connections, closed one of %s", victim.address)

    def leave(self, connection: Connection) -> None:
        """Forget a connection; the second time has no effect."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        self._addresses[connection.address] -= 1
        if not self._addresses[connection.address]:
            del self._addresses[connection.address]

    def malformed(self, address: str, error: BaseException | None) -> web.Response:
        """Return the answer to what is not HTTP; the log hears of it once a minute."""
        self._note("malformed", "http: %s sends what is not HTTP", address)
        if isinstance(error, LineTooLong):
            answer = text_answer(431, "a line of the request is too long")
        else:
            answer = text_answer(400, "this is not HTTP")
        answer.headers.update(ALWAYS, Server=SERVER)
        return answer

    def close_streams(self) -> None:
        """End every endless answer: who may read it has changed."""
        for connection in tuple(self._open):
            connection.judge_anew()
            if connection.streaming:
                connection.end()

    async def sweep(self) -> None:
        """Close what takes too long, until cancelled."""
        while True:
            await asyncio.sleep(self._sweep_s)
            now_s = asyncio.get_running_loop().time()
            for connection in tuple(self._open):
                self._check(connection, now_s)

    def _check(self, connection: Connection, now_s: float) -> None:
        waits = connection.waits_for()
        patience_s = self._patience_s.get(waits)
        if patience_s is None or now_s - connection.touched_s <= patience_s:
            return
        if waits is not Waits.REQUEST:
            self._note(waits, "http: closed a connection of %s: too slow", connection.address)
        connection.end(_HEAD_TOO_SLOW if waits is Waits.HEAD else b"")

    def _victim(self) -> Connection | None:
        """Return who has waited longest, first among those of the address with most of them."""
        waiting = [one for one in self._open if one.waits_for() is not Waits.US]
        crowd = self._addresses.most_common(1)[0][0]
        crowded = [one for one in waiting if one.address == crowd]
        return min(crowded or waiting, key=lambda one: one.touched_s, default=None)

    def _note(self, kind: object, message: str, address: str) -> None:
        self._limiter.log(_log, logging.INFO, kind, message, address)
