"""What /state has no room for: why the station is or is not charging, and what it drives. Pure.

An extension of REST (GET /state must have exactly the API's 17 keys), and topics of MQTT.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from evsed.charging.snapshot import Lateness, Snapshot
from evsed.charging.states import MeterSource, PilotMode, Reason
from evsed.operations.values import Kind
from evsed.units import amperes, degrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One key of a value that is an object."""

    name: str
    about: str
    kind: Kind = Kind.INTEGER
    unit: str = ""
    low: int | None = None


@dataclass(frozen=True, slots=True)
class DetailField:
    """One key of GET /reason and of the ``detail`` event, and one topic."""

    name: str
    kind: Kind
    unit: str
    about: str
    read: Callable[[Snapshot], Any]
    words: tuple[str, ...] = ()
    nullable: bool = False
    #: of an object
    parts: tuple["Part", ...] = ()


def _counters(now: Snapshot) -> dict[str, int]:
    counters = now.counters
    return {
        "closings": counters.closings,
        "openings": counters.openings,
        "loadedOpenings": counters.loaded_openings,
    }


def _lateness(now: Snapshot) -> dict[str, Any]:
    late: Lateness = now.lateness
    return {
        "passes": late.passes,
        "last": late.last_us,
        "worst": late.worst_us,
        "over5ms": late.over_5_ms,
        "over20ms": late.over_20_ms,
        "longestPass": late.longest_pass_us,
        "realTime": late.real_time,
    }


DETAIL_FIELDS: Final = (
    DetailField(
        "reason",
        Kind.STRING,
        "",
        "why it is, or is not, charging",
        lambda now: now.reason.value,
        words=tuple(Reason),
    ),
    DetailField(
        "limitedBy",
        Kind.STRING,
        "",
        "who is to be asked first for more current, see /limits; null: no station",
        lambda now: now.limited_by,
        nullable=True,
    ),
    DetailField("session", Kind.BOOLEAN, "", "a session is running", lambda now: now.session),
    DetailField(
        "pilot",
        Kind.STRING,
        "",
        "control pilot: high, low or pwm",
        lambda now: now.pilot.value,
        words=tuple(PilotMode),
    ),
    DetailField(
        "offeredCurrent",
        Kind.NUMBER,
        "A",
        "what the duty tells the vehicle; 0 for nothing",
        lambda now: amperes(now.offered_da),
    ),
    DetailField(
        "dutyPpm", Kind.INTEGER, "ppm", "share of +12 V in a pilot period", lambda now: now.duty_ppm
    ),
    DetailField(
        "contactorClosed",
        Kind.BOOLEAN,
        "",
        "the contactor is commanded closed",
        lambda now: now.contactor_closed,
    ),
    DetailField(
        "contactorFeedback",
        Kind.BOOLEAN,
        "",
        "its auxiliary contact; null: not fitted",
        lambda now: now.contactor_feedback,
        nullable=True,
    ),
    DetailField(
        "locked",
        Kind.BOOLEAN,
        "",
        "socket lock commanded; null: no lock in use",
        lambda now: now.locked,
        nullable=True,
    ),
    DetailField(
        "cableRating",
        Kind.INTEGER,
        "A",
        "rating of the cable; null: unknown or tethered",
        lambda now: now.cable_rating_a,
        nullable=True,
    ),
    DetailField(
        "temperatureSensors",
        Kind.INTEGER,
        "",
        "number of sensors that were found",
        lambda now: now.temperature_sensors,
    ),
    DetailField(
        "temperatureLow",
        Kind.NUMBER,
        "°C",
        "coldest sensor",
        lambda now: degrees(now.temperature_low_cdeg),
    ),
    DetailField(
        "temperatureHigh",
        Kind.NUMBER,
        "°C",
        "warmest sensor",
        lambda now: degrees(now.temperature_high_cdeg),
    ),
    DetailField(
        "meterSource",
        Kind.STRING,
        "",
        "where volts, amperes and watts come from",
        lambda now: now.meter_source.value,
        words=tuple(MeterSource),
    ),
    DetailField(
        "contactor",
        Kind.OBJECT,
        "",
        "wear of the contactor over its life",
        _counters,
        parts=(
            Part(name="closings", about="times it was closed", low=0),
            Part(name="openings", about="times it was opened", low=0),
            Part(name="loadedOpenings", about="openings under load", low=0),
        ),
    ),
    DetailField(
        "lateness",
        Kind.OBJECT,
        "",
        "how late the control passes began",
        _lateness,
        parts=(
            Part(name="passes", about="passes so far", low=0),
            Part(name="last", about="of the last pass", unit="µs"),
            Part(name="worst", about="of the worst pass", unit="µs"),
            Part(name="over5ms", about="passes that began more than 5 ms late", low=0),
            Part(name="over20ms", about="passes that began more than 20 ms late", low=0),
            Part(name="longestPass", about="what the longest pass took", unit="µs", low=0),
            Part(
                name="realTime",
                kind=Kind.BOOLEAN,
                about="the control thread has its real-time priority",
            ),
        ),
    ),
)
