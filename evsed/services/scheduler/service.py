"""Looks at the wall clock every full minute, and whenever clock or schedules change."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from evsed.errors import EvsedError
from evsed.operations.limits import SCHEDULE
from evsed.operations.operations import Operations
from evsed.services.scheduler.edges import Edge, Memory, due, forgotten, next_edge, wanted_at
from evsed.settings.time_zone import zone

#: The charger comes up first.
_FIRST_LOOK_S: Final = 1.0
_MINUTE_S: Final = 60
#: So that rounding never makes it the minute before.
_JUST_AFTER_S: Final = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the schedules stand.

    Args:
        waiting: the clock is not set yet, so nothing is done.
        now: the wall clock in the owner's zone.
        active: of each schedule, whether it is on.
        edge: what happens next; None when nothing ever does.
    """

    waiting: bool
    now: datetime
    active: tuple[bool, ...]
    edge: Edge | None


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

    def now(self) -> datetime:
        """Return the wall clock in the owner's zone."""
        settings = self._operations.store.settings.scheduler
        return datetime.fromtimestamp(self._operations.clock.now_s(), zone(settings.timezone))

    async def standing(self) -> Standing:
        """Return what the schedules say now, and what happens next."""
        schedules = self._operations.store.settings.scheduler.schedules
        now = self.now()
        edge = await asyncio.to_thread(next_edge, schedules, now)
        return Standing(
            waiting=not self._operations.clock.plausible(),
            now=now,
            active=wanted_at(schedules, now),
            edge=edge,
        )

    async def _look(self) -> None:
        operations = self._operations
        if not self._clock_is_plausible():
            return
        settings = operations.store.settings
        schedules = settings.scheduler.schedules
        memory = self._memory
        if len(memory) != len(schedules):
            memory = forgotten(schedules)
        changes, self._memory = due(schedules, memory, self.now(), settings.evse)
        for change in changes:
            _log.info("schedule: %s: %s", *change)
            try:
                await operations.write((change,), source=SCHEDULE)
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
        """Sleep until the next full minute, or until something changes.

        Not longer, even if nothing is due for days: a clock that jumps rings no bell.
        """
        pause_s = _MINUTE_S - self._operations.clock.now_s() % _MINUTE_S + _JUST_AFTER_S
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
