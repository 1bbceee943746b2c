"""The table of commands: what exists, how it is read, and what a write asks for.

Source: at.md section 5.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from evsed.board.description import Board
from evsed.charging.states import ChargingState
from evsed.errors import RejectedError
from evsed.host.network import NO_MAC, FoundNetwork
from evsed.operations.operations import Operations
from evsed.operations.picture import Picture
from evsed.services.at.columns import Column, Row, row_text
from evsed.units import limit_wh, milliamperes, millivolts, whole_wh, ws_from_wh

SOURCE: Final = "AT"

_LONGEST_SSID: Final = 32
_LONGEST_PASSWORD: Final = 64
_LONGEST_TIME_ZONE: Final = 63
_METER_MODES: Final = ("dummy", "cur", "cur_vlt")
_METERS: Final = ("none", "cur", "cur_vlt")
_STATES: Final = tuple(ChargingState)


class Wifi(Protocol):
    """What commands ask of the radio."""

    async def scan(self) -> tuple[FoundNetwork, ...]:
        """Return the networks in reach, strongest first; nothing without a radio."""

    def switch_access_point(self, *, on: bool) -> None:
        """Start or stop the charger's own network in a second."""


class Desk(Protocol):
    """What a command works with: the charger, and its own session."""

    @property
    def operations(self) -> Operations:
        """The charger."""

    @property
    def wifi(self) -> Wifi:
        """The radio."""

    @property
    def commands(self) -> Mapping[str, "Command"]:
        """Every command by name, in the order of the list."""

    def echo(self, *, on: bool) -> None:
        """Send back what is received, or stop that."""

    def subscribe(self, name: str, period_ms: int) -> None:
        """Push what the command reads."""

    def unsubscribe(self, name: str) -> None:
        """Stop pushing one, or all for an empty name."""


