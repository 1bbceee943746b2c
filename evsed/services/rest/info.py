"""What GET /info sends. Source: rest.md section 11."""

from typing import Any, Final

from evsed.operations.picture import Picture
from evsed.services.rest.schema import number, record, text, whole
from evsed.units import degrees

_HEAP: Final = record(
    {
        "allocated": whole("resident memory of the daemon", unit="bytes", low=0),
        "free": whole("memory available to it", unit="bytes", low=0),
        "largestFreeBlock": whole("memory nobody uses", unit="bytes", low=0),
        "minFree": whole("least that was free since the start", unit="bytes", low=0),
    }
)
INFO: Final = record(
    {
        "uptime": whole("since the daemon started", unit="s", low=0),
        "appVersion": text("version, with a leading v"),
        "appDate": text("day of the build, such as Feb 21 2025"),
        "appTime": text("time of the build, UTC"),
        "idfVersion": text("the platform below the application", longest=96),
        "chip": text("model of the computer"),
        "chipCores": whole("processor cores", low=1),
        "chipRevision": whole("revision of the computer; 0 when unknown", low=0),
        "heap": _HEAP,
        "temperatureSensorCount": whole("temperature sensors found", low=0),
        "temperatureLow": number("coldest sensor; 0 without one", unit="°C"),
        "temperatureHigh": number("warmest sensor; 0 without one", unit="°C"),
    }
)


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
        "temperatureLow": degrees(now.temperature_low_cdeg),
        "temperatureHigh": degrees(now.temperature_high_cdeg),
    }
