"""/state and everything below it, and /reason. Source: rest.md section 5.1."""

from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from evsed.charging.snapshot import Snapshot
from evsed.operations.operations import Operations
from evsed.operations.state_fields import (
    STATE_FIELDS,
    WRITABLE,
    StateField,
    Terms,
    state_object,
)
from evsed.operations.values import EnergyUnit
from evsed.services.rest.answers import json_answer, json_bytes, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.detail import DETAIL, detail_object
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.energy import in_ws
from evsed.services.rest.repeated import RepeatedAnswer
from evsed.services.rest.schema import of_table, of_written_row, patch
from evsed.settings.section import known_part

SOURCE: Final = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateResource:
    """Reads the snapshot and sends commands; an answer means that a control pass has taken them."""

    operations: Operations
    energy_unit: EnergyUnit = EnergyUnit.WS
    bodies: BodyReader = field(default_factory=BodyReader)
    _answers: RepeatedAnswer[Snapshot] = field(init=False)

    def __post_init__(self) -> None:
        """Encode every snapshot once, however often it is asked for."""
        object.__setattr__(self, "_answers", RepeatedAnswer(self._now, self._encoded))

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (*self._whole(), *self._values(), *self._requests())

    def _whole(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET",
                path="/state",
                handler=self.get,
                summary="Full live charging state",
                answer=of_table(STATE_FIELDS),
            ),
            Endpoint(
                method="POST",
                path="/state",
                handler=self.post,
                summary="Set several state fields at once",
                body=patch({name: of_written_row(row) for name, row in WRITABLE.items()}),
            ),
            Endpoint(
                method="GET",
                path="/reason",
                handler=self.get_reason,
                summary="Why the station is, or is not, charging",
                answer=DETAIL,
                extension=True,
            ),
        )

    def _values(self) -> tuple[Endpoint, ...]:
        return tuple(
            Endpoint(
                method="POST",
                path=f"/state/{row.write.path}",
                handler=StateValue(self, row).post,
                summary=f"Set {row.name}",
                body=of_written_row(row),
            )
            for row in WRITABLE.values()
            if row.write
        )

    def _requests(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="POST",
                path="/state/authorize",
                handler=self.authorize,
                summary="Authorize a pending charge; valid for 60 s",
            ),
            Endpoint(
                method="POST",
                path="/state/reset-total-consumption",
                handler=self.reset_total,
                summary="Reset the lifetime energy counter",
            ),
        )

    def picture(self) -> dict[str, Any]:
        """Return what GET /state sends now."""
        return self._shown(self._now())

    def detail(self) -> dict[str, Any]:
        """Return what GET /reason sends now."""
        station = self.operations.station
        return detail_object(station.snapshot, station.maintenance, self.operations.alarms())

    def _now(self) -> Snapshot:
        return self.operations.station.snapshot

    def _shown(self, now: Snapshot) -> dict[str, Any]:
        return state_object(now, Terms(energy_unit=self.energy_unit))

    def _encoded(self, now: Snapshot) -> bytes:
        return json_bytes(self._shown(now))

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """GET /state."""
        return self._answers.response()

    async def get_reason(self, _request: web.Request) -> web.Response:
        """GET /reason, an extension."""
        return json_answer(self.detail())

    async def post(self, request: web.Request) -> web.Response:
        """POST /state: any writable keys, all taken or all refused."""
        return await self._write(known_part(await self.bodies.json(request), WRITABLE))

    async def post_value(self, request: web.Request, row: StateField) -> web.Response:
        """POST one bare value."""
        return await self._write({row.name: await self.bodies.json(request)})

    async def authorize(self, request: web.Request) -> web.Response:
        """POST /state/authorize."""
        await self.bodies.drain(request)
        await self.operations.authorize(source=SOURCE)
        return ok()

    async def reset_total(self, request: web.Request) -> web.Response:
        """POST /state/reset-total-consumption."""
        await self.bodies.drain(request)
        await self.operations.reset_energy(source=SOURCE)
        return ok()

    async def _write(self, patch: dict[str, object]) -> web.Response:
        changes = in_ws(patch, self.energy_unit).items()
        await self.operations.write(tuple(changes), source=SOURCE)
        return ok()


@dataclass(frozen=True, slots=True)
class StateValue:
    """One writable row of the table as a resource of its own."""

    state: StateResource
    row: StateField

    async def post(self, request: web.Request) -> web.Response:
        """POST the bare value."""
        return await self.state.post_value(request, self.row)
