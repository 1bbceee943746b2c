"""GET and POST /config/evse: checked as a whole, saved, then in force.

Source: rest.md sections 3 and 5.2.
"""

from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from evsed.operations.operations import Operations
from evsed.operations.values import EnergyUnit
from evsed.services.rest.answers import json_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.energy import evse_object, in_ws
from evsed.settings.schema import EVSE
from evsed.settings.section import known_part

_SOURCE: Final = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseConfig:
    """The charger's own settings."""

    operations: Operations
    energy_unit: EnergyUnit = EnergyUnit.WS
    bodies: BodyReader = field(default_factory=BodyReader)

    async def get(self, _request: web.Request) -> web.Response:
        """GET /config/evse."""
        return json_answer(evse_object(self.operations.store.evse, self.energy_unit))

    async def post(self, request: web.Request) -> web.Response:
        """POST /config/evse: any known keys."""
        patch = known_part(await self.bodies.json(request), EVSE)
        changes = in_ws(patch, self.energy_unit).items()
        await self.operations.write(tuple(changes), source=_SOURCE)
        return ok()
