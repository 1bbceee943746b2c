"""Puts the settings about time servers into force and tells everybody when the clock jumps.

What the machine refuses is logged and not a client's fault: the values are kept, and asked for
again. Source: rest.md section 7.2, platform.md section 13.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from evsed.errors import EvsedError, HardwareError
from evsed.host.time_date import ClockPlan, Timekeeper
from evsed.operations.operations import Operations
from evsed.settings.schedule import SchedulerSettings

#: Time servers are forgotten when their program starts again, and DHCP names others.
_AGAIN_S: Final = 30.0
#: What was refused will be refused for a while.
_LATER: Final = 20
_LOOK_S: Final = 1.0
#: More than this within a second is no correction of a clock that runs fast or slow.
_JUMP_S: Final = 0.5

_log = logging.getLogger(__name__)


class JumpWatch:
    """Compares the wall clock with one that never jumps. Pure.

    Args:
        wall_s: the one.
        steady_s: the other, at the same moment.
    """

    def __init__(self, wall_s: float, steady_s: float) -> None:
        self._apart_s = wall_s - steady_s

    def look(self, wall_s: float, steady_s: float) -> float:
        """Return by how many seconds the wall clock has jumped since the last look, or 0."""
        apart_s = wall_s - steady_s
        jump_s, self._apart_s = apart_s - self._apart_s, apart_s
        return jump_s if abs(jump_s) > _JUMP_S else 0.0


class ClockService:
    """Keeps the machine to the settings.

    Args:
        operations: settings and clock.
        timekeeper: who does it.
        steady: seconds of a clock that never jumps.
        again_s: pause between two looks at whether all is as it should be.
        look_s: pause between two looks at the clock.
    """

    name = "clock"

    def __init__(
        self,
        operations: Operations,
        timekeeper: Timekeeper,
        *,
        steady: Callable[[], float] = time.monotonic,
        again_s: float = _AGAIN_S,
        look_s: float = _LOOK_S,
    ) -> None:
        self._operations, self._timekeeper = operations, timekeeper
        self._steady, self._again_s, self._look_s = steady, again_s, look_s
        self._changed = asyncio.Event()
        self._said = ""

    async def changed(self, before: SchedulerSettings, after: SchedulerSettings) -> None:
        """Note new settings."""
        if _plan(before) != _plan(after):
            self._changed.set()

    async def serve(self) -> None:
        """Keep the clock until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep())
            tasks.create_task(self._watch())

    async def _keep(self) -> None:
        await self._adopt()
        while True:
            self._changed.clear()
            pause_s = self._again_s
            try:
                await self._timekeeper.keep(_plan(self._operations.store.settings.scheduler))
                self._said = ""
            except HardwareError as error:
                pause_s *= _LATER
                self._say(str(error))
            try:
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()
            except TimeoutError:
                pass

    async def _adopt(self) -> None:
        """A charger that was never configured does what its machine does already."""
        if not self._operations.store.fresh:
            return
        try:
            found = await self._timekeeper.found()
            server = {"ntpServer": found.server} if found.server else {}
            patch = {"ntpEnabled": found.ntp, **server}
            await self._operations.change("scheduler", patch, source="system")
        except EvsedError as error:
            _log.info("clock: the defaults are in force: %s", error)

    def _say(self, why: str) -> None:
        """Say once what does not work."""
        if why != self._said:
            _log.warning("clock: %s; the settings are kept and tried again", why)
        self._said = why

    async def _watch(self) -> None:
        clock = self._operations.clock
        watch = JumpWatch(clock.now_s(), self._steady())
        while True:
            await asyncio.sleep(self._look_s)
            jump_s = watch.look(clock.now_s(), self._steady())
            if jump_s:
                _log.warning("clock: jumped by %+.1f s", jump_s)
                self._operations.tell_clock()


def _plan(settings: SchedulerSettings) -> ClockPlan:
    return ClockPlan(
        ntp=settings.ntp_enabled, server=settings.ntp_server, from_dhcp=settings.ntp_from_dhcp
    )
