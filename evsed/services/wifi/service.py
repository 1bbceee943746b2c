"""Puts Wi-Fi settings into force a second after the answer, which travels by what is changing.

Source: rest.md sections 5.3 and 8.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from evsed.errors import HardwareError
from evsed.host.network import FoundNetwork, Network, StationPlan
from evsed.settings.network import WifiSettings

_PAUSE_S: Final = 1.0
_SCAN_S: Final = 15.0

T = TypeVar("T")

_log = logging.getLogger(__name__)


class WifiService:
    """Does what settings and clients ask of the radio, the newest wish only.

    Args:
        network: what manages the radio.
        pause_s: between a wish and its fulfillment.
    """

    name = "wifi"

    def __init__(self, network: Network, pause_s: float = _PAUSE_S) -> None:
        self._network = network
        self._station: _Later[StationPlan] = _Later(pause_s)
        self._access_point: _Later[bool] = _Later(pause_s)
        self._scan: asyncio.Task[tuple[FoundNetwork, ...]] | None = None

    async def serve(self) -> None:
        """Fulfill wishes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._station.serve(self._network.apply_station))
            tasks.create_task(self._access_point.serve(self._network.set_access_point))

    async def changed(self, before: WifiSettings, after: WifiSettings) -> None:
        """Note new settings of the station; the old ones are gone already."""
        del before
        self._station.wish(station_plan(after))

    def switch_access_point(self, *, on: bool) -> None:
        """Start or stop the access point in a second."""
        self._access_point.wish(on)

    async def scan(self) -> tuple[FoundNetwork, ...]:
        """Return the named networks in reach, strongest first.

        Who asks while a scan is running waits for that one. No radio or no permission: nothing.
        """
        if self._scan is None or self._scan.done():
            self._scan = asyncio.create_task(self._look_around())
        return await asyncio.shield(self._scan)

    async def _look_around(self) -> tuple[FoundNetwork, ...]:
        try:
            async with asyncio.timeout(_SCAN_S):
                found = await self._network.scan()
        except HardwareError as error:
            _log.warning("Wi-Fi: no scan: %s", error)
            return ()
        except TimeoutError:
            _log.warning("Wi-Fi: no scan: no result within %g s", _SCAN_S)
            return ()
        named = (one for one in found if one.ssid)
        return tuple(sorted(named, key=lambda one: -one.rssi))


def station_plan(settings: WifiSettings) -> StationPlan:
    """Return what the radio has to do for some settings."""
    static = None
    if settings.static_enabled:
        gateway = settings.static_gateway
        name_server = settings.static_dns or gateway
        static = (settings.static_ip, gateway, settings.static_netmask, name_server)
    return StationPlan(
        enabled=settings.enabled, ssid=settings.ssid, password=settings.password, static=static
    )


class _Later(Generic[T]):
    """The newest wish of its kind; fulfilled when none has followed it for a while."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._wished = asyncio.Event()
        self._wishes: deque[T] = deque(maxlen=1)

    def wish(self, value: T) -> None:
        """Replace the wish that is waiting, if there is one; the pause begins again."""
        self._wishes.append(value)
        self._wished.set()

    async def serve(self, fulfill: Callable[[T], Awaitable[None]]) -> None:
        """Fulfill wishes until cancelled; what fails is logged."""
        while True:
            await self._wished.wait()
            while self._wished.is_set():
                self._wished.clear()
                await self._pause()
            try:
                await fulfill(self._wishes.pop())
            except HardwareError as error:
                _log.warning("%s", error)

    async def _pause(self) -> None:
        """Wait for the next wish, but not longer than the pause."""
        try:
            async with asyncio.timeout(self._pause_s):
                await self._wished.wait()
        except TimeoutError:
            pass
