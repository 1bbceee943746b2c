"""The table behind /state: 17 keys in their order, how each is read and what a write asks for.

Source: rest.md sections 4 and 5.1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from evsed.charging.commands import (
    Command,
    Enable,
    MakeAvailable,
    SetChargingCurrent,
    SetChargingTimeLimit,
    SetConsumptionLimit,
    SetUnderPowerLimit,
)
from evsed.charging.snapshot import Phases, Snapshot
from evsed.charging.states import ChargingState, Fault, fault_names
from evsed.errors import RejectedError
from evsed.operations.values import EnergyUnit, Kind, amperes, boolean, rounded, whole
from evsed.units import amperes as from_tenths
from evsed.units import limit_wh, tenths, whole_wh, ws_from_wh

#: 2**32 - 1 Wh, so that whatever Modbus can write can be written here too.
MAX_LIMIT_WH: Final = 4294967295
MAX_LIMIT_WS: Final = ws_from_wh(MAX_LIMIT_WH)


class Energy(Enum):
    """How an energy field becomes Wh: counters are rounded down, limits up."""

    COUNTER = "counter"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Write:
    """How a field is written: its own path below /state, and the command that does it."""

    path: str
    command: Callable[[Any], Command]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateField:
    """One key of /state."""

    name: str
    kind: Kind
    about: str
    read: Callable[[Snapshot], Any]
    unit: str = ""
    low: int | None = None
    high: int | None = None
    #: every word there is, where a text or the entries of a list are words
    words: tuple[str, ...] = ()
    nullable: bool = False
    energy: Energy | None = None
    write: Write | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the wire form depends on besides the table."""

    max_charging_current_a: int = 63
    energy_unit: EnergyUnit = EnergyUnit.WS


def _volts(now: Snapshot) -> list[float]:
    return _three(now.voltages_v, 1)


def _amps(now: Snapshot) -> list[float]:
    return _three(now.currents_a, 2)


def _three(phases: Phases, digits: int) -> list[float]:
    return [rounded(value, digits) for value in phases]


STATE_FIELDS: Final = (
    StateField(
        name="state",
        kind=Kind.STRING,
        about="state of IEC 61851: A, B1, B2, C1, C2, D1, D2, E or F; E whenever there are errors",
        words=tuple(ChargingState),
        read=lambda now: now.state.value,
    ),
    StateField(
        name="available",
        kind=Kind.BOOLEAN,
        about="false: taken out of service (state F)",
        read=lambda now: now.available,
        write=Write("available", MakeAvailable),
    ),
    StateField(
        name="enabled",
        kind=Kind.BOOLEAN,
        about="whether charging is permitted; false pauses it",
        read=lambda now: now.enabled,
        write=Write("enabled", Enable),
    ),
    StateField(
        name="pendingAuth",
        kind=Kind.BOOLEAN,
        about="a vehicle is connected and waits for authorization",
        read=lambda now: now.pending_auth,
    ),
    StateField(
        name="limitReached",
        kind=Kind.BOOLEAN,
        about="a session limit stopped the charge",
        read=lambda now: now.limit_reached,
    ),
    StateField(
        name="chargingCurrent",
        kind=Kind.NUMBER,
        about="charging current set by the user, steps of 0.1; at most maxChargingCurrent",
        unit="A",
        low=6,
        high=63,
        read=lambda now: from_tenths(now.charging_current_da),
        write=Write("charging-current", lambda value: SetChargingCurrent(tenths(value))),
    ),
    StateField(
        name="consumptionLimit",
        kind=Kind.INTEGER,
        about="energy after which the session's charging stops; 0 for none",
        unit="Ws",
        low=0,
        high=MAX_LIMIT_WS,
        energy=Energy.LIMIT,
        read=lambda now: now.consumption_limit_ws,
        write=Write("consumption-limit", SetConsumptionLimit),
    ),
    StateField(
        name="chargingTimeLimit",
        kind=Kind.INTEGER,
        about="charging time after which the session's charging stops; 0 for none",
        unit="s",
        low=0,
        high=4294967295,
        read=lambda now: now.charging_time_limit_s,
        write=Write("charging-time-limit", SetChargingTimeLimit),
    ),
    StateField(
        name="underPowerLimit",
        kind=Kind.INTEGER,
        about="power below which charging stops after 60 s; 0 for none",
        unit="W",
        low=0,
        high=65535,
        read=lambda now: now.under_power_limit_w,
        write=Write("under-power-limit", SetUnderPowerLimit),
    ),
    StateField(
        name="errors",
        kind=Kind.NAMES,
        about="names of the faults that are set; null when there is none",
        words=tuple(fault_names(~Fault.NONE)),
        nullable=True,
        read=lambda now: fault_names(now.faults) or None,
    ),
    StateField(
        name="sessionTime",
        kind=Kind.INTEGER,
        about="time since the vehicle was connected; 0 outside a session",
        unit="s",
        low=0,
        read=lambda now: now.session_time_ms // 1000,
    ),
    StateField(
        name="chargingTime",
        kind=Kind.INTEGER,
        about="time of this session spent charging",
        unit="s",
        low=0,
        read=lambda now: now.charging_time_ms // 1000,
    ),
    StateField(
        name="consumption",
        kind=Kind.INTEGER,
        about="energy of this session",
        unit="Ws",
        low=0,
        energy=Energy.COUNTER,
        read=lambda now: now.session_energy_ws,
    ),
    StateField(
        name="totalConsumption",
        kind=Kind.INTEGER,
        about="lifetime energy, the running session included",
        unit="Ws",
        low=0,
        energy=Energy.COUNTER,
        read=lambda now: now.total_energy_ws,
    ),
    StateField(
        name="power",
        kind=Kind.INTEGER,
        about="power now, sum of the phases",
        unit="W",
        read=lambda now: now.power_w,
    ),
    StateField(
        name="voltage",
        kind=Kind.PHASES,
        about="voltage of L1, L2, L3; 0 while the contactor is open",
        unit="V",
        read=_volts,
    ),
    StateField(
        name="current",
        kind=Kind.PHASES,
        about="current of L1, L2, L3; 0 while the contactor is open",
        unit="A",
        read=_amps,
    ),
)

WRITABLE: Final[Mapping[str, StateField]] = {
    field.name: field for field in STATE_FIELDS if field.write is not None
}


def state_object(now: Snapshot, terms: Terms) -> dict[str, Any]:
    """Return a snapshot as GET /state sends it."""
    return {field.name: _outward(field, field.read(now), terms) for field in STATE_FIELDS}


def command_for(field: StateField, value: object, terms: Terms) -> Command:
    """Return the command that writes ``value`` into a writable field.

    Raises:
        RejectedError: wrong type or outside the range.
    """
    if field.write is None:
        raise RejectedError("cannot be written", key=field.name)
    return field.write.command(_inward(field, value, terms))


def _inward(field: StateField, value: object, terms: Terms) -> bool | int | float:
    low, high = field.low or 0, field.high or 0
    match field.kind:
        case Kind.BOOLEAN:
            return boolean(field.name, value)
        case Kind.NUMBER:
            return amperes(field.name, value, low, min(high, terms.max_charging_current_a))
        case _:
            return whole(field.name, value, low, high)


def _outward(field: StateField, value: Any, terms: Terms) -> Any:
    if field.energy is None or terms.energy_unit is EnergyUnit.WS:
        return value
    return whole_wh(value) if field.energy is Energy.COUNTER else limit_wh(value)
