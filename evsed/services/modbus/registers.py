"""The register table: what exists, how it is read, what a write asks for. Pure.

``name`` is what REST calls the same value. Source: modbus.md sections 1, 2 and 12.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from evsed.board.description import Board
from evsed.charging.snapshot import Snapshot
from evsed.errors import RejectedError
from evsed.operations.picture import Facts
from evsed.settings.schema import EvseSettings
from evsed.units import amperes, limit_wh, milliamperes, millivolts, whole_wh, ws_from_wh

#: What register 900 reads: goes up when the block at 900 grows.
MAP_VERSION: Final = 1
#: From this current on a phase counts as used.
_USED_FROM_A: Final = 1.0
_METER_MODES: Final = ("dummy", "cur", "cur_vlt")


class Scene(NamedTuple):
    """Everything one request may look at, as it was at one moment.

    Args:
        snapshot: the station.
        evse: the settings.
        board: what is fitted.
        facts: about the computer.
        unit_id: ours.
        clients: Modbus TCP connections.
        silence_s: when the watchdog lowers the current, 0 when it is off.
        fallback_da: to what it lowers it.
    """

    snapshot: Snapshot
    evse: EvseSettings
    board: Board
    facts: Facts
    unit_id: int = 1
    clients: int = 0
    silence_s: int = 0
    fallback_da: int = 0


class Encoding(Enum):
    """How a value stands in its registers: name, format for ``struct``, words."""

    U16 = ("u16", "H", 1)
    I16 = ("i16", "h", 1)
    U32 = ("u32", "I", 2)
    U64 = ("u64", "Q", 4)
    TEXT2 = ("char[2]", "2s", 1)
    TEXT32 = ("char[32]", "32s", 16)

    def __init__(self, label: str, struct_format: str, words: int) -> None:
        self.label = label
        self.struct_format = struct_format
        self.words = words


class Action(Enum):
    """What writing 1 does, where there is no value."""

    AUTHORIZE = "authorize"
    RESTART = "restart"


class Group(Enum):
    """What the administrator can lock together."""

    LIVE = "live"
    STORED = "stored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One value.

    ``write`` returns it in the unit REST writes it in; ``most`` is a ceiling of this board below
    the one of the setting.
    """

    address: int
    encoding: Encoding
    name: str
    about: str
    unit: str = ""
    read: Callable[[Scene], int | bytes] | None = None
    write: Callable[[int], object] | None = None
    most: Callable[[Scene], int] | None = None
    action: Action | None = None
    group: Group = Group.LIVE

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return self.encoding.words

    @property
    def writable(self) -> bool:
        """Whether a client may ask for a change."""
        return self.write is not None or self.action is not None

    @property
    def access(self) -> str:
        """R, RW or W."""
        return ("R" if self.read else "") + ("W" if self.writable else "")


def switch(value: int) -> bool:
    """Return a switch.

    Raises:
        RejectedError: neither 0 nor 1.
    """
    if value not in (0, 1):
        raise RejectedError(f"{value} is not permitted, expected 0 or 1")
    return bool(value)


def _plain(value: int) -> int:
    return value


def _meter_mode(value: int) -> str:
    if value >= len(_METER_MODES):
        raise RejectedError(f"{value} is not permitted, expected 0, 1 or 2")
    return _METER_MODES[value]


def _capabilities(now: Scene) -> int:
    board = now.board
    abilities = (
        board.proximity is not None,
        board.rcm is not None,
        board.socket_lock is not None,
        board.temperature_sensor,
        board.energy_meter is not None,
        board.energy_meter_mode == "cur_vlt",
        board.energy_meter_three_phases,
        board.limits.ventilation,
        now.silence_s > 0,
    )
    return sum(1 << bit for bit, able in enumerate(abilities) if able)


def _phases_used(now: Scene) -> int:
    return sum(current_a >= _USED_FROM_A for current_a in now.snapshot.currents_a)


