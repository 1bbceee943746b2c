"""/state and everything below it, and /reason. Source: rest.md section 5.1."""

from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from evsed.operations.operations import Operations
from evsed.operations.state_fields import WRITABLE, StateField, Terms, state_object
from evsed.operations.values import EnergyUnit
from evsed.services.rest.answers import json_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.detail import detail_object
from evsed.services.rest.energy import in_ws
from evsed.settings.section import known_part

SOURCE: Final = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateResource:
    """Reads the snapshot and sends commands; an answer means that a control pass has taken them."""

    operations: Operations
    energy_unit: EnergyUnit = EnergyUnit.WS
    bodies: BodyReader = field(default_factory=BodyReader)

    def picture(self) -> dict[str, Any]:
        """Return what GET /state sends now."""
        return state_object(self.operations.station.snapshot, Terms(energy_unit=self.energy_unit))

    def detail(self) -> dict[str, Any]:
        """Return what GET /reason sends now."""
        station = self.operations.station
        return detail_object(station.snapshot, station.maintenance)

    async def get(self, _request: web.Request) -> web.Response:
        """GET /state."""
        return json_answer(self.picture())

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
