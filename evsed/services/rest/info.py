"""What GET /info sends. Source: rest.md section 11."""

from typing import Any

import evsed
from evsed.charging.snapshot import Snapshot
from evsed.host.machine import Machine
from evsed.services.rest.values import rounded
from evsed.units import degrees


def info_object(machine: Machine, now: Snapshot) -> dict[str, Any]:
    """Return version, computer and temperatures, in the API's order."""
    memory = machine.memory()
    return {
        "uptime": machine.uptime_s(),
        "appVersion": f"v{evsed.__version__}",
        "appDate": machine.build_date(),
        "appTime": machine.build_time(),
        "idfVersion": machine.platform,
        "chip": machine.chip,
        "chipCores": machine.cores,
        "chipRevision": machine.revision,
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
