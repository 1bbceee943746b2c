"""Every section of the settings, in the order of GET /config. Source: rest.md section 5.2."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evsed.board.description import Board
from evsed.errors import RejectedError
from evsed.settings.calibration import CALIBRATION, CalibrationSettings
from evsed.settings.mqtt import MQTT, MqttSettings
from evsed.settings.network import DISCOVERY, WIFI, DiscoverySettings, WifiSettings
from evsed.settings.ocpp import OCPP, OcppSettings
from evsed.settings.schedule import SCHEDULER, SchedulerSettings
from evsed.settings.schema import (
    EVSE,
    EvseSettings,
    check_board,
    default_evse,
    fit_to_board,
    patched_evse,
    wire_evse,
)
from evsed.settings.section import Section, known_part
from evsed.settings.serial import (
    SerialSettings,
    default_serial,
    fit_serial,
    patched_serial,
    wire_serial,
)
from evsed.settings.services import (
    FIRMWARE,
    MODBUS,
    SCRIPT,
    FirmwareSettings,
    ModbusSettings,
    ScriptSettings,
)
from evsed.settings.tariff import SESSIONS, SessionsSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the user chose; replaced as a whole, never changed."""

    evse: EvseSettings
    wifi: WifiSettings
    discovery: DiscoverySettings
    serial: tuple[SerialSettings, ...]
    modbus: ModbusSettings
    script: ScriptSettings
    scheduler: SchedulerSettings
    firmware: FirmwareSettings
    sessions: SessionsSettings = field(default_factory=SessionsSettings)
    meter: CalibrationSettings = field(default_factory=CalibrationSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    ocpp: OcppSettings = field(default_factory=OcppSettings)


def _patched_evse(before: EvseSettings, patch: object, board: Board) -> EvseSettings:
    after = patched_evse(before, known_part(patch, EVSE))
    check_board(after, board)
    return after


def _restored_evse(kept: Any, board: Board) -> tuple[EvseSettings, tuple[str, ...]]:
    return fit_to_board(patched_evse(default_evse(board), kept), board)


def _restored_serial(kept: Any, board: Board) -> tuple[tuple[SerialSettings, ...], tuple[str, ...]]:
    if not isinstance(kept, list):
        raise RejectedError("an array is expected")
    stored = patched_serial(default_serial(len(kept)), kept) if kept else ()
    return fit_serial(stored, len(board.serials))


_EVSE: Final = Section(
    name="evse",
    default=default_evse,
    patched=_patched_evse,
    shown=wire_evse,
    kept=wire_evse,
    restored=_restored_evse,
    keys=tuple(EVSE),
)
_SERIAL: Final = Section(
    name="serial",
    default=lambda board: default_serial(len(board.serials)),
    patched=lambda before, patch, _board: patched_serial(before, patch),
    shown=wire_serial,
    kept=wire_serial,
    restored=_restored_serial,
)
SECTIONS: Final[Mapping[str, Section[Any]]] = {
    section.name: section
    for section in (
        _EVSE,
        WIFI,
        DISCOVERY,
        _SERIAL,
        MODBUS,
        SCRIPT,
        SCHEDULER,
        FIRMWARE,
        SESSIONS,
        CALIBRATION,
        MQTT,
        OCPP,
    )
}


def default_settings(board: Board) -> Settings:
    """Return what a charger starts with that was never configured."""
    return Settings(**{name: section.default(board) for name, section in SECTIONS.items()})
