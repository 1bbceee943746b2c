"""The tables behind /sessions: what a session, a sample and a month are called on the wire. Pure.

One row per key serves JSON, CSV and the description alike. Energies are in Ws in JSON, as
everywhere in REST, and in kWh in CSV, which people read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final, Generic, TypeVar

from evsed.charging.states import Fault, Reason, fault_names
from evsed.operations.session_log import EndReason, MonthRow, SampleRow, SessionRow
from evsed.operations.values import Kind
from evsed.units import amperes, cost, kwh, wh

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[T]):
    """One key of an object in JSON."""

    name: str
    kind: Kind
    about: str
    read: Callable[[T], Any]
    unit: str = ""
    words: tuple[str, ...] = ()
    nullable: bool = False
    low: int | None = 0


SESSION: Final[tuple[Column[SessionRow], ...]] = (
    Column(name="id", kind=Kind.INTEGER, about="number, growing", read=lambda one: one.id),
    Column(
        name="start",
        kind=Kind.INTEGER,
        about="when the vehicle was plugged in, Unix time",
        unit="s",
        read=lambda one: one.start_s,
    ),
    Column(
        name="clockSet",
        kind=Kind.BOOLEAN,
        about="false: the clock had not been set, start may be wrong",
        read=lambda one: one.clock_set,
    ),
    Column(
        name="duration",
        kind=Kind.INTEGER,
        about="from plugging in to unplugging, or until now",
        unit="s",
        read=lambda one: one.duration_s,
    ),
    Column(
        name="chargingTime",
        kind=Kind.INTEGER,
        about="of this, time spent charging",
        unit="s",
        read=lambda one: one.charging_s,
    ),
    Column(
        name="energy", kind=Kind.INTEGER, about="energy", unit="Ws", read=lambda one: one.energy_ws
    ),
    Column(
        name="meterStart",
        kind=Kind.INTEGER,
        about="lifetime energy at the begin",
        unit="Ws",
        read=lambda one: one.meter_start_ws,
    ),
    Column(
        name="meterEnd",
        kind=Kind.INTEGER,
        about="lifetime energy at the end",
        unit="Ws",
        read=lambda one: one.meter_end_ws,
    ),
    Column(
        name="peakPower",
        kind=Kind.INTEGER,
        about="highest power",
        unit="W",
        read=lambda one: one.peak_w,
    ),
    Column(
        name="cost",
        kind=Kind.NUMBER,
        about="at the prices in force then, in the currency of /config/sessions",
        read=lambda one: cost(one.cost),
    ),
    Column(
        name="authorized",
        kind=Kind.STRING,
        about="not_required, not_given, or the interface that authorized it",
        read=lambda one: one.authorized,
    ),
    Column(
        name="errors",
        kind=Kind.NAMES,
        about="names of the faults that came up; null for none",
        words=tuple(fault_names(~Fault.NONE)),
        nullable=True,
        read=lambda one: list(one.faults) or None,
    ),
    Column(
        name="stopReason",
        kind=Kind.STRING,
        about="why charging stopped last, words of /reason or of endReason; null: never charged",
        words=tuple(sorted({word.value for kind in (Reason, EndReason) for word in kind})),
        nullable=True,
        read=lambda one: one.stopped or None,
    ),
    Column(
        name="endReason",
        kind=Kind.STRING,
        about="how it ended; null while it goes on",
        words=tuple(EndReason),
        nullable=True,
        read=lambda one: one.ended or None,
    ),
)

SAMPLE: Final[tuple[Column[SampleRow], ...]] = (
    Column(
        name="minute",
        kind=Kind.INTEGER,
        about="begin of the interval, counted from the begin of the session",
        unit="min",
        read=lambda one: one.minute,
    ),
    Column(
        name="energy", kind=Kind.INTEGER, about="energy", unit="Ws", read=lambda one: one.energy_ws
    ),
    Column(
        name="peakPower",
        kind=Kind.INTEGER,
        about="highest power",
        unit="W",
        read=lambda one: one.peak_w,
    ),
    Column(
        name="offeredCurrent",
        kind=Kind.NUMBER,
        about="what the vehicle was offered, mean",
        unit="A",
        read=lambda one: amperes(one.offered_da),
    ),
    Column(
        name="current",
        kind=Kind.PHASES,
        about="what it drew on L1, L2, L3, mean",
        unit="A",
        read=lambda one: [value / 1000 for value in one.currents_ma],
    ),
)

MONTH: Final[tuple[Column[MonthRow], ...]] = (
    Column(
        name="month",
        kind=Kind.STRING,
        about="local time, such as 2026-11",
        read=lambda one: one.month,
    ),
    Column(
        name="sessions",
        kind=Kind.INTEGER,
        about="sessions that began in it",
        read=lambda one: one.sessions,
    ),
    Column(
        name="energy",
        kind=Kind.INTEGER,
        about="their energy",
        unit="Ws",
        read=lambda one: one.energy_ws,
    ),
    Column(
        name="chargingTime",
        kind=Kind.INTEGER,
        about="their time spent charging",
        unit="s",
        read=lambda one: one.charging_s,
    ),
    Column(
        name="cost",
        kind=Kind.NUMBER,
        about="in the currency of /config/sessions",
        read=lambda one: cost(one.cost),
    ),
)

#: Columns of the CSV files: times local, energies in kWh; in Wh for
#: minutes.
SESSION_CSV: Final = (
    "id",
    "start",
    "end",
    "clock_set",
    "duration_s",
    "charging_s",
    "energy_kwh",
    "meter_start_kwh",
    "meter_end_kwh",
    "peak_w",
    "cost",
    "authorized",
    "errors",
    "stop_reason",
    "end_reason",
)
SAMPLE_CSV: Final = (
    "session",
    "time",
    "minute",
    "energy_wh",
    "peak_w",
    "offered_a",
    "l1_a",
    "l2_a",
    "l3_a",
)


def shown(one: T, columns: tuple[Column[T], ...]) -> dict[str, Any]:
    """Return an object as it is sent."""
    return {column.name: column.read(one) for column in columns}


def session_line(one: SessionRow, zone: tzinfo) -> tuple[object, ...]:
    """Return the values of a line of CSV."""
    return (
        one.id,
        _local(one.start_s, zone),
        _local(one.start_s + one.duration_s, zone) if one.ended else "",
        int(one.clock_set),
        one.duration_s,
        one.charging_s,
        f"{kwh(one.energy_ws):.3f}",
        f"{kwh(one.meter_start_ws):.3f}",
        f"{kwh(one.meter_end_ws):.3f}",
        one.peak_w,
        f"{cost(one.cost):.4f}",
        one.authorized,
        " ".join(one.faults),
        one.stopped,
        one.ended,
    )


def sample_line(one: SampleRow, start_s: int, zone: tzinfo) -> tuple[object, ...]:
    """Return the values of a line of CSV."""
    return (
        one.session,
        _local(start_s + one.minute * 60, zone),
        one.minute,
        f"{wh(one.energy_ws):.2f}",
        one.peak_w,
        f"{amperes(one.offered_da):.1f}",
        *(f"{value / 1000:.3f}" for value in one.currents_ma),
    )


def _local(at_s: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at_s, zone).isoformat()