REGISTERS: Final = (
    Register(
        address=100,
        encoding=Encoding.TEXT2,
        name="state",
        about="A, B1, B2, C1, C2, D1, D2, E or F; first letter in the high byte, then digit or 0",
        read=lambda now: now.snapshot.state.encode(),
    ),
    Register(
        address=101,
        encoding=Encoding.U32,
        name="errors",
        about="one bit per fault, 0 = none",
        read=lambda now: now.snapshot.faults.value,
    ),
    Register(
        address=103,
        encoding=Encoding.U16,
        name="enabled",
        about="0 pauses charging",
        unit="0, 1",
        read=lambda now: now.snapshot.enabled,
        write=switch,
    ),
    Register(
        address=104,
        encoding=Encoding.U16,
        name="available",
        about="0 takes the charger out of service (state F)",
        unit="0, 1",
        read=lambda now: now.snapshot.available,
        write=switch,
    ),
    Register(
        address=105,
        encoding=Encoding.U16,
        name="pendingAuth",
        about="a vehicle waits for authorization",
        unit="0, 1",
        read=lambda now: now.snapshot.pending_auth,
    ),
    Register(
        address=106,
        encoding=Encoding.U16,
        name="chargingCurrent",
        about="charging current, 60 to ten times register 304",
        unit="0.1 A",
        read=lambda now: now.snapshot.charging_current_da,
        write=amperes,
    ),
    Register(
        address=107,
        encoding=Encoding.U32,
        name="consumptionLimit",
        about="energy limit of this session, 0 = none; reads rounded up",
        unit="Wh",
        read=lambda now: limit_wh(now.snapshot.consumption_limit_ws),
        write=ws_from_wh,
    ),
    Register(
        address=109,
        encoding=Encoding.U32,
        name="chargingTimeLimit",
        about="limit of this session's charging time, 0 = none",
        unit="s",
        read=lambda now: now.snapshot.charging_time_limit_s,
        write=_plain,
    ),
    Register(
        address=111,
        encoding=Encoding.U16,
        name="underPowerLimit",
        about="charging ends after 60 s below this power, 0 = never",
        unit="W",
        read=lambda now: now.snapshot.under_power_limit_w,
        write=_plain,
    ),
    Register(
        address=112,
        encoding=Encoding.U16,
        name="authorize",
        about="permits one session, if it begins within 60 s",
        unit="1",
        action=Action.AUTHORIZE,
    ),
    Register(
        address=200,
        encoding=Encoding.U16,
        name="power",
        about="power of all phases together",
        unit="W",
        read=lambda now: now.snapshot.power_w,
    ),
    Register(
        address=201,
        encoding=Encoding.U32,
        name="sessionTime",
        about="since the vehicle was connected",
        unit="s",
        read=lambda now: now.snapshot.session_time_ms // 1000,
    ),
    Register(
        address=203,
        encoding=Encoding.U32,
        name="chargingTime",
        about="of this session, spent charging",
        unit="s",
        read=lambda now: now.snapshot.charging_time_ms // 1000,
    ),
    Register(
        address=205,
        encoding=Encoding.U32,
        name="consumption",
        about="energy of this session, rounded down",
        unit="Wh",
        read=lambda now: whole_wh(now.snapshot.session_energy_ws),
    ),
    Register(
        address=207,
        encoding=Encoding.U32,
        name="voltage[0]",
        about="voltage of L1, 0 while the contactor is open",
        unit="mV",
        read=lambda now: millivolts(now.snapshot.voltages_v[0]),
    ),
    Register(
        address=209,
        encoding=Encoding.U32,
        name="voltage[1]",
        about="voltage of L2",
        unit="mV",
        read=lambda now: millivolts(now.snapshot.voltages_v[1]),
    ),
    Register(
        address=211,
        encoding=Encoding.U32,
        name="voltage[2]",
        about="voltage of L3",
        unit="mV",
        read=lambda now: millivolts(now.snapshot.voltages_v[2]),
    ),
    Register(
        address=213,
        encoding=Encoding.U32,
        name="current[0]",
        about="current of L1, 0 while the contactor is open",
        unit="mA",
        read=lambda now: milliamperes(now.snapshot.currents_a[0]),
    ),
    Register(
        address=215,
        encoding=Encoding.U32,
        name="current[1]",
        about="current of L2",
        unit="mA",
        read=lambda now: milliamperes(now.snapshot.currents_a[1]),
    ),
    Register(
        address=217,
        encoding=Encoding.U32,
        name="current[2]",
        about="current of L3",
        unit="mA",
        read=lambda now: milliamperes(now.snapshot.currents_a[2]),
    ),
    Register(
        address=300,
        encoding=Encoding.U16,
        name="socketOutlet",
        about="1: a socket with lock, needs proximity sensing; 0: a tethered cable",
        unit="0, 1",
        read=lambda now: now.evse.socket_outlet,
        write=switch,
        group=Group.STORED,
    ),
    Register(
        address=301,
        encoding=Encoding.U16,
        name="rcm",
        about="1: watch the residual current monitor, which must be fitted",
        unit="0, 1",
        read=lambda now: now.evse.rcm,
        write=switch,
        group=Group.STORED,
    ),
    Register(
        address=302,
        encoding=Encoding.U16,
        name="temperatureThreshold",
        about="charging stops above it, 40 to 80",
        unit="°C",
        read=lambda now: now.evse.temperature_threshold_c,
        write=_plain,
        group=Group.STORED,
    ),
    Register(
        address=303,
        encoding=Encoding.U16,
        name="requireAuth",
        about="1: charge only when authorized",
        unit="0, 1",
        read=lambda now: now.evse.require_auth,
        write=switch,
        group=Group.STORED,
    ),
    Register(
        address=304,
        encoding=Encoding.U16,
        name="maxChargingCurrent",
        about="most that may be set, whole amperes: 6 to the rating of the board, at most 63",
        unit="A",
        read=lambda now: now.evse.max_charging_current_a,
        write=_plain,
        most=lambda now: now.board.limits.max_current_a,
        group=Group.STORED,
    ),
    Register(
        address=305,
        encoding=Encoding.U16,
        name="defaultChargingCurrent",
        about="charging current after a start, 60 to ten times register 304",
        unit="0.1 A",
        read=lambda now: now.evse.default_charging_current_da,
        write=amperes,
        group=Group.STORED,
    ),
    Register(
        address=306,
        encoding=Encoding.U32,
        name="defaultConsumptionLimit",
        about="energy limit after a start, 0 = none; reads rounded up",
        unit="Wh",
        read=lambda now: limit_wh(now.evse.default_consumption_limit_ws),
        write=ws_from_wh,
        group=Group.STORED,
    ),
    Register(
        address=308,
        encoding=Encoding.U32,
        name="defaultChargingTimeLimit",
        about="time limit after a start, 0 = none",
        unit="s",
        read=lambda now: now.evse.default_charging_time_limit_s,
        write=_plain,
        group=Group.STORED,
    ),
    Register(
        address=310,
        encoding=Encoding.U16,
        name="defaultUnderPowerLimit",
        about="power limit after a start, 0 = none",
        unit="W",
        read=lambda now: now.evse.default_under_power_limit_w,
        write=_plain,
        group=Group.STORED,
    ),
    Register(
        address=311,
        encoding=Encoding.U16,
        name="socketLockOperatingTime",
        about="how long the lock motor is driven, 100 to 5000",
        unit="ms",
        read=lambda now: now.evse.socket_lock_operating_time_ms,
        write=_plain,
        group=Group.STORED,
    ),
    Register(
        address=312,
        encoding=Encoding.U16,
        name="socketLockBreakTime",
        about="rest between two movements, from the board's minimum",
        unit="ms",
        read=lambda now: now.evse.socket_lock_break_time_ms,
        write=_plain,
        group=Group.STORED,
    ),
    Register(
        address=313,
        encoding=Encoding.U16,
        name="socketLockDetectionHigh",
        about="contact high means: 0 unlocked, 1 locked",
        unit="0, 1",
        read=lambda now: now.evse.socket_lock_detection_high,
        write=switch,
        group=Group.STORED,
    ),
    Register(
        address=314,
        encoding=Encoding.U16,
        name="socketLockRetryCount",
        about="attempts to lock, 0 to 255",
        read=lambda now: now.evse.socket_lock_retry_count,
        write=_plain,
        group=Group.STORED,
    ),
    Register(
        address=315,
        encoding=Encoding.U16,
        name="energyMeterMode",
        about="0 nothing, 1 current, 2 current and voltage are measured; only what is fitted",
        unit="0, 1, 2",
        read=lambda now: _METER_MODES.index(now.evse.energy_meter_mode),
        write=_meter_mode,
        group=Group.STORED,
    ),
    Register(
        address=316,
        encoding=Encoding.U16,
        name="energyMeterAcVoltage",
        about="mains voltage where it is not measured, 100 to 300",
        unit="V",
        read=lambda now: now.evse.energy_meter_ac_voltage_v,
        write=_plain,
        group=Group.STORED,
    ),
    Register(
        address=317,
        encoding=Encoding.U16,
        name="energyMeterThreePhases",
        about="1: count three phases",
        unit="0, 1",
        read=lambda now: now.evse.energy_meter_three_phases,
        write=switch,
        group=Group.STORED,
    ),
    Register(
        address=400,
        encoding=Encoding.U32,
        name="uptime",
        about="since the program started",
        unit="s",
        read=lambda now: now.facts.uptime_s,
    ),
    Register(
        address=402,
        encoding=Encoding.I16,
        name="temperatureLow",
        about="the coldest sensor, 0 without sensors",
        unit="0.01 °C",
        read=lambda now: now.snapshot.temperature_low_cdeg,
    ),
    Register(
        address=403,
        encoding=Encoding.I16,
        name="temperatureHigh",
        about="the hottest sensor, 0 without sensors",
        unit="0.01 °C",
        read=lambda now: now.snapshot.temperature_high_cdeg,
    ),
    Register(
        address=404,
        encoding=Encoding.U16,
        name="temperatureSensorCount",
        about="temperature sensors that answer",
        read=lambda now: now.snapshot.temperature_sensors,
    ),
    Register(
        address=405,
        encoding=Encoding.TEXT32,
        name="appVersion",
        about="version of the program, two characters a register, filled up with 0",
        read=lambda now: now.facts.version.encode(),
    ),
    Register(
        address=421,
        encoding=Encoding.U16,
        name="restart",
        about="ends the program in order about a second later; it is started again",
        unit="1",
        action=Action.RESTART,
        group=Group.STORED,
    ),
    Register(
        address=900,
        encoding=Encoding.U16,
        name="mapVersion",
        about="version of this block",
        read=lambda _: MAP_VERSION,
    ),
    Register(
        address=901,
        encoding=Encoding.U16,
        name="limitReached",
        about="a session limit stopped the charge",
        unit="0, 1",
        read=lambda now: now.snapshot.limit_reached,
    ),
    Register(
        address=902,
        encoding=Encoding.U16,
        name="capabilities",
        about="bits: 0 proximity sensing, 1 residual current monitor, 2 socket lock, "
        "3 temperature sensor, 4 current meter, 5 voltage meter, 6 three-phase meter, "
        "7 ventilation, 8 the watchdog is on",
        read=_capabilities,
    ),
    Register(
        address=903,
        encoding=Encoding.U16,
        name="phases",
        about="phases the vehicle draws at least 1 A from",
        read=_phases_used,
    ),
    Register(
        address=904,
        encoding=Encoding.U64,
        name="totalConsumption",
        about="lifetime energy with the running session, rounded down",
        unit="Wh",
        read=lambda now: whole_wh(now.snapshot.total_energy_ws),
    ),
    Register(
        address=908,
        encoding=Encoding.U16,
        name="fallbackCurrent",
        about="what the watchdog lowers the charging current to",
        unit="0.1 A",
        read=lambda now: now.fallback_da,
    ),
    Register(
        address=909,
        encoding=Encoding.U16,
        name="watchdogTime",
        about="time without a write after which it does so, 0 = off",
        unit="s",
        read=lambda now: now.silence_s,
    ),
    Register(
        address=910,
        encoding=Encoding.U16,
        name="offeredCurrent",
        about="what the vehicle is being offered now; 0: nothing",
        unit="0.1 A",
        read=lambda now: now.snapshot.offered_da,
    ),
    Register(
        address=911,
        encoding=Encoding.U16,
        name="clients",
        about="connections to the Modbus TCP port",
        read=lambda now: now.clients,
    ),
)
