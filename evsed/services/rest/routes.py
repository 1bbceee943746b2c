"""Every path below /api/v1, and the parts behind them."""

import secrets
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

import evsed
from evsed.operations.operations import Operations
from evsed.operations.state_fields import STATE_FIELDS, WRITABLE
from evsed.operations.values import EnergyUnit
from evsed.services.rest.answers import json_answer
from evsed.services.rest.board_config import BOARD_FIELDS, board_object
from evsed.services.rest.body import BodyReader
from evsed.services.rest.detail import DETAIL_FIELDS
from evsed.services.rest.endpoints import Endpoint, routes
from evsed.services.rest.event_hub import EventHub, Topic
from evsed.services.rest.event_stream import EventStreams
from evsed.services.rest.evse_config import EvseConfig
from evsed.services.rest.info import info_object
from evsed.services.rest.openapi import with_document
from evsed.services.rest.schema import (
    EVENTS,
    as_written,
    of_row,
    of_setting,
    of_table,
    patch,
    record,
)
from evsed.services.rest.simulator import Simulator, SimulatorResource
from evsed.services.rest.state import StateResource, StateValue
from evsed.settings.schema import EVSE

_OBJECT: Final = {"type": "object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestParts:
    """What the REST interface is built from.

    Args:
        operations: what can be shown and asked for.
        simulator: the simulated circuit; None on real hardware.
        energy_unit: of the five energy fields (decision 1).
        extensions: whether paths the API does not know are served.
    """

    operations: Operations
    simulator: Simulator | None = None
    energy_unit: EnergyUnit = EnergyUnit.WS
    extensions: bool = True
    bodies: BodyReader = field(default_factory=BodyReader)


class RestApi:
    """The routes for the listening socket, and the event hub that has to be served beside them."""

    def __init__(self, parts: RestParts) -> None:
        self._parts = parts
        self._state = StateResource(
            operations=parts.operations,
            energy_unit=parts.energy_unit,
            bodies=parts.bodies,
        )
        self.events = self._event_hub()
        parts.operations.listen(self.events.config_changed)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return everything that is served, row by row."""
        rows = (*self._state_endpoints(), *self._config_endpoints())
        if not self._parts.extensions:
            return rows
        return with_document((*rows, *self._extensions()))

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Return all routes."""
        return routes(self.endpoints())

    def _event_hub(self) -> EventHub:
        topics = (
            Topic("state", self._state.picture),
            Topic("detail", self._state.detail, restless=frozenset({"lateness"})),
        )
        return EventHub(secrets.token_hex(4), {"appVersion": f"v{evsed.__version__}"}, topics)

    def _state_endpoints(self) -> tuple[Endpoint, ...]:
        state = self._state
        values = (
            Endpoint(
                method="POST",
                path=f"/state/{row.write.path}",
                handler=StateValue(state, row).post,
                summary=f"Set {row.name}",
                body=of_row(row),
            )
            for row in WRITABLE.values()
            if row.write
        )
        return (
            Endpoint(
                method="GET",
                path="/state",
                handler=state.get,
                summary="Full live charging state",
                answer=of_table(STATE_FIELDS),
            ),
            Endpoint(
                method="POST",
                path="/state",
                handler=state.post,
                summary="Set several state fields at once",
                body=patch({name: of_row(row) for name, row in WRITABLE.items()}),
            ),
            *values,
            Endpoint(
                method="POST",
                path="/state/authorize",
                handler=state.authorize,
                summary="Authorize a pending charge",
            ),
            Endpoint(
                method="POST",
                path="/state/reset-total-consumption",
                handler=state.reset_total,
                summary="Reset the lifetime energy counter",
            ),
        )

    def _config_endpoints(self) -> tuple[Endpoint, ...]:
        parts = self._parts
        evse = EvseConfig(
            operations=parts.operations,
            energy_unit=parts.energy_unit,
            bodies=parts.bodies,
        )
        shown = {wire: of_setting(setting) for wire, setting in EVSE.items()}
        return (
            Endpoint(
                method="GET",
                path="/config/evse",
                handler=evse.get,
                summary="Charging hardware and defaults",
                answer=record(shown),
            ),
            Endpoint(
                method="POST",
                path="/config/evse",
                handler=evse.post,
                summary="Change charging hardware and defaults",
                body=patch({wire: as_written(EVSE[wire], shown[wire]) for wire in EVSE}),
            ),
            Endpoint(
                method="GET",
                path="/board-config",
                handler=self._board_config,
                summary="What the board is able to do",
                answer=of_table(BOARD_FIELDS),
            ),
            Endpoint(
                method="GET",
                path="/info",
                handler=self._info,
                summary="Version, computer and temperatures",
                answer=_OBJECT,
            ),
        )

    def _extensions(self) -> tuple[Endpoint, ...]:
        own = (
            Endpoint(
                method="GET",
                path="/events",
                handler=EventStreams(self.events).get,
                summary="Changes as they happen (server-sent events)",
                answer=EVENTS,
                errors=(503,),
                extension=True,
            ),
            Endpoint(
                method="GET",
                path="/reason",
                handler=self._state.get_reason,
                summary="Why the station is, or is not, charging",
                answer=of_table(DETAIL_FIELDS),
                extension=True,
            ),
        )
        if self._parts.simulator is None:
            return own
        simulator = SimulatorResource(circuit=self._parts.simulator, bodies=self._parts.bodies)
        return (
            *own,
            Endpoint(
                method="GET",
                path="/simulator",
                handler=simulator.get,
                summary="The simulated circuit and vehicle",
                answer=_OBJECT,
                extension=True,
            ),
            Endpoint(
                method="POST",
                path="/simulator",
                handler=simulator.post,
                summary="Act as the vehicle or the circuit",
                body=_OBJECT,
                extension=True,
            ),
        )

    async def _board_config(self, _request: web.Request) -> web.Response:
        return json_answer(board_object(self._parts.operations.board))

    async def _info(self, _request: web.Request) -> web.Response:
        return json_answer(info_object(self._parts.operations.picture()))
