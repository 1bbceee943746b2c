"""Every path below /api/v1, and the parts behind them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

import evsed
from evsed.operations.operations import Operations
from evsed.operations.session_fields import SESSION, shown
from evsed.operations.session_log import SessionRow
from evsed.operations.values import EnergyUnit
from evsed.services.rest.absent import NoDisplay, NoLogs, NoScripts, NoUpdater, NoWifi
from evsed.services.rest.body import BodyReader
from evsed.services.rest.config_schemas import config_shapes
from evsed.services.rest.curve import Curve, CurveResource
from evsed.services.rest.diagnosis import Diagnoses, DiagnosisResource
from evsed.services.rest.display import MAX_PROGRAM_BYTES, DisplayResource
from evsed.services.rest.endpoints import Endpoint, routes
from evsed.services.rest.event_hub import EventHub, Topic
from evsed.services.rest.event_lines import LineSource
from evsed.services.rest.event_stream import EventStreams
from evsed.services.rest.extensions import with_extensions
from evsed.services.rest.firmware import MAX_PACKAGE_BYTES, FirmwareResource
from evsed.services.rest.limits import LimitsResource
from evsed.services.rest.openapi import with_document
from evsed.services.rest.ports import Display, Logs, Scripts, Updater, Wifi
from evsed.services.rest.scripts import ScriptResource
from evsed.services.rest.section_config import Config
from evsed.services.rest.simulator import Simulator, SimulatorResource
from evsed.services.rest.state import StateResource
from evsed.services.rest.system import SystemResource
from evsed.services.rest.uploads import UploadReader
from evsed.services.rest.wifi import WifiResource


@dataclass(frozen=True, slots=True, kw_only=True)
class RestParts:
    """What the REST interface is built from.

    Args:
        operations: what can be shown and asked for.
        wifi, logs, scripts, display, updater: other services; what is not there says so.
        simulator: the simulated circuit; None on real hardware.
        energy_unit: of the five energy fields (decision 1).
        extensions: whether paths the API does not know are served.
        upload_idle_s: seconds without a byte after which an upload is given up.
        lines: what event streams can follow line by line, such as the log.
        diagnoses: packs a diagnosis; None: there is none.
        more: rows of other parts.
    """

    operations: Operations
    wifi: Wifi = field(default_factory=NoWifi)
    logs: Logs = field(default_factory=NoLogs)
    scripts: Scripts = field(default_factory=NoScripts)
    display: Display = field(default_factory=NoDisplay)
    updater: Updater = field(default_factory=NoUpdater)
    simulator: Simulator | None = None
    energy_unit: EnergyUnit = EnergyUnit.WS
    extensions: bool = True
    bodies: BodyReader = field(default_factory=BodyReader)
    upload_idle_s: float = 60.0
    lines: Mapping[str, LineSource] = field(default_factory=dict)
    diagnoses: Diagnoses | None = None
    more: tuple[Endpoint, ...] = ()


class RestApi:
    """The routes for the listening socket, and the event hub that has to be served beside them."""

    def __init__(self, parts: RestParts) -> None:
        self._parts = parts
        self._state = StateResource(
            operations=parts.operations, energy_unit=parts.energy_unit, bodies=parts.bodies
        )
        self.events = self._event_hub()
        self.curve = CurveResource(parts.operations, Curve())
        parts.operations.listen(self.events.config_changed)

    def session_ended(self, session: SessionRow) -> None:
        """Tell every event stream."""
        self.events.tell("session", shown(session, SESSION))

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return everything that is served, row by row."""
        rows = (
            *self._state.endpoints(),
            *self._settings(),
            *self._services(),
            *self._own(),
            *self._parts.more,
        )
        if self._parts.extensions:
            unit = self._parts.energy_unit
            return with_document(with_extensions(rows, unit), unit)
        return tuple(row for row in rows if not row.extension)

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Return all routes."""
        return routes(self.endpoints())

    def _event_hub(self) -> EventHub:
        topics = (
            Topic("state", self._state.picture),
            Topic("detail", self._state.detail, restless=frozenset({"lateness"})),
        )
        greeting = {"appVersion": f"v{evsed.__version__}"}
        return EventHub(secrets.token_hex(4), greeting, topics, self._parts.lines)

    def _settings(self) -> tuple[Endpoint, ...]:
        parts = self._parts
        config = Config(
            operations=parts.operations, energy_unit=parts.energy_unit, bodies=parts.bodies
        )
        return config.endpoints(config_shapes(parts.operations.board))

    def _services(self) -> tuple[Endpoint, ...]:
        parts, bodies = self._parts, self._parts.bodies
        wifi = WifiResource(operations=parts.operations, wifi=parts.wifi, bodies=bodies)
        scripts = ScriptResource(scripts=parts.scripts, bodies=bodies)
        firmware = FirmwareResource(
            operations=parts.operations,
            updater=parts.updater,
            bodies=bodies,
            uploads=UploadReader(limit=MAX_PACKAGE_BYTES, idle_s=parts.upload_idle_s),
        )
        display = DisplayResource(
            display=parts.display,
            uploads=UploadReader(limit=MAX_PROGRAM_BYTES, idle_s=parts.upload_idle_s),
        )
        return (
            *wifi.endpoints(),
            *scripts.endpoints(),
            *firmware.endpoints(),
            *display.endpoints(),
        )

    def _own(self) -> tuple[Endpoint, ...]:
        parts = self._parts
        system = SystemResource(operations=parts.operations, logs=parts.logs, bodies=parts.bodies)
        limits = LimitsResource(limits=parts.operations.limits, bodies=parts.bodies)
        rows = (
            *system.endpoints(),
            *limits.endpoints(),
            *EventStreams(self.events).endpoints(),
            *self.curve.endpoints(),
            *self._diagnosis(),
        )
        if parts.simulator is None:
            return rows
        simulator = SimulatorResource(circuit=parts.simulator, bodies=parts.bodies)
        return (*rows, *simulator.endpoints())

    def diagnosis(self) -> DiagnosisResource | None:
        """Return what packs a diagnosis; None: nothing does."""
        parts = self._parts
        if parts.diagnoses is None:
            return None
        return DiagnosisResource(
            operations=parts.operations,
            logs=parts.logs,
            diagnoses=parts.diagnoses,
            state=self._state.picture,
            reason=self._state.detail,
        )

    def _diagnosis(self) -> tuple[Endpoint, ...]:
        found = self.diagnosis()
        return () if found is None else found.endpoints()
