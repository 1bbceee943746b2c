"""What only the administrator decides: the read-only ``evsed.yaml``. Source: decision 37."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from evsed.board.kinds import Key, ListOf, Scalar, Section, choice, flag, number, text, whole
from evsed.board.reading import Reading
from evsed.board.yaml_tree import Node, Value, read_tree
from evsed.errors import BadFileError
from evsed.settings.modbus_access import ModbusAccess, modbus_section
from evsed.settings.network_access import NetworkAccess, network_section
from evsed.units import tenths


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """Section ``supervision``: whoever steers the charger must not fall silent.

    Source: charging.md section 18.10.

    Args:
        silence_s: without a write of the set-point or of ``enabled`` for so long, the current is
            limited; 0 is never.
        fallback_da: to this, tenths of an ampere; 0 for a pause.
    """

    silence_s: int = 0
    fallback_da: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttAccess:
    """Section ``mqtt``: what an owner cannot choose in the browser.

    Args:
        read_only: values are published, commands are refused.
        authority: a file of certificates in PEM that brokers are checked with instead of the
            system's; empty: the system's.
    """

    read_only: bool = False
    authority: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """Ports, addresses and switches for compatibility.

    ``board`` is the path of a board file, or the name of a shipped board such as sim.
    ``rest_energy_unit`` is Ws or Wh; ``charging_wake_up_s`` 0 for no wake-up pulse.
    """

    board: str = "/etc/evsed/board.yaml"
    http_port: int = 80
    http_address: str = "0.0.0.0"  # noqa: S104  # a charger is for the whole home network
    http_allowed_hosts: tuple[str, ...] = ()
    http_cors_origins: tuple[str, ...] = ()
    http_extensions: bool = True
    rest_energy_unit: str = "Ws"
    boot_restore_enabled: bool = False
    charging_wake_up_s: int = 0
    charging_thermal_derating: bool = True
    supervision: Supervision = field(default_factory=Supervision)
    webdav_enabled: bool = True
    webdav_auth: str = "inherit"
    webdav_max_file_mib: int = 16
    webdav_max_tree_mib: int = 256
    serial_read_only: bool = False
    update_enabled: bool = True
    update_allow_unsigned: bool = False
    update_keys: str = "/etc/evsed/keys.d"
    modbus: ModbusAccess = field(default_factory=ModbusAccess)
    mqtt: MqttAccess = field(default_factory=MqttAccess)
    network: NetworkAccess = field(default_factory=NetworkAccess)
    clock_manage: str = "auto"


def _is_address(value: Value) -> bool:
    if not isinstance(value, str):
        return False
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


_ADDRESS: Final = Scalar(wanted="an IPv4 or IPv6 address (as a text)", accepts=_is_address)
_HOST: Final = text(253, pattern=r"[A-Za-z0-9._:\[\]-]+", about="a host name or address")

_ORIGIN: Final = text(
    261,
    pattern=r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?",
    about="an origin such as http://panel.lan:8123, in lower case",
)

_BOARD: Final = text(
    1024,
    pattern=r"[a-z0-9][a-z0-9-]*|/.*",
    about="the absolute path of a board file, or the name of a shipped board",
)

_HTTP: Final = Section(
    dict,
    (
        Key(name="port", kind=whole(0, 65535), field="http_port"),
        Key(name="address", kind=_ADDRESS, field="http_address"),
        Key(name="allowedHosts", kind=ListOf(_HOST, tuple(range(33))), field="http_allowed_hosts"),
        Key(name="corsOrigins", kind=ListOf(_ORIGIN, tuple(range(33))), field="http_cors_origins"),
        Key(name="extensions", kind=flag(), field="http_extensions"),
    ),
)
_REST: Final = Section(
    dict, (Key(name="energyUnit", kind=choice("Ws", "Wh"), field="rest_energy_unit"),)
)
_BOOT: Final = Section(
    dict, (Key(name="restoreEnabled", kind=flag(), field="boot_restore_enabled"),)
)
_CHARGING: Final = Section(
    dict,
    (
        Key(name="wakeUp", kind=whole(0, 3600, "s"), field="charging_wake_up_s"),
        Key(name="thermalDerating", kind=flag(), field="charging_thermal_derating"),
    ),
)
_FALLBACK: Final = Scalar(
    wanted="0 for a pause, or a number 6 … 63 A",
    accepts=lambda value: number(0, 0).accepts(value) or number(6, 63).accepts(value),
    convert=lambda value: tenths(value) if isinstance(value, int | float) else 0,
)
_SUPERVISION: Final = Section(
    Supervision,
    (
        Key(name="silence", kind=whole(0, 65535, "s"), field="silence_s"),
        Key(name="current", kind=_FALLBACK, field="fallback_da"),
    ),
)
_WEBDAV: Final = Section(
    dict,
    (
        Key(name="enabled", kind=flag(), field="webdav_enabled"),
        Key(name="auth", kind=choice("inherit", "none", "required"), field="webdav_auth"),
        Key(name="maxFileMiB", kind=whole(1, 4096, "MiB"), field="webdav_max_file_mib"),
        Key(name="maxTreeMiB", kind=whole(1, 65536, "MiB"), field="webdav_max_tree_mib"),
    ),
)
_SERIAL: Final = Section(dict, (Key(name="readOnly", kind=flag(), field="serial_read_only"),))
_UPDATE: Final = Section(
    dict,
    (
        Key(name="enabled", kind=flag(), field="update_enabled"),
        Key(name="allowUnsigned", kind=flag(), field="update_allow_unsigned"),
        Key(
            name="keys",
            kind=text(1024, pattern="/.*", about="the absolute path of a folder"),
            field="update_keys",
        ),
    ),
)
_FILE_OR_NONE: Final = Scalar(
    wanted="the absolute path of a file, or an empty text",
    accepts=lambda value: isinstance(value, str) and (not value or value.startswith("/")),
)
_MQTT: Final = Section(
    MqttAccess,
    (
        Key(name="readOnly", kind=flag(), field="read_only"),
        Key(
            name="authority",
            kind=_FILE_OR_NONE,
            field="authority",
        ),
    ),
)
_CLOCK: Final = Section(
    dict, (Key(name="manage", kind=choice("auto", "system", "own"), field="clock_manage"),)
)
#: Every key of the file; the defaults are those of ``Administrator``.
FILE: Final = Section(
    Administrator,
    (
        Key(name="board", kind=_BOARD, field="board"),
        Key(name="http", kind=_HTTP, field=""),
        Key(name="rest", kind=_REST, field=""),
        Key(name="boot", kind=_BOOT, field=""),
        Key(name="charging", kind=_CHARGING, field=""),
        Key(name="supervision", kind=_SUPERVISION, field="supervision"),
        Key(name="webdav", kind=_WEBDAV, field=""),
        Key(name="serial", kind=_SERIAL, field=""),
        Key(name="update", kind=_UPDATE, field=""),
        Key(name="modbus", kind=modbus_section(_ADDRESS), field="modbus"),
        Key(name="mqtt", kind=_MQTT, field="mqtt"),
        Key(name="network", kind=network_section(), field="network"),
        Key(name="clock", kind=_CLOCK, field=""),
    ),
)


def read_administrator(path: Path | None) -> Administrator:
    """Return the administrator's choices; without a file, the defaults.

    Raises:
        BadFileError: one line for each problem: ``file:line:column: key: what``.
    """
    if path is None:
        return Administrator()
    reading = Reading()
    root = read_tree(path, reading.errors)
    if root is not None and root.value is None:
        root = Node({}, root.mark)  # everything commented out
    found = None if root is None else FILE.read(root, "", reading)
    if not isinstance(found, Administrator) or reading.errors.found:
        raise BadFileError("\n".join(reading.errors.lines(path)))
    return found
