"""/info, /board-config, /time, /restart and /log. Source: rest.md sections 5.5, 6 and 11."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from evsed.operations.operations import LAST_SECOND, Operations
from evsed.services.rest.answers import index_of, json_answer, lines_answer, ok
from evsed.services.rest.board_config import BOARD_FIELDS, board_object
from evsed.services.rest.body import BodyReader
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.info import INFO, info_object
from evsed.services.rest.ports import Logs
from evsed.services.rest.schema import LINES, TEXT, Content, number, of_table, text, whole
from evsed.services.rest.scripts import INDEX

_PANIC: Final = Content(
    media=TEXT,
    schema=text("empty when there is none"),
    headers={"X-Time": whole("time of the record; 0 when there is none", unit="s", low=0)},
)
_SOURCE: Final = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemResource:
    """The computer and this program as resources."""

    operations: Operations
    logs: Logs
    bodies: BodyReader = field(default_factory=BodyReader)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (*self._facts(), *self._clock_and_restart(), *self._logs())

    def _facts(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET",
                path="/info",
                handler=self.info,
                summary="Version, computer and temperatures",
                answer=INFO,
            ),
            Endpoint(
                method="GET",
                path="/board-config",
                handler=self.board_config,
                summary="What the board is able to do",
                answer=of_table(BOARD_FIELDS),
            ),
        )

    def _clock_and_restart(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET",
                path="/time",
                handler=self.time,
                summary="The clock",
                answer=whole("Unix time", unit="s", low=0),
            ),
            Endpoint(
                method="POST",
                path="/time",
                handler=self.set_time,
                summary="Set the clock; schedules are evaluated again",
                body=number("Unix time, a fraction is allowed", unit="s", low=0, high=LAST_SECOND),
            ),
            Endpoint(
                method="POST",
                path="/restart",
                handler=self.restart,
                summary="Restart about one second after the answer; charging is stopped first",
            ),
        )

    def _logs(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET",
                path="/log",
                handler=self.log,
                summary="The log",
                query=INDEX,
                answer=LINES,
            ),
            Endpoint(
                method="GET",
                path="/log/panic",
                handler=self.panic,
                summary="How the daemon ended, when it last did not end in order",
                answer=_PANIC,
            ),
            Endpoint(
                method="DELETE",
                path="/log/panic",
                handler=self.clear_panic,
                summary="Forget how the daemon ended",
            ),
        )

    async def info(self, _request: web.Request) -> web.Response:
        """GET /info."""
        return json_answer(info_object(self.operations.picture()))

    async def board_config(self, _request: web.Request) -> web.Response:
        """GET /board-config."""
        return json_answer(board_object(self.operations.board))

    async def time(self, _request: web.Request) -> web.Response:
        """GET /time."""
        return json_answer(self.operations.picture().clock_s)

    async def set_time(self, request: web.Request) -> web.Response:
        """POST /time."""
        await self.operations.set_time(await self.bodies.json(request), source=_SOURCE)
        return ok()

    async def restart(self, request: web.Request) -> web.Response:
        """POST /restart."""
        await self.bodies.drain(request)
        await self.operations.restart(source=_SOURCE)
        return ok()

    async def log(self, request: web.Request) -> web.Response:
        """GET /log."""
        return lines_answer(*self.logs.lines(index_of(request)))

    async def panic(self, _request: web.Request) -> web.Response:
        """GET /log/panic."""
        record, at_s = await asyncio.to_thread(self.logs.panic)
        headers = {"X-Time": str(at_s)}
        return web.Response(text=record, content_type="text/plain", headers=headers)

    async def clear_panic(self, request: web.Request) -> web.Response:
        """DELETE /log/panic."""
        await self.bodies.drain(request)
        await asyncio.to_thread(self.logs.clear_panic)
        return ok()
