"""Puts Wi-Fi settings into force a second after the answer, which travels by what is changing.

Settings that do not work are replaced by those before them, once the station is back there: what
GET shows is what is in force. Source: rest.md sections 5.3 and 8, docs/decisions/0020.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, Protocol, TypeVar

from evsed.errors import EvsedError, HardwareError
from evsed.host.network import FoundNetwork, Network, NotJoinedError, StationPlan
from evsed.settings.network import WifiSettings

_PAUSE_S: Final = 1.0
_SCAN_S: Final = 15.0
_AGAIN_S: Final = 60.0

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Choice(Protocol):
    """The Wi-Fi settings in force, and the way back to earlier ones."""

    @property
    def settings(self) -> WifiSettings:
        """What the user chose last."""

    async def put_back(self, settings: WifiSettings) -> None:
        """Replace them by earlier ones.

        Raises:
            EvsedError: they could not be saved.
        """


class WifiService:
    """Does what settings and clients ask of the radio, the newest wish only.

    Args:
        network: what manages the radio.
        choice: the settings; None in tests without.
        pause_s: between a wish and its fulfillment.
        again_s: between two attempts to see at the start that all is as the settings say.
    """

    name = "wifi"

    def __init__(
        self,
        network: Network,
        choice: Choice | None = None,
        *,
        pause_s: float = _PAUSE_S,
        again_s: float = _AGAIN_S,
    ) -> None:
        self._network, self._choice = network, choice
        self._again_s = again_s
        self._station: _Later[StationPlan] = _Later(pause_s)
        self._access_point: _Later[bool] = _Later(pause_s)
        self._scan: asyncio.Task[tuple[FoundNetwork, ...]] | None = None
        self._resuming: asyncio.Task[None] | None = None
        #: The settings before the first of several attempts that have not worked yet.
        self._good: WifiSettings | None = None
        #: What is being put back: the station is there already.
        self._returning: WifiSettings | None = None

    async def serve(self) -> None:
        """Fulfill wishes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._network.serve())
            tasks.create_task(self._station.serve(self._apply))
            tasks.create_task(self._access_point.serve(self._network.set_access_point))
            self._resuming = tasks.create_task(self._resume())

    async def changed(self, before: WifiSettings, after: WifiSettings) -> None:
        """Note new settings of the station."""
        if after == self._returning:
            return
        if self._good is None:
            self._good = before
        if self._resuming is not None:
            self._resuming.cancel()
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

    async def _resume(self) -> None:
        """See that the station is what the settings say: the system keeps its own memory of it."""
        said = False
        while self._choice is not None and self._choice.settings.enabled:
            try:
                await self._network.resume_station(station_plan(self._choice.settings))
            except NotJoinedError as error:
                _log.warning("%s", error)
            except HardwareError as error:
                if not said:
                    _log.warning("%s", error)
                said = True
                await asyncio.sleep(self._again_s)
                continue
            return

    async def _apply(self, plan: StationPlan) -> None:
        """Do a plan; one that does not work takes its settings with it."""
        try:
            await self._network.apply_station(plan)
        except NotJoinedError as error:
            _log.warning("%s", error)
            good, self._good = self._good, None
            if error.returned and good is not None:
                await self._put_back(plan, good)
        except HardwareError as error:
            self._good = None
            _log.warning("%s", error)
        else:
            self._good = None

    async def _put_back(self, failed: StationPlan, good: WifiSettings) -> None:
        choice = self._choice
        if choice is None or station_plan(choice.settings) != failed:
            return  # the user has chosen again meanwhile
        self._returning = good
        try:
            await choice.put_back(good)
        except EvsedError as error:
            _log.error("Wi-Fi: the settings before could not be put back: %s", error)
        else:
            _log.warning("Wi-Fi: the settings are those before again")
        finally:
            self._returning = None

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

    async def serve(self, fulfill: Callable[[T], Coroutine[Any, Any, None]]) -> None:
        """Fulfill wishes until cancelled; what fails is logged. A new one ends the one at work."""
        while True:
            await self._wished.wait()
            while self._wished.is_set():
                self._wished.clear()
                await self._pause()
            await self._fulfill(fulfill, self._wishes.pop())

    async def _fulfill(self, fulfill: Callable[[T], Coroutine[Any, Any, None]], wish: T) -> None:
        work = asyncio.ensure_future(fulfill(wish))
        newer = asyncio.ensure_future(self._wished.wait())
        try:
            await asyncio.wait({work, newer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            newer.cancel()
            work.cancel()
            (ending,) = await asyncio.gather(work, return_exceptions=True)
        if isinstance(ending, HardwareError):
            _log.warning("%s", ending)
        elif isinstance(ending, Exception):
            raise ending

    async def _pause(self) -> None:
        """Wait for the next wish, but not longer than the pause."""
        try:
            async with asyncio.timeout(self._pause_s):
                await self._wished.wait()
        except TimeoutError:
            pass
