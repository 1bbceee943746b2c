"""What one scrape shows: taken in one moment, then turned into text without any haste. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evsed.operations.picture import Picture

#: Method, route, status.
Request = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One moment of the charger.

    Args:
        picture: everything readable.
        limits: every limit as ``LimitDesk.shown`` has them.
        alarms: names of those that are raised.
        requests: answers so far.
        queues: lengths by name.
        links: connections that are switched on, and whether they are there.
        mqtt_dropped: events given up.
    """

    picture: Picture
    limits: Mapping[str, Any] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    requests: Mapping[Request, int] = field(default_factory=dict)
    queues: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, bool] = field(default_factory=dict)
    mqtt_dropped: int = 0
