"""GET and POST /config/evse: checked as a whole, saved, then in force.

Source: rest.md sections 3 and 5.2.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from evsed.errors import RejectedError
from evsed.services.rest.answers import json_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.state_fields import MAX_LIMIT_WH
from evsed.services.rest.values import EnergyUnit, json_object, whole
from evsed.settings.schema import EvseSettings, wire_evse
from evsed.settings.store import SettingsStore
from evsed.station.station import Station
from evsed.units import limit_wh, ws_from_wh

_ENERGY_KEY: Final = "defaultConsumptionLimit"
_SOURCE: Final = "rest"

_log = logging.getLogger(__name__)


def evse_object(settings: EvseSettings, unit: EnergyUnit) -> dict[str, Any]:
    """Return settings as GET /config/evse sends them."""
    wire: dict[str, Any] = dict(wire_evse(settings))
    if unit is EnergyUnit.WH:
        wire[_ENERGY_KEY] = limit_wh(settings.default_consumption_limit_ws)
    return wire


def evse_patch(patch: Mapping[str, object], unit: EnergyUnit) -> dict[str, object]:
    """Return a client's patch in the units of the settings."""
    if unit is EnergyUnit.WS or _ENERGY_KEY not in patch:
        return dict(patch)
    limit = whole(_ENERGY_KEY, patch[_ENERGY_KEY], 0, MAX_LIMIT_WH)
    return {**patch, _ENERGY_KEY: ws_from_wh(limit)}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseConfig:
    """Writes one at a time; whatever fails, the old values stay, in memory and on disk."""

    station: Station
    settings: SettingsStore
    changed: Callable[[str], None]
    energy_unit: EnergyUnit = EnergyUnit.WS
    bodies: BodyReader = field(default_factory=BodyReader)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, _request: web.Request) -> web.Response:
        """GET /config/evse."""
        return json_answer(evse_object(self.settings.evse, self.energy_unit))

    async def post(self, request: web.Request) -> web.Response:
        """POST /config/evse: any known keys.

        Not in maintenance: with a board that cannot be read the settings shown are those of no
        board at all, and saving them would lose what the user chose.
        """
        patch = evse_patch(json_object(await self.bodies.json(request)), self.energy_unit)
        if self.station.maintenance is not None:
            raise RejectedError("the station is in maintenance mode; /reason and the log say why")
        async with self._writing:
            before = self.settings.evse
            candidate = self.settings.check_evse(patch)
            if candidate != before:
                await self._save(candidate)
                await self._put_into_force(candidate, before)
                self.changed("evse")
        return ok()

    async def _save(self, candidate: EvseSettings) -> None:
        try:
            await self.settings.save_evse(candidate)
        except OSError as error:
            _log.error("settings: could not be saved: %s", error)
            raise web.HTTPInternalServerError(
                text="the settings could not be saved; nothing was changed"
            ) from None

    async def _put_into_force(self, candidate: EvseSettings, before: EvseSettings) -> None:
        try:
            await self.station.apply_settings(candidate, source=_SOURCE)
        except (RejectedError, TimeoutError):
            await self._save(before)
            raise
