"""Looks at the wall clock when an hour begins, and whenever clock or schedules change."""

import asyncio
import logging
from datetime import datetime
from typing import Final

from evsed.errors import EvsedError
from evsed.operations.operations import Operations
from evsed.services.scheduler.edges import Memory, due, forgotten
from evsed.settings.time_zone import zone

#: The charger comes up first.
_FIRST_LOOK_S: Final = 1.0
#: At the latest: a clock that jumps rings no bell.
_LOOK_EVERY_S: Final = 60.0
_HOUR_S: Final = 3600
_SOURCE: Final = "schedule"

_log = logging.getLogger(__name__)


class SchedulerService:
    """Writes what the schedules say, on their edges.

    Args:
        operations: settings and clock to read, the desk to write at.
        first_look_s: pause after the start.
    """

    name = "scheduler"

    def __init__(self, operations: Operations, first_look_s: float = _FIRST_LOOK_S) -> None:
        self._operations = operations
        self._first_look_s = first_look_s
        self._memory: Memory = ()
        self._look_now = asyncio.Event()
        self._waiting_said = False
        operations.clock_listeners.append(self._look_now.set)
        operations.listen_accepted(self._accepted)

    async def serve(self) -> None:
        """Look until cancelled."""
        self._memory = ()
        await asyncio.sleep(self._first_look_s)
        while True:
            self._look_now.clear()
            await self._look()
            await self._rest()

    async def _look(self) -> None:
        operations = self._operations
        if not self._clock_is_plausible():
            return
        settings = operations.store.settings
        schedules = settings.scheduler.schedules
        memory = self._memory
        if len(memory) != len(schedules):
            memory = forgotten(schedules)
        now = datetime.fromtimestamp(operations.clock.now_s(), zone(settings.scheduler.timezone))
        changes, self._memory = due(schedules, memory, now, settings.evse)
        for change in changes:
            _log.info("schedule: %s: %s", *change)
            try:
                await operations.write((change,), source=_SOURCE)
            except (EvsedError, TimeoutError) as error:
                _log.error("schedule: %s was refused: %s", change[0], error)

    def _clock_is_plausible(self) -> bool:
        """Say once when the clock is not set yet: edges by a wrong time would be wrong."""
        if self._operations.clock.plausible():
            self._waiting_said = False
            return True
        if not self._waiting_said and self._operations.store.settings.scheduler.schedules:
            self._waiting_said = True
            _log.warning("schedule: waiting until the clock is set")
        return False

    async def _rest(self) -> None:
        """Sleep until the next full hour, a minute at most, or until something changes.

        Zones are full quarters of an hour apart, and so are their hours.
        """
        past_s = self._operations.clock.now_s() % (_HOUR_S / 4)
        pause_s = min(_HOUR_S / 4 - past_s + 0.05, _LOOK_EVERY_S)
        try:
            async with asyncio.timeout(pause_s):
                await self._look_now.wait()
        except TimeoutError:
            pass

    def _accepted(self, section: str, patch: object) -> None:
        """Look again; schedules that were posted act at once, whatever they did before."""
        if section == "scheduler":
            if isinstance(patch, dict) and "schedules" in patch:
                self._memory = ()
            self._look_now.set()
