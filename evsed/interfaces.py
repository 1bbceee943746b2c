"""Builds every service upon the parts below, in the order they start. Reads like a parts list."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from evsed.building import Parts
from evsed.hardware.pi.direction_pin import DirectionPin
from evsed.hardware.simulator.control_client import SimulatorClient
from evsed.host.bus import SystemBus
from evsed.host.machine import machine_id
from evsed.host.mqtt.brokers import Brokers
from evsed.host.packages import NoInstaller, Packages
from evsed.host.signatures import Signatures
from evsed.host.update_unit import STATE_DIR, UnitInstaller
from evsed.operations.metering import Calibrator
from evsed.operations.operations import Operations
from evsed.operations.values import EnergyUnit
from evsed.services.at.session import at_sessions
from evsed.services.backup.service import BackupService
from evsed.services.clock.service import ClockService
from evsed.services.diagnosis.service import DiagnosisService
from evsed.services.discovery.service import DiscoveryService, Offer, reachable_at
from evsed.services.http.counts import RequestCounts
from evsed.services.http.credentials import CredentialsCheck
from evsed.services.http.pages import page_routes
from evsed.services.http.service import Door, HttpService
from evsed.services.log.ring import LogRing
from evsed.services.meter.service import MeterService
from evsed.services.modbus.rtu import RtuSession
from evsed.services.modbus.service import ModbusService
from evsed.services.mqtt.service import MqttService
from evsed.services.nextion.service import NextionDisplay
from evsed.services.ocpp.orders import Offered, dead_man, until_heard
from evsed.services.ocpp.service import OcppService, library_is_there
from evsed.services.panel.service import PanelService
from evsed.services.prometheus.service import Metrics
from evsed.services.rest.backup import BackupResource
from evsed.services.rest.credentials import CredentialsResource
from evsed.services.rest.diagnosis import DiagnosisResource
from evsed.services.rest.factory_reset import ResetResource
from evsed.services.rest.meter import MeterResource
from evsed.services.rest.mqtt import MqttResource
from evsed.services.rest.ocpp import OcppResource
from evsed.services.rest.routes import RestApi, RestParts
from evsed.services.rest.schedules import SchedulesResource
from evsed.services.rest.serial_ports import SerialPortsResource
from evsed.services.rest.sessions import SessionsResource
from evsed.services.scheduler.service import SchedulerService
from evsed.services.script.service import ScriptService
from evsed.services.serial.managed_port import Modes
from evsed.services.serial.script_port import ScriptPort
from evsed.services.serial.service import SerialService
from evsed.services.sessions.service import SessionsService
from evsed.services.sessions.writer import uptime_identity
from evsed.services.update.service import Policy, UpdateService
from evsed.services.webdav.quota import Limits
from evsed.services.webdav.routes import webdav_routes
from evsed.services.webdav.service import WebDavService
from evsed.services.wifi.service import WifiService
from evsed.settings.credentials import CredentialStore
from evsed.settings.modbus_access import ModbusAccess
from evsed.settings.network import WIFI, WifiSettings
from evsed.surroundings import Surroundings

#: What is kept of the output of scripts: lines, bytes.
_SCRIPT_LINES: Final = 1000
_SCRIPT_BYTES: Final = 64 * 1024
_HTTP: Final = 80
_WEB: Final = Path(__file__).parent / "web"
#: The public keys of releases, as the package brings them.
_SHIPPED_KEYS: Final = Path("/usr/share/evsed/keys.d")


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its name in the log, and what serves until it is cancelled."""

    name: str
    serve: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _WifiChoice:
    """The Wi-Fi settings, for the service that may have to take them back."""

    operations: Operations

    @property
    def settings(self) -> WifiSettings:
        return self.operations.store.settings.wifi

    async def put_back(self, settings: WifiSettings) -> None:
        await self.operations.change("wifi", WIFI.kept(settings), source="wifi")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offered:
    """The services REST speaks for."""

    wifi: WifiService
    display: NextionDisplay
    credentials: CredentialStore
    updater: UpdateService
    scheduler: SchedulerService
    serial: SerialService
    scripts: ScriptService
    script_lines: LogRing
    sessions: SessionsService
    mqtt: MqttService
    ocpp: OcppService