Read = Callable[[Picture], Row]
ListRows = Callable[[Picture], Sequence[Row]]
Write = Callable[[Desk, Row], Awaitable[None]]
Run = Callable[[Desk], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command.

    Args:
        name: in upper case, with its plus sign.
        columns: the types of its values; those of one entry for a list.
        read: its values.
        rows: its values when it is a list; such a command has no ``read``.
        write: takes the values of all columns that are not read-only.
        run: does something and returns the messages before the OK.
        harmless: writing or running it changes nothing about the charger; permitted read-only.
    """

    name: str
    about: str
    columns: tuple[Column, ...] = ()
    read: Read | None = None
    rows: ListRows | None = None
    write: Write | None = None
    run: Run | None = None
    harmless: bool = False

    @property
    def readable(self) -> bool:
        """Whether it has a read form."""
        return self.read is not None or self.rows is not None

    @property
    def forms(self) -> tuple[str, ...]:
        """What can be typed, in the order of the list."""
        has = (
            ("", self.run is not None),
            ("?", self.readable),
            ("=", self.write is not None),
            ("=?", self.readable or self.write is not None),
        )
        return tuple(form for form, there in has if there)

    def messages(self, now: Picture) -> list[str]:
        """Return what the read form answers, without the OK."""
        rows = self.rows(now) if self.rows is not None else ()
        if self.read is not None:
            rows = (self.read(now),)
        return [f"{self.name}={row_text(self.columns, row)}" for row in rows]


def commands_for(board: Board) -> Mapping[str, Command]:
    """Return the commands of a board, in the order of the list."""
    serials = tuple(_serial(number) for number in range(len(board.serials)))
    every = (*_BASIC, *_SYSTEM, *_CHARGING, *_METER, *_NETWORK, *serials, *_BOARD)
    return {one.name: one for one in every}


async def _command_list(desk: Desk) -> Sequence[str]:
    return [
        "\n".join(f"AT{one.name}{form}" for form in one.forms) for one in desk.commands.values()
    ]


async def _echo_off(desk: Desk) -> Sequence[str]:
    desk.echo(on=False)
    return ()


async def _echo_on(desk: Desk) -> Sequence[str]:
    desk.echo(on=True)
    return ()


async def _subscribe(desk: Desk, values: Row) -> None:
    name, period_ms = str(values[0]), int(values[1])
    command = desk.commands.get(name)
    if command is None or command.read is None:
        raise RejectedError(f"{name} cannot be subscribed")
    desk.subscribe(name, period_ms)


async def _unsubscribe(desk: Desk, values: Row) -> None:
    name = str(values[0])
    if name and name not in desk.commands:
        raise RejectedError(f"there is no {name}")
    desk.unsubscribe(name)


async def _restart(desk: Desk) -> Sequence[str]:
    await desk.operations.restart(source=SOURCE)
    return ()


async def _authorize(desk: Desk) -> Sequence[str]:
    await desk.operations.authorize(source=SOURCE)
    return ()


async def _set_time(desk: Desk, values: Row) -> None:
    await desk.operations.set_time(int(values[0]), source=SOURCE)


async def _reset_energy(desk: Desk, values: Row) -> None:
    if values[0] != 0:
        raise RejectedError("only 0 may be written")
    await desk.operations.reset_energy(source=SOURCE)


async def _scan(desk: Desk) -> Sequence[str]:
    found = await desk.wifi.scan()
    rows = [(one.ssid, int(one.secured), one.rssi) for one in found]
    return [f"+WIFIAPSCAN={row_text(_SCANNED, row)}" for row in rows]


async def _access_point(desk: Desk, values: Row) -> None:
    desk.wifi.switch_access_point(on=bool(values[0]))


def _value(key: str, convert: Callable[[Any], object] = int) -> Write:
    """Return the write of one value of the charger, by its wire name and in its wire unit."""

    async def write(desk: Desk, values: Row) -> None:
        await desk.operations.write([(key, convert(values[0]))], source=SOURCE)

    return write


def _keys(section: str, *keys: str) -> Write:
    """Return the write of a section's keys in their order; those left out keep their values."""

    async def write(desk: Desk, values: Row) -> None:
        patch: dict[str, object] = dict(zip(keys, values, strict=False))
        for flag in ("enabled", "staticEnabled"):
            if flag in patch:
                patch[flag] = bool(patch[flag])
        await desk.operations.change(section, patch, source=SOURCE)

    return write


def _meter_mode(number: int) -> str:
    if number >= len(_METER_MODES):
        raise RejectedError(f"0 … {len(_METER_MODES) - 1} expected")
    return _METER_MODES[number]


def _ro(kind: str, about: str = "") -> tuple[Column, ...]:
    return (Column(kind, "RO", about),)


def _rw(kind: str, about: str = "", longest: int = 31) -> tuple[Column, ...]:
    return (Column(kind, "RW", about, longest),)


def _plain(name: str, kind: str, about: str, read: Callable[[Picture], int | str]) -> Command:
    """Return a command that shows one value."""
    return Command(name=name, about=about, columns=_ro(kind), read=lambda now: (read(now),))


def _setting(
    name: str, kind: str, about: str, read: Callable[[Picture], int | str], write: Write
) -> Command:
    """Return a command that shows and sets one value."""
    return Command(
        name=name, about=about, columns=_rw(kind), read=lambda now: (read(now),), write=write
    )


_NAME: Final = Column("STRING", "WO", "name")
_BASIC: Final = (
    Command(name="+CMD", about="list all forms of all commands", run=_command_list, harmless=True),
    Command(name="E0", about="echo off", run=_echo_off, harmless=True),
    Command(name="E1", about="echo on", run=_echo_on, harmless=True),
    Command(
        name="+SUB",
        about="push what a command reads, at once and then every period",
        columns=(_NAME, Column("UINT32", "WO", "period, ms")),
        write=_subscribe,
        harmless=True,
    ),
    Command(
        name="+UNSUB",
        about='stop pushing; "" for all',
        columns=(_NAME,),
        write=_unsubscribe,
        harmless=True,
    ),
)

_SYSTEM: Final = (
    Command(name="+RST", about="restart, about a second later", run=_restart),
    Command(
        name="+CHIP",
        about="the computer",
        columns=(
            *_ro("STRING", "model"),
            *_ro("UINT8", "cores"),
            *_ro("UINT16", "revision"),
        ),
        read=lambda now: (now.facts.chip, now.facts.cores, now.facts.revision),
    ),
    Command(
        name="+HEAP",
        about="memory in bytes",
        columns=(*_ro("UINT32", "used"), *_ro("UINT32", "total")),
        read=lambda now: (now.facts.memory.used, now.facts.memory.used + now.facts.memory.free),
    ),
    _plain("+VER", "STRING", "version of the program", lambda now: now.facts.version),
    _plain("+IDFVER", "STRING", "Python, kernel and system", lambda now: now.facts.platform),
    Command(
        name="+BUILDTIME",
        about="when the program was built",
        columns=(*_ro("STRING", "date"), *_ro("STRING", "time")),
        read=lambda now: (now.facts.built_date, now.facts.built_time),
    ),
    Command(
        name="+TEMP",
        about="temperature sensors, 0.01 °C",
        columns=(*_ro("UINT8", "count"), *_ro("INT32", "highest"), *_ro("INT32", "lowest")),
        read=lambda now: (
            now.snapshot.temperature_sensors,
            now.snapshot.temperature_high_cdeg,
            now.snapshot.temperature_low_cdeg,
        ),
    ),
    Command(
        name="+TZ",
        about="time zone, a name or a POSIX rule",
        columns=_rw("STRING", longest=_LONGEST_TIME_ZONE),
        read=lambda now: (now.settings.scheduler.timezone,),
        write=_keys("scheduler", "timezone"),
    ),
    _plain("+TZRULE", "STRING", "the POSIX rule of the time zone", lambda now: now.time_zone_rule),
    _setting("+TIME", "UINT64", "Unix time, s", lambda now: now.clock_s, _set_time),
    _plain("+UPTIME", "UINT32", "time since the start, s", lambda now: now.facts.uptime_s),
)

_CHARGING: Final = (
    _plain(
        "+STATE",
        "UINT8",
        "A 0, B1 1, B2 2, C1 3, C2 4, D1 5, D2 6, E 7, F 8",
        lambda now: _STATES.index(now.snapshot.state),
    ),
    _plain("+ERROR", "UINT32", "faults, a bit mask", lambda now: now.snapshot.faults.value),
    _setting(
        "+ENABLE",
        "UINT8",
        "charging is permitted",
        lambda now: int(now.snapshot.enabled),
        _value("enabled", bool),
    ),
    _setting(
        "+AVAILABLE",
        "UINT8",
        "in service",
        lambda now: int(now.snapshot.available),
        _value("available", bool),
    ),
    _setting(
        "+REQAUTH",
        "UINT8",
        "charge only when authorized",
        lambda now: int(now.settings.evse.require_auth),
        _value("requireAuth", bool),
    ),
    _plain(
        "+PENDAUTH",
        "UINT8",
        "waits for authorization",
        lambda now: int(now.snapshot.pending_auth),
    ),
    Command(name="+AUTH", about="authorize", run=_authorize),
    _setting(
        "+CHCUR",
        "UINT16",
        "charging current, 0.1 A",
        lambda now: now.snapshot.charging_current_da,
        _value("chargingCurrent", lambda value: value / 10),
    ),
    _setting(
        "+DEFCHCUR",
        "UINT16",
        "charging current at start, 0.1 A",
        lambda now: now.settings.evse.default_charging_current_da,
        _value("defaultChargingCurrent", lambda value: value / 10),
    ),
    _setting(
        "+MAXCHCUR",
        "UINT8",
        "hard ceiling, A",
        lambda now: now.settings.evse.max_charging_current_a,
        _value("maxChargingCurrent"),
    ),
    _setting(
        "+CONSUMLIM",
        "UINT32",
        "energy limit, Wh, 0 none",
        lambda now: limit_wh(now.snapshot.consumption_limit_ws),
        _value("consumptionLimit", ws_from_wh),
    ),
    _setting(
        "+DEFCONSUMLIM",
        "UINT32",
        "energy limit at start, Wh",
        lambda now: limit_wh(now.settings.evse.default_consumption_limit_ws),
        _value("defaultConsumptionLimit", ws_from_wh),
    ),
    _setting(
        "+CHTIMELIM",
        "UINT32",
        "charging time limit, s, 0 none",
        lambda now: now.snapshot.charging_time_limit_s,
        _value("chargingTimeLimit"),
    ),
    _setting(
        "+DEFCHTIMELIM",
        "UINT32",
        "charging time limit at start, s",
        lambda now: now.settings.evse.default_charging_time_limit_s,
        _value("defaultChargingTimeLimit"),
    ),
    _setting(
        "+UNDERPOWERLIM",
        "UINT32",
        "stop below, W, 0 none",
        lambda now: now.snapshot.under_power_limit_w,
        _value("underPowerLimit"),
    ),
    _setting(
        "+DEFUNDERPOWERLIM",
        "UINT32",
        "stop below, at start, W",
        lambda now: now.settings.evse.default_under_power_limit_w,
        _value("defaultUnderPowerLimit"),
    ),
    _plain(
        "+LIMREACH",
        "UINT8",
        "a limit stopped the charge",
        lambda now: int(now.snapshot.limit_reached),
    ),
    _setting(
        "+SOCKETOUTLET",
        "UINT8",
        "socket instead of a tethered cable",
        lambda now: int(now.settings.evse.socket_outlet),
        _value("socketOutlet", bool),
    ),
)

_METER: Final = (
    _setting(
        "+EMETERMODE",
        "UINT8",
        "0 dummy, 1 cur, 2 cur_vlt",
        lambda now: _METER_MODES.index(now.settings.evse.energy_meter_mode),
        _value("energyMeterMode", _meter_mode),
    ),
    _setting(
        "+EMETERACVOLTAGE",
        "UINT16",
        "mains voltage where it is not measured, V",
        lambda now: now.settings.evse.energy_meter_ac_voltage_v,
        _value("energyMeterAcVoltage"),
    ),
    _setting(
        "+EMETERTHREEPHASE",
        "UINT16",
        "count three phases",
        lambda now: int(now.settings.evse.energy_meter_three_phases),
        _value("energyMeterThreePhases", bool),
    ),
    _plain("+EMETERPOWER", "UINT16", "power, W", lambda now: now.snapshot.power_w),
    _plain(
        "+EMETERSESTIME", "UINT32", "session, s", lambda now: now.snapshot.session_time_ms // 1000
    ),
    _plain(
        "+EMETERCHTIME",
        "UINT32",
        "charging in this session, s",
        lambda now: now.snapshot.charging_time_ms // 1000,
    ),
    _plain(
        "+EMETERCONSUM",
        "UINT32",
        "energy of this session, Wh",
        lambda now: whole_wh(now.snapshot.session_energy_ws),
    ),
    _setting(
        "+EMETERTOTCONSUM",
        "UINT64",
        "lifetime energy, Wh; only 0 may be written",
        lambda now: whole_wh(now.snapshot.total_energy_ws),
        _reset_energy,
    ),
    Command(
        name="+EMETERVOLTAGE",
        about="voltages, mV",
        columns=(*_ro("UINT32", "L1"), *_ro("UINT32", "L2"), *_ro("UINT32", "L3")),
        read=lambda now: tuple(millivolts(one) for one in now.snapshot.voltages_v),
    ),
    Command(
        name="+EMETERCURRENT",
        about="currents, mA",
        columns=(*_ro("UINT32", "L1"), *_ro("UINT32", "L2"), *_ro("UINT32", "L3")),
        read=lambda now: tuple(milliamperes(one) for one in now.snapshot.currents_a),
    ),
)

_SCANNED: Final = (
    *_ro("STRING", "ssid"),
    *_ro("UINT8", "secured"),
    *_ro("INT8", "signal, dBm"),
)
_NETWORK: Final = (
    Command(
        name="+WIFISTACFG",
        about="join a network",
        columns=(
            *_rw("UINT8", "enabled"),
            Column("STRING", "RW", "ssid", _LONGEST_SSID, optional=True),
            Column("STRING", "WO", "password", _LONGEST_PASSWORD, optional=True),
        ),
        read=lambda now: (int(now.settings.wifi.enabled), now.settings.wifi.ssid, ""),
        write=_keys("wifi", "enabled", "ssid", "password"),
    ),
    Command(
        name="+WIFIAPCFG",
        about="the charger's own network",
        columns=(*_rw("UINT8", "enabled"), *_ro("STRING", "ssid")),
        read=lambda now: (int(now.network.ap_enabled), now.network.ap_ssid),
        write=_access_point,
    ),
    Command(
        name="+WIFISTACONN",
        about="the connection",
        columns=(*_ro("UINT8", "connected"), *_ro("INT8", "signal, dBm")),
        read=lambda now: (int(now.network.connected), now.network.rssi),
    ),
    _plain(
        "+WIFIAPCONN",
        "UINT8",
        "a client is connected",
        lambda now: int(now.network.ap_clients > 0),
    ),
    Command(
        name="+WIFISTASTATIC",
        about="fixed addresses",
        columns=(
            *_rw("UINT8", "enabled"),
            Column("STRING", "RW", "ip", optional=True),
            Column("STRING", "RW", "gateway", optional=True),
            Column("STRING", "RW", "netmask", optional=True),
            Column("STRING", "RW", "dns", optional=True),
        ),
        read=lambda now: (
            int(now.settings.wifi.static_enabled),
            now.settings.wifi.static_ip,
            now.settings.wifi.static_gateway,
            now.settings.wifi.static_netmask,
            now.settings.wifi.static_dns,
        ),
        write=_keys(
            "wifi", "staticEnabled", "staticIp", "staticGateway", "staticNetmask", "staticDns"
        ),
    ),
    _plain(
        "+WIFISTAIP",
        "STRING",
        "address in that network",
        lambda now: _unless_no_radio(now.network.ip, now.network.mac),
    ),
    _plain("+WIFISTAMAC", "STRING", "its MAC", lambda now: _mac(now.network.mac)),
    _plain(
        "+WIFIAPIP",
        "STRING",
        "address in the charger's own network",
        lambda now: _unless_no_radio(now.network.ap_ip, now.network.ap_mac),
    ),
    _plain("+WIFIAPMAC", "STRING", "its MAC", lambda now: _mac(now.network.ap_mac)),
    Command(
        name="+WIFIAPSCAN",
        about="networks in reach: ssid, secured, signal",
        run=_scan,
        harmless=True,
    ),
    _setting(
        "+HOSTNAME",
        "STRING",
        "name in the network",
        lambda now: now.settings.discovery.hostname,
        _keys("discovery", "hostname"),
    ),
    _setting(
        "+INSTNAME",
        "STRING",
        "name shown by discovery",
        lambda now: now.settings.discovery.instance_name,
        _keys("discovery", "instanceName"),
    ),
)


def _unless_no_radio(ip: str, mac: str) -> str:
    return "" if mac == NO_MAC else ip


def _mac(mac: str) -> str:
    return "" if mac == NO_MAC else mac.lower()


_DATA_BITS: Final = ("5", "6", "7", "8")
_STOP_BITS: Final = {"1": 1, "1.5": 2, "2": 3}
_PARITIES: Final = {"disable": 0, "even": 2, "odd": 3}


def _serial(place: int) -> Command:
    return Command(
        name=f"+SERIAL{place}",
        about="data bits 0…3 = 5…8; stop bits 1, 2, 3 = 1, 1.5, 2; parity 0 none, 2 even, 3 odd",
        columns=(
            *_rw("STRING", "mode"),
            *_rw("INT32", "baud rate"),
            *_rw("UINT8", "data bits"),
            *_rw("UINT8", "stop bits"),
            *_rw("UINT8", "parity"),
        ),
        read=lambda now: _serial_row(now, place),
        write=_serial_write(place),
    )


def _serial_row(now: Picture, place: int) -> Row:
    one = now.settings.serial[place]
    return (
        one.mode,
        one.baud_rate,
        _DATA_BITS.index(one.data_bits),
        _STOP_BITS[one.stop_bits],
        _PARITIES[one.parity],
    )


def _serial_write(place: int) -> Write:
    async def write(desk: Desk, values: Row) -> None:
        mode, baud_rate, data_bits, stop_bits, parity = values
        wanted = {
            "mode": mode,
            "baudRate": baud_rate,
            "dataBits": _word(dict(zip(_DATA_BITS, range(4), strict=True)), data_bits),
            "stopBits": _word(_STOP_BITS, stop_bits),
            "parity": _word(_PARITIES, parity),
        }
        ports = len(desk.operations.board.serials)
        patch = [wanted if port == place else {} for port in range(ports)]
        await desk.operations.change("serial", patch, source=SOURCE)

    return write


def _word(codes: Mapping[str, int], code: int | str) -> str:
    for word, number in codes.items():
        if number == code:
            return word
    raise RejectedError(f"{code} stands for nothing")


def _break_time(now: Picture) -> int:
    lock = now.board.socket_lock
    return lock.min_break_time_ms if lock else 0


_BOARD: Final = (
    _plain("+DEVNAME", "STRING", "name of the board", lambda now: now.board.device_name),
    _plain(
        "+SOCKETLOCK",
        "UINT8",
        "a lock is fitted",
        lambda now: int(now.board.socket_lock is not None),
    ),
    _plain(
        "+SOCKETLOCKMINBREAKTIME", "UINT16", "shortest rest of the lock's motor, ms", _break_time
    ),
    _plain(
        "+PROXIMITY",
        "UINT8",
        "the cable's rating is measured",
        lambda now: int(now.board.proximity is not None),
    ),
    _plain(
        "+TEMPSENSOR",
        "UINT8",
        "a temperature sensor is expected",
        lambda now: int(now.board.temperature_sensor),
    ),
    Command(
        name="+EMETER",
        about="the meter: 0 none, 1 current, 2 current and voltage",
        columns=(*_ro("UINT8", "type"), *_ro("UINT8", "three phases")),
        read=lambda now: (
            _METERS.index(now.board.energy_meter_mode),
            int(now.board.energy_meter_three_phases),
        ),
    ),
    Command(
        name="+SERIALS",
        about="serial ports: 1 uart, 2 rs485",
        columns=(*_ro("UINT8", "type"), *_ro("STRING", "name")),
        rows=lambda now: [
            (1 if port.type == "uart" else 2, port.name) for port in now.board.serials
        ],
    ),
    Command(
        name="+AUXINPUTS",
        about="free digital inputs",
        columns=_ro("STRING", "name"),
        rows=lambda now: [(line.name,) for line in now.board.aux.inputs],
    ),
    Command(
        name="+AUXOUTPUTS",
        about="free digital outputs",
        columns=_ro("STRING", "name"),
        rows=lambda now: [(line.name,) for line in now.board.aux.outputs],
    ),
    Command(
        name="+AUXANALOGINPUTS",
        about="free analog inputs",
        columns=_ro("STRING", "name"),
        rows=lambda now: [(line.name,) for line in now.board.aux.analog_inputs],
    ),
)
