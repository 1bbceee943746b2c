"""/sessions: the history of charging, to page through and to download. An extension.

Queries and encoding run on the log's worker threads, some rows at a time.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from aiohttp import web

from evsed.operations.operations import Operations
from evsed.operations.session_fields import SESSION, shown
from evsed.operations.session_log import (
    EndReason,
    SessionFilter,
    SessionLog,
    SessionReader,
)
from evsed.services.rest.answers import failed, json_bytes
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.query import Query
from evsed.services.rest.schema import (
    JSON,
    Content,
    Schema,
    array,
    flag,
    of_table,
    or_null,
    record,
    text,
    whole,
)
from evsed.services.rest.session_export import Export
from evsed.services.rest.session_fields import MONTH, SAMPLE
from evsed.settings.time_zone import zone

MOST_SESSIONS: Final = 200
#: Intervals of a curve; longer sessions are shown in longer steps.
MOST_POINTS: Final = 1440

_USUAL_SESSIONS: Final = 50
_LAST: Final = 2**53 - 1
_CSV: Final = "text/csv"
_WORDS: Final = ("csv", "json")
_TABLES: Final = ("sessions", "samples")

_FILTER: Final[dict[str, Schema]] = {
    "from": whole("sessions that began at this Unix time or later", unit="s", low=0, high=_LAST),
    "to": whole("and before this one", unit="s", low=0, high=_LAST),
    "min-energy": whole("with at least this energy", unit="Ws", low=0, high=_LAST),
    "faulty": flag("true: with errors; false: without"),
    "authorized": text("authorized in this way", longest=32),
    "ended": text("ended in this way", words=tuple(EndReason)),
    "month": {
        **text("begun in this month, local time", pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$"),
        "examples": ["2026-11"],
    },
}
_PAGE: Final[dict[str, Schema]] = {
    "before": whole("sessions with a smaller number", low=1, high=_LAST),
    "limit": whole(f"how many; {_USUAL_SESSIONS} unless told", low=1, high=MOST_SESSIONS),
}
_EXPORT: Final[dict[str, Schema]] = {
    "format": text("csv unless told", words=_WORDS),
    "table": text("sessions, or the curves of all of them", words=_TABLES),
}
_STEP: Final[dict[str, Schema]] = {
    "step": whole(
        f"minutes in one; as many as give {MOST_POINTS} points unless told",
        low=1,
        high=MOST_POINTS,
        unit="min",
    )
}
_SESSION: Final = of_table(SESSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsResource:
    """The history as resources."""

    log: SessionLog
    operations: Operations

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (*self._lists(), *self._one())

    def _lists(self) -> tuple[Endpoint, ...]:
        page = record(
            {
                "sessions": array(_SESSION, "newest first"),
                "next": or_null(whole("what to ask for with ?before= to go on; null: no more")),
            }
        )
        return (
            Endpoint(
                method="GET",
                path="/sessions",
                handler=self.page,
                summary="Charging sessions, newest first, page by page",
                query={**_FILTER, **_PAGE},
                answer=page,
                errors=(400,),
                extension=True,
            ),
            Endpoint(
                method="GET",
                path="/sessions/months",
                handler=self.months,
                summary="Totals of every month, newest first",
                about="A session belongs to the month it began in, local time.",
                answer=array(of_table(MONTH)),
                extension=True,
            ),
            Endpoint(
                method="GET",
                path="/sessions/export",
                handler=self.export,
                summary="Download sessions or their curves as CSV or JSON",
                about="CSV has local times and kWh, JSON is an array of the same objects as "
                "elsewhere; each sample comes with the number of its session and its Unix time.",
                query={**_FILTER, **_EXPORT},
                answer=Content(media=_CSV, schema={}, media_too=(JSON,)),
                errors=(400,),
                extension=True,
            ),
        )

    def _one(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET",
                path="/sessions/{id}",
                handler=self.one,
                summary="One charging session",
                answer=_SESSION,
                errors=(404,),
                extension=True,
            ),
            Endpoint(
                method="GET",
                path="/sessions/{id}/samples",
                handler=self.samples,
                summary="The curve of a session: offered and drawn current, energy",
                about="Minutes in which nothing flowed and nothing changed are left out.",
                query=_STEP,
                answer=record(
                    {
                        "step": whole("minutes in one", unit="min", low=1),
                        "samples": array(of_table(SAMPLE)),
                    }
                ),
                errors=(400, 404),
                extension=True,
            ),
        )

    async def page(self, request: web.Request) -> web.Response:
        """GET /sessions."""
        query = Query(request, {**_FILTER, **_PAGE})
        wanted, before = _filter(query), query.whole("before")
        limit = query.whole("limit") or _USUAL_SESSIONS

        def work(reader: SessionReader) -> bytes:
            rows = reader.sessions(wanted, before, limit + 1)
            follow = rows[limit - 1].id if len(rows) > limit else None
            listed = b",".join(json_bytes(shown(one, SESSION)) for one in rows[:limit])
            return b'{"sessions":[%b],"next":%b}' % (listed, json_bytes(follow))

        return _json(await self.log.read(work))

    async def months(self, _request: web.Request) -> web.Response:
        """GET /sessions/months."""
        return _json(
            await self.log.read(
                lambda reader: json_bytes([shown(one, MONTH) for one in reader.months()])
            )
        )

    async def one(self, request: web.Request) -> web.Response:
        """GET /sessions/{id}."""
        number = _number(request)
        found = await self.log.read(lambda reader: reader.session(number))
        return _none_such() if found is None else _json(json_bytes(shown(found, SESSION)))

    async def samples(self, request: web.Request) -> web.Response:
        """GET /sessions/{id}/samples."""
        number, step = _number(request), Query(request, _STEP).whole("step")

        def work(reader: SessionReader) -> bytes | None:
            found = reader.session(number)
            if found is None:
                return None
            least = found.duration_s // 60 // MOST_POINTS + 1
            wide = max(step or 1, least)
            rows = reader.samples(number, wide)
            listed = b",".join(json_bytes(shown(one, SAMPLE)) for one in rows)
            return b'{"step":%d,"samples":[%b]}' % (wide, listed)

        body = await self.log.read(work)
        return _none_such() if body is None else _json(body)

    async def export(self, request: web.Request) -> web.Response:
        """GET /sessions/export."""
        query = Query(request, {**_FILTER, **_EXPORT})
        table, kind = query.text("table") or "sessions", query.text("format") or "csv"
        export = Export(self.log, _filter(query), self._zone(), kind)
        pieces = export.sessions() if table == "sessions" else export.samples()
        first = await anext(pieces)  # an unreadable database is refused with a status
        headers = {
            "Content-Type": JSON if kind == "json" else f"{_CSV}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="evsed-{table}.{kind}"',
        }
        # Not written by hand: aiohttp 3.8 would close the connection after it.
        body = None if request.method == "HEAD" else _all_of(first, pieces)
        return web.Response(body=body, headers=headers)

    def _zone(self) -> tzinfo:
        return zone(self.operations.store.settings.scheduler.timezone)


def _filter(query: Query) -> SessionFilter:
    return SessionFilter(
        from_s=query.whole("from"),
        to_s=query.whole("to"),
        min_energy_ws=query.whole("min-energy"),
        faulty=query.truth("faulty"),
        authorized=query.text("authorized"),
        ended=query.text("ended"),
        month=query.text("month"),
    )


async def _all_of(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        yield piece


def _number(request: web.Request) -> int:
    """Return the number in the path, 0 for what is none: nobody has it."""
    given = request.match_info["id"]
    digits = given.isascii() and given.isdigit() and len(given) <= len(str(_LAST))
    return int(given) if digits else 0


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type=JSON)


def _none_such() -> web.Response:
    return failed(404, "there is no such session")