def services(
    built: Parts,
    operations: Operations,
    around: Surroundings,
    sessions: SessionsService,
    listening: asyncio.Event,
) -> tuple[Service, ...]:
    """Return every service, in the order they start."""
    _tell_zone(built, operations)
    wifi = _wifi(operations)
    modbus = _modbus(built, operations)
    display = NextionDisplay(operations, read_only=built.administrator.serial_read_only)
    port = ScriptPort()
    meter = _meter(built)
    lines = {"script": port.session, "meter": meter.port.session}
    serial = _serial(built, operations, wifi, modbus, display, lines)
    credentials = CredentialStore(built.options.state_dir)
    credentials.load()
    script_lines = LogRing(_SCRIPT_LINES, clean=lambda line: [line], most_bytes=_SCRIPT_BYTES)
    scripts = _scripts(built, operations, port, script_lines)
    files = _files(built, scripts)
    dav = webdav_routes(files) if built.administrator.webdav_enabled else ()
    updater = _updater(built, operations, credentials)
    mqtt = _mqtt(built, operations, sessions)
    diagnosis = _Diagnosis()
    ocpp = _ocpp(built, operations, updater, diagnosis)
    offered = _Offered(
        mqtt=mqtt,
        wifi=wifi,
        display=display,
        credentials=credentials,
        updater=updater,
        scheduler=SchedulerService(operations),
        serial=serial,
        scripts=scripts,
        script_lines=script_lines,
        sessions=sessions,
        ocpp=ocpp,
    )
    rest = _rest_api(built, operations, offered)
    diagnosis.resource = rest.diagnosis()
    sessions.on_end(rest.session_ended)
    http = _http(built, operations, offered, (*rest.routes(), *dav), listening)
    return (
        Service("http", http.serve),
        Service("events", rest.events.serve),
        Service("sessions", sessions.serve),
        Service("curve", rest.curve.serve),
        Service("wifi", wifi.serve),
        Service("modbus", modbus.serve),
        Service("serial", serial.serve),
        Service("webdav", files.serve),
        Service("script", scripts.serve),
        Service("scheduler", offered.scheduler.serve),
        Service("update", updater.serve),
        Service("meter", meter.serve),
        Service("mqtt", mqtt.serve),
        Service("ocpp", ocpp.serve),
        Service("panel", PanelService(operations, wifi).serve),
        *_at_home(built, operations, around, http),
    )


def _http(
    built: Parts,
    operations: Operations,
    offered: _Offered,
    routes: Iterable[web.RouteDef],
    listening: asyncio.Event,
) -> HttpService:
    """Return the one door: what is asked for over HTTP, metrics and the page among it."""
    requests, credentials = RequestCounts(), offered.credentials
    metrics = Metrics(
        operations=operations,
        requests=requests.counted,
        mqtt=offered.mqtt.standing,
        ocpp=offered.ocpp.state,
    )
    measured = metrics.routes() if built.administrator.http_extensions else ()
    http = HttpService(
        _door(built),
        (*routes, *measured, *page_routes(_WEB)),
        before=(CredentialsCheck(credentials, built.administrator.webdav_auth).check,),
        ready=listening,
        requests=requests,
    )
    credentials.on_change(http.close_streams)
    return http


def _wifi(operations: Operations) -> WifiService:
    wifi = WifiService(operations.network, _WifiChoice(operations))
    operations.on_change("wifi", wifi.changed)
    return wifi


def _tell_zone(built: Parts, operations: Operations) -> None:
    """Let the log write local times."""
    log = built.options.log
    log.use_zone(built.settings.settings.scheduler.timezone)
    operations.on_change("scheduler", log.zone_changed)


def _at_home(
    built: Parts, operations: Operations, around: Surroundings, http: HttpService
) -> tuple[Service, ...]:
    """Return what has the machine's clock and network do as the settings say."""
    clock = ClockService(operations, around.timekeeper)
    operations.on_change("scheduler", clock.changed)
    discovery = DiscoveryService(operations, _offer(built, http) if around.found else None)
    operations.on_change("discovery", discovery.changed)
    return Service("clock", clock.serve), Service("discovery", discovery.serve)


@dataclass(slots=True)
class _Diagnosis:
    """What packs a diagnosis; known once REST has been built, which needs whoever asks for it."""

    resource: DiagnosisResource | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        if self.resource is not None:
            async for piece in self.resource.pieces():
                yield piece


def _ocpp(
    built: Parts, operations: Operations, updater: UpdateService, diagnosis: _Diagnosis
) -> OcppService:
    """Return the charge point of a management system."""
    ocpp = OcppService(
        operations,
        built.options.state_dir / "ocpp",
        uptime_identity(),
        Offered(bundle=diagnosis.pieces, install=updater.upload),
    )
    operations.on_change("ocpp", ocpp.changed)
    chosen = built.settings.settings.ocpp
    limit = until_heard(chosen) if library_is_there() else dead_man(chosen)
    if limit is not None:
        built.station.hold_from_start(limit)  # nothing is known of what the others take
    return ocpp


def _scripts(
    built: Parts, operations: Operations, port: ScriptPort, lines: LogRing
) -> ScriptService:
    """Return the script engine; messages of brokers go to it."""
    scripts = ScriptService(
        operations,
        built.options.state_dir / "usr",
        ring=lines,
        ports=port,
        brokers=lambda relay, say: Brokers(relay, machine_id(), say=say),
    )
    operations.on_change("script", scripts.apply)
    operations.on_change("scheduler", scripts.zone_changed)
    return scripts


def _mqtt(built: Parts, operations: Operations, sessions: SessionsService) -> MqttService:
    """Return the charger at the user's broker."""
    mqtt = MqttService(
        operations, built.administrator.mqtt, machine_id(), lambda: _page(built, operations)
    )
    operations.on_change("mqtt", mqtt.apply)
    operations.listen(mqtt.settings_changed)
    sessions.on_end(mqtt.session_ended)
    return mqtt


