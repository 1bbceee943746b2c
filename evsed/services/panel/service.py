"""Does what the button asks for, and shows the network on its LED."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from evsed.errors import StorageError
from evsed.operations.operations import Operations
from evsed.services.panel.lamps import network_blink
from evsed.services.panel.presses import STUCK_MS, Press, Presses
from evsed.station.loop import monotonic_ms
from evsed.station.panel import Lamps

#: Lengths of presses come from the control thread; this is how long an answer may take.
_LOOK_S: Final = 0.1
_SOURCE: Final = "button"

_log = logging.getLogger(__name__)


class AccessPoint(Protocol):
    """Who has an access point to start."""

    def switch_access_point(self, *, on: bool) -> None:
        """Start or stop it in about a second; one that nobody uses stops by itself."""


class PanelService:
    """Follows the button and the network.

    Args:
        operations: the station, and what may be asked for.
        access_point: what a short press starts.
        clock_ms: the control thread's clock.
    """

    name = "panel"

    def __init__(
        self,
        operations: Operations,
        access_point: AccessPoint,
        clock_ms: Callable[[], int] = monotonic_ms,
    ) -> None:
        self._operations, self._access_point, self._clock_ms = operations, access_point, clock_ms
        self._presses = Presses()
        self._warned = False

    async def serve(self) -> None:
        """Look ten times a second, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Obey presses that have ended; show what there is to show."""
        for press in self._presses.follow(self._operations.station.button_edges()):
            await self._obey(press)
        warned, self._warned = self._warned, self._presses.erases(self._clock_ms())
        if self._warned and not warned:
            _log.warning("button: letting go now erases all settings")
        elif warned and not self._warned and self._presses.held:
            _log.warning("button: held for %d s, it is stuck: ignored", STUCK_MS // 1000)
        wanted = self._operations.store.settings.wifi.enabled
        network = network_blink(self._operations.network.state, wanted=wanted)
        self._operations.station.light(Lamps(network=network, warning=self._warned))

    async def _obey(self, press: Press) -> None:
        match press:
            case Press.ACCESS_POINT:
                _log.info("button: access point")
                self._access_point.switch_access_point(on=True)
            case Press.FACTORY_RESET:
                try:
                    await self._operations.factory_reset(sessions=False, source=_SOURCE)
                except StorageError as error:
                    _log.error("button: %s", error)
            case _:
                _log.info("button: too short or too long a press, ignored")
