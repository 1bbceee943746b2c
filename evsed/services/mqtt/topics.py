"""The table of what is published: one topic for each value, the broker keeps the last one. Pure.

Names, types and units are those of REST: the rows of /state and of /reason, and a few settings.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evsed.operations.detail_fields import DETAIL_FIELDS, DetailField
from evsed.operations.picture import Picture
from evsed.operations.state_fields import STATE_FIELDS, StateField
from evsed.station.alarms import Alarm

#: Measured or counted: they change all the time.
_RESTLESS: Final = frozenset(
    {
        *("sessionTime", "chargingTime", "consumption", "totalConsumption"),
        *("power", "voltage", "current", "temperatureLow", "temperatureHigh", "contactor"),
    }
)
#: For whoever looks into the charger itself.
_NOT_SENT: Final = frozenset({"lateness", "dutyPpm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One value: its name behind the base topic, and how it is read.

    Args:
        restless: sent once in so many seconds and not with every change.
    """

    name: str
    about: str
    read: Callable[[Picture, Sequence[Alarm]], Any]
    unit: str = ""
    restless: bool = False


def _of_snapshot(row: StateField | DetailField) -> Topic:
    return Topic(
        name=row.name,
        about=row.about,
        unit=row.unit,
        read=lambda picture, _alarms: row.read(picture.snapshot),
        restless=row.name in _RESTLESS,
    )


TOPICS: Final[tuple[Topic, ...]] = (
    *(_of_snapshot(row) for row in STATE_FIELDS),
    *(_of_snapshot(row) for row in DETAIL_FIELDS if row.name not in _NOT_SENT),
    Topic(
        name="requireAuth",
        about="charge only when authorized",
        read=lambda picture, _alarms: picture.settings.evse.require_auth,
    ),
    Topic(
        name="maxChargingCurrent",
        about="the most chargingCurrent can be set to",
        unit="A",
        read=lambda picture, _alarms: picture.settings.evse.max_charging_current_a,
    ),
    Topic(
        name="alarms",
        about="what an owner should know although charging goes on",
        read=lambda _picture, alarms: [{"name": one.name, "text": one.text} for one in alarms],
    ),
    Topic(
        name="info",
        about="this charger",
        read=lambda picture, _alarms: {
            "name": picture.settings.discovery.instance_name,
            "host": picture.settings.discovery.hostname,
            "version": picture.facts.version,
        },
    ),
)

#: Beside the values, behind the base topic.
AVAILABILITY: Final = "availability"
HERE: Final = "online"
GONE: Final = "offline"
SESSION_EVENT: Final = "event/session"
ALARM_EVENT: Final = "event/alarm"
ERROR: Final = "error"
COMMANDS: Final = "set/"


def payload(value: Any) -> bytes:
    """Return a value as it is published: JSON, texts without quotation marks."""
    if isinstance(value, str):
        return value.encode(errors="replace")
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
