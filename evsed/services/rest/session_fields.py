"""The tables behind /sessions: what a sample and a month are called on the wire. Pure.

One row per key serves JSON, CSV and the description alike. Energies are in Ws in JSON, as
everywhere in REST, and in kWh in CSV, which people read.
"""

from datetime import datetime, tzinfo
from typing import Final

from evsed.operations.session_fields import Column
from evsed.operations.session_log import MonthRow, SampleRow, SessionRow
from evsed.operations.values import Kind
from evsed.units import amperes, cost, kwh, wh

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
