"""What GET /info sends. Source: rest.md section 11."""

from typing import Any

from evsed.operations.picture import Picture
from evsed.operations.values import rounded
from evsed.units import degrees


def info_object(picture: Picture) -> dict[str, Any]:
    """Return version, computer and temperatures, in the API's order."""
    facts, now = picture.facts, picture.snapshot
    memory = facts.memory
    return {
        "uptime": facts.uptime_s,
        "appVersion": facts.version,
        "appDate": facts.built_date,
        "appTime": facts.built_time,
        "idfVersion": facts.platform,
        "chip": facts.chip,
        "chipCores": facts.cores,
        "chipRevision": facts.revision,
        "heap": {
            "allocated": memory.used,
            "free": memory.free,
            "largestFreeBlock": memory.largest_block,
            "minFree": memory.least_free,
        },
        "temperatureSensorCount": now.temperature_sensors,
        "temperatureLow": rounded(degrees(now.temperature_low_cdeg), 2),
        "temperatureHigh": rounded(degrees(now.temperature_high_cdeg), 2),
    }
