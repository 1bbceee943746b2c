"""GET and POST /config/<section>, and GET /config. Source: rest.md sections 3 and 5.2."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from aiohttp import web

from evsed.operations.operations import Operations
from evsed.operations.values import EnergyUnit
from evsed.services.rest.answers import failed, json_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.config_schemas import Shapes
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.energy import evse_object, in_ws
from evsed.services.rest.schema import record
from evsed.settings.schema import EVSE
from evsed.settings.section import known_part

#: In the order of GET /config; what is done with each.
SECTIONS: Final = {
    "evse": "Charging hardware and defaults",
    "wifi": "Wi-Fi station; applied about one second after the answer",
    "discovery": "Host name and name in the network (mDNS)",
    "serial": "Modes and parameters of the serial ports",
    "modbus": "Modbus TCP server and unit id",
    "script": "Script engine",
    "scheduler": "Clock, time zone and schedules",
}
#: Sections the API does not know; not part of GET /config.
OWN_SECTIONS: Final = {
    "sessions": "Price of a kWh by time of day, currency, how long curves of sessions are kept",
    "meter": "Calibration of the board's own metering channels",
    "mqtt": "MQTT broker, topics, and discovery by Home Assistant",
    "ocpp": "Connection to a charging station management system (OCPP)",
}
_SOURCE: Final = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All sections."""

    operations: Operations
    energy_unit: EnergyUnit = EnergyUnit.WS
    bodies: BodyReader = field(default_factory=BodyReader)

    def endpoints(self, shapes: Mapping[str, Shapes]) -> tuple[Endpoint, ...]:
        """Return the rows of the table.

        Args:
            shapes: what each section looks like on this board.
        """
        rows = [row for name in SECTIONS for row in self._section(name, shapes[name])]
        everything = Endpoint(
            method="GET",
            path="/config",
            handler=self.get,
            summary="Every section in one object",
            answer=record({name: shapes[name].shown for name in SECTIONS}),
        )
        own = [
            replace(row, extension=True)
            for name in OWN_SECTIONS
            for row in self._section(name, shapes[name])
        ]
        return (*rows, everything, *own)

    async def get(self, _request: web.Request) -> web.Response:
        """GET /config."""
        return json_answer({name: self.shown(name) for name in SECTIONS})

    def shown(self, section: str) -> Any:
        """Return what GET sends of one section."""
        if section == "evse":
            return evse_object(self.operations.store.evse, self.energy_unit)
        return self.operations.store.shown(section)

    def _section(self, name: str, shapes: Shapes) -> tuple[Endpoint, Endpoint]:
        one = EvseSection(self) if name == "evse" else Section(self, name)
        about = (SECTIONS | OWN_SECTIONS)[name]
        return (
            Endpoint(
                method="GET",
                path=f"/config/{name}",
                handler=one.get,
                summary=about,
                answer=shapes.shown,
            ),
            Endpoint(
                method="POST",
                path=f"/config/{name}",
                handler=one.post,
                summary=f"Change: {about}",
                body=shapes.written,
            ),
        )


@dataclass(frozen=True, slots=True)
class Section:
    """One section as a resource."""

    config: Config
    name: str

    async def get(self, _request: web.Request) -> web.Response:
        """GET one section."""
        return json_answer(self.config.shown(self.name))

    async def post(self, request: web.Request) -> web.Response:
        """POST any known keys."""
        patch = await self.config.bodies.json(request)
        try:
            await self.config.operations.change(self.name, patch, source=_SOURCE)
        except TimeoutError:
            raise
        except OSError as error:
            return failed(500, f"{self.name}: {error.strerror or error}; nothing was changed")
        return ok()


@dataclass(frozen=True, slots=True)
class EvseSection:
    """The charger's own settings: a control pass takes them before the answer."""

    config: Config

    async def get(self, _request: web.Request) -> web.Response:
        """GET /config/evse."""
        return json_answer(self.config.shown("evse"))

    async def post(self, request: web.Request) -> web.Response:
        """POST /config/evse: any known keys."""
        patch = known_part(await self.config.bodies.json(request), EVSE)
        changes = in_ws(patch, self.config.energy_unit).items()
        await self.config.operations.write(tuple(changes), source=_SOURCE)
        return ok()
