"""/scheduler: what the schedules say now, and what happens next. An extension of ours."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from aiohttp import web

from evsed.services.rest.answers import json_answer
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import array, flag, or_null, record, text, whole

_TIME: Final = "with the offset of the owner's zone"
_STANDING: Final = record(
    {
        "now": text(_TIME),
        "waiting": flag("the clock is not set yet, so nothing is done"),
        "active": array(flag(), "one for each schedule, in their order"),
        "next": or_null(
            record(
                {
                    "schedule": whole("its place among the schedules, from 0", low=0),
                    "action": text(),
                    "on": flag("it begins; false: it ends"),
                    "at": whole("Unix time", unit="s", low=0),
                    "local": text(_TIME),
                },
                "what happens next; null: nothing ever does",
            )
        ),
    }
)


class Edge(Protocol):
    """A schedule begins or ends."""

    @property
    def number(self) -> int:
        """Its place among the schedules."""

    @property
    def action(self) -> str:
        """What it does."""

    @property
    def on(self) -> bool:
        """Whether it begins."""

    @property
    def at(self) -> datetime:
        """When, in the owner's zone."""


class Standing(Protocol):
    """How the schedules stand."""

    @property
    def waiting(self) -> bool:
        """Whether the clock is not set yet."""

    @property
    def now(self) -> datetime:
        """The wall clock in the owner's zone."""

    @property
    def active(self) -> tuple[bool, ...]:
        """Of each schedule, whether it is on."""

    @property
    def edge(self) -> Edge | None:
        """What happens next."""


class Schedules(Protocol):
    """Whoever acts by the clock."""

    async def standing(self) -> Standing:
        """Return how the schedules stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulesResource:
    """The schedules at work as a resource; /config/scheduler is where they are written."""

    schedules: Schedules

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (
            Endpoint(
                method="GET",
                path="/scheduler",
                handler=self.standing,
                summary="What the schedules say now, and what happens next",
                answer=_STANDING,
                extension=True,
            ),
        )

    async def standing(self, _request: web.Request) -> web.Response:
        """GET /scheduler."""
        standing = await self.schedules.standing()
        return json_answer(
            {
                "now": standing.now.isoformat(timespec="seconds"),
                "waiting": standing.waiting,
                "active": list(standing.active),
                "next": None if standing.edge is None else _shown(standing.edge),
            }
        )


def _shown(edge: Edge) -> dict[str, Any]:
    return {
        "schedule": edge.number,
        "action": edge.action,
        "on": edge.on,
        "at": int(edge.at.timestamp()),
        "local": edge.at.isoformat(timespec="seconds"),
    }