def _page(built: Parts, operations: Operations) -> str:
    """Return where a browser finds the charger."""
    host, port = operations.store.settings.discovery.hostname, _door(built).port
    return f"http://{host}.local" if port in {0, _HTTP} else f"http://{host}.local:{port}"


def _files(built: Parts, scripts: ScriptService) -> WebDavService:
    """Return the files of the scripts; they are kept ready even if nobody may see them."""
    administrator = built.administrator
    limits = Limits(
        file_bytes=administrator.webdav_max_file_mib * 1024 * 1024,
        tree_bytes=administrator.webdav_max_tree_mib * 1024 * 1024,
    )
    return WebDavService(built.options.state_dir, limits, lambda _paths: scripts.files_changed())


def _serial(
    built: Parts,
    operations: Operations,
    wifi: WifiService,
    modbus: ModbusService,
    display: NextionDisplay,
    sessions: Modes,
) -> SerialService:
    """Return the serial ports, with a session for each mode.

    ``sessions``: modes of services that have no more to do with it.
    """
    read_only = built.administrator.serial_read_only
    ports = SerialService(
        built.board.serials,
        built.settings.settings.serial,
        {
            "at": at_sessions(operations, built.board, wifi, read_only=read_only),
            "log": built.options.log.session,
            "modbus": lambda: RtuSession(modbus.desk, read_only=read_only),
            "nextion": display.session,
            **sessions,
        },
        open_pin=partial(_direction_pin, built),
    )
    operations.on_change("serial", ports.apply)
    return ports


def _meter(built: Parts) -> MeterService:
    box = built.station.external_meter
    return MeterService(built.board.external_meter, None if box is None else box.put)


def _direction_pin(built: Parts, gpio: int, high: bool) -> DirectionPin:
    wiring = built.wiring
    return DirectionPin(wiring.pigpio_host, wiring.pigpio_port, gpio, high=high)


def _rest_api(built: Parts, operations: Operations, offered: _Offered) -> RestApi:
    simulator = built.simulator
    return RestApi(
        RestParts(
            operations=operations,
            wifi=offered.wifi,
            display=offered.display,
            logs=built.options.log,
            lines={"log": built.options.log.ring, "script": offered.script_lines},
            scripts=offered.scripts,
            updater=offered.updater,
            simulator=None if simulator is None else SimulatorClient(simulator.control_socket),
            energy_unit=EnergyUnit(built.administrator.rest_energy_unit),
            extensions=built.administrator.http_extensions,
            diagnoses=DiagnosisService(built.board_file, built.options.state_dir / "recordings"),
            more=(
                *MeterResource(
                    operations=operations,
                    calibrator=Calibrator(operations, built.station.board_meter),
                ).endpoints(),
                *CredentialsResource(credentials=offered.credentials).endpoints(),
                *SerialPortsResource(ports=offered.serial).endpoints(),
                *MqttResource(mqtt=offered.mqtt).endpoints(),
                *SchedulesResource(schedules=offered.scheduler).endpoints(),
                *ResetResource(operations=operations).endpoints(),
                *BackupResource(backups=_backups(built, operations, offered.scripts)).endpoints(),
                *SessionsResource(log=offered.sessions, operations=operations).endpoints(),
                *OcppResource(ocpp=offered.ocpp).endpoints(),
            ),
        )
    )


def _backups(built: Parts, operations: Operations, scripts: ScriptService) -> BackupService:
    backups = BackupService(operations, built.options.state_dir, scripts.files_replaced)
    backups.tidy()  # before anybody looks at the files
    return backups


def _updater(built: Parts, operations: Operations, credentials: CredentialStore) -> UpdateService:
    administrator = built.administrator
    policy = Policy(
        enabled=administrator.update_enabled,
        allow_unsigned=administrator.update_allow_unsigned,
        credentials_set=lambda: credentials.active,
    )
    keys = (_SHIPPED_KEYS, Path(administrator.update_keys))
    folder = built.options.state_dir / "update"
    return UpdateService(operations, _installer(built), Signatures(keys), folder, policy)


def _installer(built: Parts) -> Packages:
    """Return who installs: the unit looks in one place only, which is not every daemon's."""
    ours = built.options.state_dir == STATE_DIR
    return UnitInstaller(SystemBus()) if ours else NoInstaller()


def _offer(built: Parts, http: HttpService) -> Offer:
    return Offer(
        port=lambda: http.port, ready=http.ready, addresses=reachable_at(_door(built).address)
    )


def _modbus(built: Parts, operations: Operations) -> ModbusService:
    modbus = ModbusService(operations, _modbus_access(built))
    operations.on_change("modbus", modbus.apply)
    return modbus


def _modbus_access(built: Parts) -> ModbusAccess:
    access, port = built.administrator.modbus, built.options.modbus_port
    return access if port is None else replace(access, port=port)


def _door(built: Parts) -> Door:
    administrator, port = built.administrator, built.options.http_port
    return Door(
        address=administrator.http_address,
        port=administrator.http_port if port is None else port,
        allowed_hosts=administrator.http_allowed_hosts,
        cors_origins=administrator.http_cors_origins,
    )
