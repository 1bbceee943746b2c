"""Every path below /api/v1, and the parts behind them."""

import secrets
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

import evsed
from evsed.board.description import Board
from evsed.host.machine import Machine
from evsed.services.rest.answers import json_answer
from evsed.services.rest.board_config import board_object
from evsed.services.rest.body import BodyReader
from evsed.services.rest.event_hub import EventHub, Topic
from evsed.services.rest.event_stream import EventStreams
from evsed.services.rest.evse_config import EvseConfig
from evsed.services.rest.info import info_object
from evsed.services.rest.simulator import Simulator, SimulatorResource
from evsed.services.rest.state import StateResource, StateValue
from evsed.services.rest.state_fields import WRITABLE
from evsed.services.rest.values import EnergyUnit
from evsed.settings.store import SettingsStore
from evsed.station.station import Station

ROOT: Final = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestParts:
    """What the REST interface is built from.

    Args:
        machine: facts about the computer.
        simulator: the simulated circuit; None on real hardware.
        energy_unit: of the five energy fields (decision 1).
        extensions: whether paths the API does not know are served.
    """

    station: Station
    settings: SettingsStore
    board: Board
    machine: Machine
    simulator: Simulator | None = None
    energy_unit: EnergyUnit = EnergyUnit.WS
    extensions: bool = True
    bodies: BodyReader = field(default_factory=BodyReader)


class RestApi:
    """The routes for the listening socket, and the event hub that has to be served beside them."""

    def __init__(self, parts: RestParts) -> None:
        self._parts = parts
        self._state = StateResource(
            station=parts.station,
            settings=parts.settings,
            energy_unit=parts.energy_unit,
            bodies=parts.bodies,
        )
        self.events = self._event_hub()

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Return all routes."""
        extensions = self._extension_routes() if self._parts.extensions else ()
        return (*self._state_routes(), *self._config_routes(), *extensions)

    def _event_hub(self) -> EventHub:
        topics = (
            Topic("state", self._state.picture),
            Topic("detail", self._state.detail, restless=frozenset({"lateness"})),
        )
        return EventHub(secrets.token_hex(4), {"appVersion": f"v{evsed.__version__}"}, topics)

    def _state_routes(self) -> tuple[web.RouteDef, ...]:
        state = self._state
        values = (
            web.post(f"{ROOT}/state/{row.write.path}", StateValue(state, row).post)
            for row in WRITABLE.values()
            if row.write
        )
        return (
            web.get(f"{ROOT}/state", state.get),
            web.post(f"{ROOT}/state", state.post),
            *values,
            web.post(f"{ROOT}/state/authorize", state.authorize),
            web.post(f"{ROOT}/state/reset-total-consumption", state.reset_total),
        )

    def _config_routes(self) -> tuple[web.RouteDef, ...]:
        parts = self._parts
        evse = EvseConfig(
            station=parts.station,
            settings=parts.settings,
            energy_unit=parts.energy_unit,
            bodies=parts.bodies,
            changed=self.events.config_changed,
        )
        return (
            web.get(f"{ROOT}/config/evse", evse.get),
            web.post(f"{ROOT}/config/evse", evse.post),
            web.get(f"{ROOT}/board-config", self._board_config),
            web.get(f"{ROOT}/info", self._info),
        )

    def _extension_routes(self) -> tuple[web.RouteDef, ...]:
        routes = [
            web.get(f"{ROOT}/events", EventStreams(self.events).get),
            web.get(f"{ROOT}/reason", self._state.get_reason),
        ]
        if self._parts.simulator:
            simulator = SimulatorResource(circuit=self._parts.simulator, bodies=self._parts.bodies)
            routes.append(web.get(f"{ROOT}/simulator", simulator.get))
            routes.append(web.post(f"{ROOT}/simulator", simulator.post))
        return tuple(routes)

    async def _board_config(self, _request: web.Request) -> web.Response:
        return json_answer(board_object(self._parts.board))

    async def _info(self, _request: web.Request) -> web.Response:
        return json_answer(info_object(self._parts.machine, self._parts.station.snapshot))
