"""Schemas of the settings as /config/<section> shows and takes them, on this board. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from evsed.board.description import Board
from evsed.services.rest.schema import Schema, array, as_written, of_setting, patch, record, text
from evsed.settings.calibration import CalibrationSettings
from evsed.settings.fields import Setting, settings_of
from evsed.settings.mqtt import TOPIC, URI, MqttSettings
from evsed.settings.network import DiscoverySettings, WifiSettings
from evsed.settings.ocpp import SECRETS, OcppSettings
from evsed.settings.schedule import CLOCK, MAX_SCHEDULES, SCHEDULE, WINDOWS
from evsed.settings.schema import EVSE
from evsed.settings.serial import SERIAL
from evsed.settings.services import ModbusSettings, ScriptSettings
from evsed.settings.tariff import DAYS, MAX_WINDOWS, RATES, TIME_OF_DAY, WINDOW
from evsed.settings.windows import MAX_WINDOWS as MAX_SCHEDULE_WINDOWS

_METER_MODES: Final = {"none": ("dummy",), "cur": ("dummy", "cur")}


_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ADDRESS: Final = rf"^({_OCTET}(\.{_OCTET}){{3}})?$"
_LABEL: Final = "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$"
_WIFI_KEY: Final = "^([ -~]{8,63}|[0-9A-Fa-f]{64})?$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """What GET answers, and what POST takes."""

    shown: Schema
    written: Schema


def config_shapes(board: Board) -> Mapping[str, Shapes]:
    """Return the shapes of every section, in the order of GET /config; then those of our own."""
    return {
        "evse": _evse(board),
        "wifi": _wifi(),
        "discovery": _discovery(),
        "serial": _serial(len(board.serials)),
        "modbus": _plain(settings_of(ModbusSettings)),
        "script": _plain(settings_of(ScriptSettings)),
        "scheduler": _scheduler(),
        "sessions": _sessions(),
        "meter": _plain(settings_of(CalibrationSettings)),
        "mqtt": _mqtt(),
        "ocpp": _plain(settings_of(OcppSettings), secrets=SECRETS),
    }


def _plain(
    declared: Mapping[str, Setting],
    *,
    secrets: tuple[str, ...] = (),
    narrower: Mapping[str, Schema] | None = None,
) -> Shapes:
    shown = {wire: of_setting(one) for wire, one in declared.items()} | dict(narrower or {})
    written = {wire: as_written(declared[wire], schema) for wire, schema in shown.items()}
    written |= {wire: {**written[wire], "writeOnly": True} for wire in secrets}
    return Shapes(
        shown=record({wire: schema for wire, schema in shown.items() if wire not in secrets}),
        written=patch(written),
    )


def _wifi() -> Shapes:
    declared = settings_of(WifiSettings)
    addresses = ("staticIp", "staticGateway", "staticNetmask", "staticDns")
    return _plain(
        declared,
        secrets=("password",),
        narrower={
            "password": _like(declared["password"], _WIFI_KEY),
            **{wire: _like(declared[wire], _ADDRESS) for wire in addresses},
        },
    )


def _mqtt() -> Shapes:
    declared = settings_of(MqttSettings)
    narrower = {
        "uri": _like(declared["uri"], f"^({URI})?$"),
        "topic": _like(declared["topic"], f"^({TOPIC})?$"),
        "discoveryPrefix": _like(declared["discoveryPrefix"], f"^({TOPIC})$"),
    }
    return _plain(declared, secrets=("password",), narrower=narrower)


def _discovery() -> Shapes:
    declared = settings_of(DiscoverySettings)
    return _plain(declared, narrower={"hostname": _like(declared["hostname"], _LABEL)})


def _like(setting: Setting, pattern: str) -> Schema:
    return {**of_setting(setting), "pattern": pattern}


def _evse(board: Board) -> Shapes:
    ceiling = EVSE["maxChargingCurrent"]
    rated = f"{ceiling.about}; the board is rated for {board.limits.max_current_a}"
    modes = _METER_MODES.get(board.energy_meter_mode, ("dummy", "cur", "cur_vlt"))
    narrower: dict[str, Schema] = {
        "maxChargingCurrent": of_setting(replace(ceiling, about=rated)),
        "energyMeterMode": of_setting(EVSE["energyMeterMode"], words=modes),
        **_lock(board),
    }
    if board.proximity is None:
        narrower["socketOutlet"] = _only_false(EVSE["socketOutlet"], "no proximity sensing")
    if board.rcm is None:
        narrower["rcm"] = _only_false(EVSE["rcm"], "no residual current monitor")
    return _plain(EVSE, narrower=narrower)


def _lock(board: Board) -> dict[str, Schema]:
    lock = board.socket_lock
    if lock is None:
        return {}
    operating, rest = EVSE["socketLockOperatingTime"], EVSE["socketLockBreakTime"]
    return {
        "socketLockOperatingTime": of_setting(operating, high=lock.max_operating_time_ms),
        "socketLockBreakTime": of_setting(rest, low=lock.min_break_time_ms),
    }


def _only_false(setting: Setting, why: str) -> Schema:
    schema: dict[str, Any] = dict(of_setting(setting))
    return {**schema, "enum": [False], "description": f"{setting.about}; {why} on this board"}


def _serial(ports: int) -> Shapes:
    entry = {wire: of_setting(one) for wire, one in SERIAL.items()}
    about = "one entry per serial port, in the order of /board-config"
    written = array(record(entry, required=()), about, shortest=ports, longest=ports)
    return Shapes(
        shown=array(record(entry), about, shortest=ports, longest=ports),
        written={**written, "contains": patch(entry)} if ports else written,
    )


def _scheduler() -> Shapes:
    clock = {wire: of_setting(one) for wire, one in CLOCK.items()}
    entry = {wire: of_setting(one) for wire, one in SCHEDULE.items()}
    about = "scheduled actions; replaced as a whole"
    entry[WINDOWS] = _windows()
    shown = array(record(entry, required=SCHEDULE), about, longest=MAX_SCHEDULES)
    written = array(record(entry, required=("action",)), about, longest=MAX_SCHEDULES)
    return Shapes(
        shown=record({**clock, "schedules": shown}), written=patch({**clock, "schedules": written})
    )


def _sessions() -> Shapes:
    rates = {wire: of_setting(one) for wire, one in RATES.items()}
    moment = f"^({TIME_OF_DAY})$"
    entry: dict[str, Schema] = {
        **{wire: of_setting(one) for wire, one in WINDOW.items()},
        "start": _like(WINDOW["start"], moment),
        "end": _like(WINDOW["end"], moment),
        "days": array(text(words=DAYS), "days it begins on; all when left out", shortest=1),
    }
    about = "prices by time of day, the first that fits is in force; replaced as a whole"
    shown = array(record(entry), about, longest=MAX_WINDOWS)
    written = array(record(entry, required=("price",)), about, longest=MAX_WINDOWS)
    return Shapes(
        shown=record({**rates, "prices": shown}), written=patch({**rates, "prices": written})
    )


def _windows() -> Schema:
    moment = f"^({TIME_OF_DAY})$"
    keys = {
        "days": array(text(words=DAYS), "on which it begins", shortest=1),
        "start": text("first minute, local time", pattern=moment),
        "end": text("the minute after the last; before start: of the day after", pattern=moment),
    }
    about = (
        "to the minute, an extension; where there are some, they rule, and mon to sun show the "
        "full hours in them"
    )
    return array(record(keys), about, longest=MAX_SCHEDULE_WINDOWS)
