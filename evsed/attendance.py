"""Keeps the service manager informed: ready, alive, why out of order, going down.

It hears that the daemon is alive only after control passes have succeeded; in maintenance there are
none, and the event loop's own turning is all there is to tell.

Source: platform.md section 6.1; charging.md section 18.9.
"""

import asyncio
import contextlib
import logging
from typing import Final

from evsed.host.service_manager import ServiceManager
from evsed.station.station import Station

#: how long a port that cannot be bound may hold up the news that the charger runs, s
_LISTENING_WITHIN_S: Final = 5.0
_LOOK_S: Final = 0.05
#: so many signs of life in the time the manager waits for one
_SIGNS: Final = 10
_NO_WATCHDOG_S: Final = 1.0

_log = logging.getLogger(__name__)


async def attend(manager: ServiceManager, station: Station, listening: asyncio.Event) -> None:
    """Say that the daemon is ready once it is, then go on saying that it is alive.

    Args:
        manager: who is told.
        station: whose passes count.
        listening: set while the web interface takes connections.
    """
    while station.maintenance is None and not station.snapshot.lateness.passes:  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_S)  # the control thread sets no events
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(listening.wait(), _LISTENING_WITHIN_S)
    manager.tell("READY=1", f"STATUS={_status(station)}", "WATCHDOG=1")
    pause_s = (manager.patience_s or _NO_WATCHDOG_S) / _SIGNS
    passes, known = station.snapshot.lateness.passes, (0, True)
    while True:
        await asyncio.sleep(pause_s)
        before, passes = passes, station.snapshot.lateness.passes
        if station.maintenance is not None or passes != before:
            manager.tell("WATCHDOG=1")
        known = _note_watchers(station, *known)


def _note_watchers(station: Station, lapses_before: int, armed_before: bool) -> tuple[int, bool]:
    """Log it when nobody watches this process any more, and when somebody does again.

    A guard may be back before the next look: its going is told by the count.
    """
    lapses = station.lapses  # first: what happens after it is for the next look
    armed = station.watched
    if lapses != lapses_before:
        _log.error("guard: it does not answer; nothing is charged without it")
    if armed and (lapses != lapses_before or not armed_before):
        _log.warning("guard: it answers again")
    return lapses, armed


def _status(station: Station) -> str:
    if station.maintenance is None:
        return "running"
    return "maintenance: " + station.maintenance.partition("\n")[0]
