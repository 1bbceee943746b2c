"""GET /diagnosis: one archive with what somebody needs to help from afar. An extension."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiohttp import web

from evsed.operations.operations import Operations
from evsed.services.rest.board_config import board_object
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.info import info_object
from evsed.services.rest.ports import Logs
from evsed.services.rest.schema import Content
from evsed.settings.sections import SECTIONS

_ZIP: Final = "application/zip"
#: So many lines are turned into one piece: a line has a thousand characters at most.
_LINES_AT_ONCE: Final = 60


class Diagnoses(Protocol):
    """Packs what it is given, and what it finds itself."""

    def pieces(self, texts: Iterable[tuple[str, str]]) -> AsyncIterator[bytes]:
        """Yield an archive of texts, each with its name.

        Raises:
            StorageError: it could not be packed.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisResource:
    """The diagnosis as a resource."""

    operations: Operations
    logs: Logs
    diagnoses: Diagnoses
    #: GET /state and GET /reason
    state: Callable[[], Mapping[str, Any]]
    reason: Callable[[], Mapping[str, Any]]

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the row of the table."""
        return (
            Endpoint(
                method="GET",
                path="/diagnosis",
                handler=self.get,
                summary="Download versions, board, settings, log and last faults in one archive",
                about="Without passwords, and without the files of scripts.",
                answer=Content(media=_ZIP, schema={}),
                extension=True,
            ),
        )

    async def get(self, request: web.Request) -> web.StreamResponse:
        """GET /diagnosis."""
        name = f"evsed-diagnosis-{time.strftime('%Y-%m-%d')}.zip"
        headers = {
            "Content-Type": _ZIP,
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        answer = web.StreamResponse(headers=headers)
        if request.method == "HEAD":
            await answer.prepare(request)
            return answer
        pieces: Any = self.pieces()
        async with aclosing(pieces):
            first = await anext(pieces, b"")  # what fails before it is answered as a failure
            await answer.prepare(request)
            await answer.write(first)
            async for piece in pieces:
                await answer.write(piece)
        await answer.write_eof()
        return answer

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the archive in pieces.

        Raises:
            StorageError: it could not be packed.
        """
        panic, _at_s = await asyncio.to_thread(self.logs.panic)
        pieces: Any = self.diagnoses.pieces(self._texts(panic))
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    def _texts(self, panic: str) -> Iterator[tuple[str, str]]:
        operations = self.operations
        now = {
            "info": info_object(operations.picture()),
            "state": self.state(),
            "reason": self.reason(),
            "board-config": board_object(operations.board),
        }
        for name, shown in now.items():
            yield f"{name}.json", _pretty(shown)
        yield "settings.json", _pretty({name: operations.store.shown(name) for name in SECTIONS})
        yield "crash.txt", panic or "none\n"
        lines, _count = self.logs.lines(0)
        for start in range(0, len(lines), _LINES_AT_ONCE):
            some = lines[start : start + _LINES_AT_ONCE]
            yield "log.txt", "".join(f"{line}\n" for line in some)


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
