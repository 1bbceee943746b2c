"""What a charging session is called on the wire, on every interface. Pure. Energies in Ws."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from evsed.charging.states import Fault, Reason, fault_names
from evsed.operations.session_log import EndReason, SessionRow
from evsed.operations.values import Kind
from evsed.units import cost

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


def shown(one: T, columns: tuple[Column[T], ...]) -> dict[str, Any]:
    """Return an object as it is sent."""
    return {column.name: column.read(one) for column in columns}
