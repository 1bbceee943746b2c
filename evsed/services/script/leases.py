"""Currents that stay when scripts fall silent. Lives on the event loop. Source: lua.md 12.5.

A script that sets a high current as long as it knows better takes out a lease: when it is not
renewed in time, or its component fails, is started again or dies with the worker, the daemon itself
falls back to a current the script has named.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from evsed.errors import EvsedError

#: Pause before what could not be done is tried again.
_AGAIN_S: Final = 1.0

_log = logging.getLogger(__name__)


class Leases:
    """One lease for each component.

    Args:
        fall_back: sets a current (A); 0 stops charging. Raises ``EvsedError`` or ``TimeoutError``.
        say: takes a line for the user.
    """

    def __init__(
        self, fall_back: Callable[[float], Awaitable[None]], say: Callable[[str], None]
    ) -> None:
        self._fall_back, self._say = fall_back, say
        self._amps: dict[str | None, float] = {}
        self._alarms: dict[str | None, asyncio.TimerHandle] = {}
        self._falling: dict[str | None, asyncio.Task[None]] = {}

    def renew(self, component: str | None, seconds: float, amps: float) -> None:
        """Begin a lease, or renew it; 0 seconds end it with nothing done."""
        self._forget(component)
        falling = self._falling.pop(component, None)
        if falling is not None:
            falling.cancel()
        if seconds > 0:
            loop = asyncio.get_running_loop()
            self._amps[component] = amps
            self._alarms[component] = loop.call_later(seconds, self._run_out, component)

    async def end(self, component: str | None) -> None:
        """Fall back now, if there is a lease: its script is no longer there to renew it."""
        if component in self._amps:
            self._begin_to_fall(component, "ended")
        falling = self._falling.get(component)
        if falling is not None:
            await asyncio.wait({falling}, timeout=_AGAIN_S)

    def end_all(self) -> None:
        """Fall back for every lease."""
        for component in list(self._amps):
            self._begin_to_fall(component, "ended")

    def drop_all(self) -> None:
        """Forget all leases, with nothing done: the daemon ends, and charging with it."""
        for component in list(self._amps):
            self._forget(component)
        for falling in self._falling.values():
            falling.cancel()
        self._falling.clear()

    def _run_out(self, component: str | None) -> None:
        self._begin_to_fall(component, "has run out")

    def _begin_to_fall(self, component: str | None, why: str) -> None:
        amps = self._forget(component)
        who = "init.lua" if component is None else component
        what = f"{amps:g} A" if amps else "charging is paused"
        self._say(f"lease of {who} {why}: {what}")
        _log.warning("script: lease of %s %s: %s", who, why, what)
        task = asyncio.create_task(self._fall(amps))
        self._falling[component] = task
        task.add_done_callback(lambda done: self._fallen(component, done))

    async def _fall(self, amps: float) -> None:
        while True:
            try:
                await self._fall_back(amps)
            except (EvsedError, TimeoutError) as error:
                _log.error("script: a lease could not fall back, will try again: %s", error)
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    def _fallen(self, component: str | None, done: "asyncio.Task[None]") -> None:
        if self._falling.get(component) is done:
            del self._falling[component]

    def _forget(self, component: str | None) -> float:
        alarm = self._alarms.pop(component, None)
        if alarm is not None:
            alarm.cancel()
        return self._amps.pop(component, 0.0)
