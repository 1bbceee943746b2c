"""/state and everything below it, and /reason. Source: rest.md section 5.1."""

from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from evsed.charging.commands import Authorize, Command, ResetEnergy, Together
from evsed.services.rest.answers import json_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.detail import detail_object
from evsed.services.rest.state_fields import (
    StateField,
    Terms,
    command_for,
    commands_for,
    state_object,
)
from evsed.services.rest.values import EnergyUnit, json_object
from evsed.settings.store import SettingsStore
from evsed.station.station import Station

SOURCE: Final = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateResource:
    """Reads the snapshot and sends commands; an answer means that a control pass has taken them."""

    station: Station
    settings: SettingsStore
    energy_unit: EnergyUnit = EnergyUnit.WS
    bodies: BodyReader = field(default_factory=BodyReader)

    def picture(self) -> dict[str, Any]:
        """Return what GET /state sends now."""
        return state_object(self.station.snapshot, self._terms())

    def detail(self) -> dict[str, Any]:
        """Return what GET /reason sends now."""
        return detail_object(self.station.snapshot, self.station.maintenance)

    async def get(self, _request: web.Request) -> web.Response:
        """GET /state."""
        return json_answer(self.picture())

    async def get_reason(self, _request: web.Request) -> web.Response:
        """GET /reason, an extension."""
        return json_answer(self.detail())

    async def post(self, request: web.Request) -> web.Response:
        """POST /state: any writable keys, all taken or all refused."""
        patch = json_object(await self.bodies.json(request))
        commands = commands_for(patch, self._terms())
        return await self._send(commands[0] if len(commands) == 1 else Together(commands))

    async def post_value(self, request: web.Request, row: StateField) -> web.Response:
        """POST one bare value."""
        value = await self.bodies.json(request)
        return await self._send(command_for(row, value, self._terms()))

    async def authorize(self, request: web.Request) -> web.Response:
        """POST /state/authorize."""
        await self.bodies.drain(request)
        return await self._send(Authorize())

    async def reset_total(self, request: web.Request) -> web.Response:
        """POST /state/reset-total-consumption."""
        await self.bodies.drain(request)
        return await self._send(ResetEnergy())

    async def _send(self, command: Command) -> web.Response:
        await self.station.send(command, source=SOURCE)
        return ok()

    def _terms(self) -> Terms:
        maximum_a = self.settings.evse.max_charging_current_a
        return Terms(max_charging_current_a=maximum_a, energy_unit=self.energy_unit)


@dataclass(frozen=True, slots=True)
class StateValue:
    """One writable row of the table as a resource of its own."""

    state: StateResource
    row: StateField

    async def post(self, request: web.Request) -> web.Response:
        """POST the bare value."""
        return await self.state.post_value(request, self.row)
