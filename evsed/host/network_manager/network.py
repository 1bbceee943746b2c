"""The network as NetworkManager manages it, behind the Protocol the services know."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from evsed.errors import HardwareError
from evsed.host.bus import BusAbsentError, BusError
from evsed.host.network import (
    NO_ADDRESS,
    NO_MAC,
    FoundNetwork,
    NetworkState,
    StationPlan,
    UnmanagedNetwork,
    access_point_name,
)
from evsed.host.network_manager.access_point import AccessPoint
from evsed.host.network_manager.manager import Link, NetworkManager, Radio, Seen
from evsed.host.network_manager.profiles import ACCESS_POINT_ID
from evsed.host.network_manager.station import Station
from evsed.host.radio import signal_dbm, station_count

_SCAN_S: Final = 12.0
_LOOK_S: Final = 0.5
_PRIVACY: Final = 1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Seconds: between two looks, without a client until our network ends, for a late manager."""

    look_s: float = 2.0
    idle_s: float = 60.0
    late_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What does the work.

    ``interface`` names a second radio for our own network; empty: the only one does both.
    """

    manager: NetworkManager
    station: Station
    access_point: AccessPoint
    interface: str = ""
    count: Callable[[str], Awaitable[int | None]] = station_count
    signal: Callable[[str], int | None] = signal_dbm


class ManagedNetwork:
    """Wi-Fi through NetworkManager; without it, the facts the kernel tells and nothing more.

    Args:
        parts: what does the work.
        unmanaged: what is shown while NetworkManager is not there.
        watch: how often to look.
    """

    def __init__(
        self, parts: Parts, unmanaged: UnmanagedNetwork | None = None, watch: Watch | None = None
    ) -> None:
        self._parts = parts
        self._manager = parts.manager
        self._unmanaged = unmanaged or UnmanagedNetwork()
        self._watch = watch or Watch()
        self._state: NetworkState | None = None
        #: One change at a time: station and access point share a radio.
        self._changing = asyncio.Lock()
        self._idle_since_s: float | None = None
        self._absence_said = False

    @property
    def state(self) -> NetworkState:
        """The newest picture; never blocks."""
        if self._state is None:
            return self._unmanaged.state
        return replace(self._state, main_ip=self._unmanaged.state.main_ip)

    async def serve(self) -> None:
        """Keep the picture, and end our own network when nobody uses it, until cancelled."""
        try:
            await self._parts.access_point.prepare()
        except HardwareError as error:
            _log.warning("%s", error)
        while True:
            await asyncio.to_thread(self._unmanaged.refresh)
            await self._look()
            await asyncio.sleep(self._watch.look_s)

    async def scan(self) -> tuple[FoundNetwork, ...]:
        """Return the networks in reach; takes seconds.

        Raises:
            HardwareError: no radio, no NetworkManager, or it refused.
        """
        radio = await self._home_radio()
        before = await self._manager.scan(radio)
        give_up_s = asyncio.get_running_loop().time() + _SCAN_S
        while await self._manager.last_scan(radio) == before >= 0:
            if asyncio.get_running_loop().time() > give_up_s:
                _log.info("Wi-Fi: no fresh scan within %g s, this is the one before", _SCAN_S)
                break
            await asyncio.sleep(_LOOK_S)
        return _strongest(await self._manager.seen(radio))

    async def resume_station(self, wanted: StationPlan) -> None:
        """See at the start that the station is what the settings say.

        Raises:
            HardwareError: as ``apply_station``.
        """
        async with self._changing:
            await self._parts.station.resume(wanted, await self._home_radio())

    async def apply_station(self, wanted: StationPlan) -> None:
        """Join or leave a network.

        Raises:
            NotJoinedError: it was not joined.
            HardwareError: no radio, no NetworkManager, or it refused.
        """
        async with self._changing:
            if wanted.enabled:
                await self._parts.station.join(wanted, await self._home_radio())
            else:
                await self._parts.station.leave()

    async def set_access_point(self, on: bool) -> None:
        """Start or stop the access point.

        Raises:
            HardwareError: no radio, no NetworkManager, or it refused.
        """
        async with self._changing:
            radio = await self._manager.radio(self._parts.interface)
            if on:
                await self._parts.access_point.start(radio, access_point_name(radio.mac))
            elif (await self._manager.link(radio)).id == ACCESS_POINT_ID:
                await self._parts.access_point.stop(radio)
        self._idle_since_s = None

    async def forget(self) -> None:
        """Delete both our connections; those of the user stay. Waits for a late NetworkManager.

        Raises:
            HardwareError: NetworkManager refused.
        """
        give_up_s = asyncio.get_running_loop().time() + self._watch.late_s
        while True:
            try:
                async with self._changing:
                    await self._parts.station.leave()
                    await self._parts.access_point.forget()
            except BusAbsentError as error:
                if asyncio.get_running_loop().time() > give_up_s:
                    _log.info("Wi-Fi: nobody has connections of ours to forget: %s", error)
                    return
            else:
                return
            await asyncio.sleep(self._watch.look_s)

    async def _look(self) -> None:
        try:
            radio = await self._home_radio()
            own = await self._own_radio(radio)
            await self._picture(radio, own)
        except BusAbsentError as error:
            self._unseen(f"Wi-Fi: NetworkManager is not there: {error}")
        except HardwareError as error:
            self._unseen(str(error))
        else:
            if self._absence_said:
                _log.info("Wi-Fi: NetworkManager manages %s", radio.interface)
            self._absence_said = False

    def _unseen(self, why: str) -> None:
        self._state = None
        if not self._absence_said:
            self._absence_said = True
            _log.info("%s; Wi-Fi is shown as the kernel has it and not managed", why)

    async def _home_radio(self) -> Radio:
        """Return the radio that joins networks."""
        return await self._manager.radio(but=self._parts.interface)

    async def _own_radio(self, radio: Radio) -> Radio:
        """Return the radio of our own network."""
        interface = self._parts.interface
        return await self._manager.radio(interface) if interface else radio

    async def _picture(self, radio: Radio, own: Radio) -> None:
        link = await self._manager.link(radio)
        other = link if own == radio else await self._manager.link(own)
        running = other.up and other.id == ACCESS_POINT_ID
        clients = await self._parts.count(own.interface) if running else None
        home = link if link.up and link.id != ACCESS_POINT_ID else Link()
        ip = await self._manager.address(home)
        mac = own.mac or NO_MAC
        self._state = NetworkState(
            ip=ip or NO_ADDRESS,
            mac=radio.mac or NO_MAC,
            rssi=await self._signal(radio) if home.up else 0,
            connected=bool(ip),
            ap_ip=(await self._manager.address(other) or NO_ADDRESS) if running else NO_ADDRESS,
            ap_mac=mac,
            ap_enabled=running,
            ap_ssid=access_point_name(mac),
            ap_clients=clients or 0,
        )
        await self._end_when_idle(running=running, clients=clients)

    async def _signal(self, radio: Radio) -> int:
        """Return dBm; as NetworkManager scales the own link's strength where nothing else tells."""
        # A driver whose radio hangs answers late.
        known = await asyncio.to_thread(self._parts.signal, radio.interface)
        if known is not None:
            return known
        try:
            strength = await self._manager.strength(radio)
        except BusError:
            return 0
        return strength - 120 if strength else 0

    async def _end_when_idle(self, *, running: bool, clients: int | None) -> None:
        """End our own network when it had no client for a minute; who cannot count lets it be."""
        now_s = asyncio.get_running_loop().time()
        if not running or clients:
            self._idle_since_s = None
        elif clients == 0:
            since_s = self._idle_since_s
            self._idle_since_s = now_s if since_s is None else since_s
            if now_s - self._idle_since_s >= self._watch.idle_s:
                _log.info("access point: no client for %g s", self._watch.idle_s)
                await self.set_access_point(on=False)


def _strongest(seen: tuple[Seen, ...]) -> tuple[FoundNetwork, ...]:
    """Return one entry per name, the strongest of its access points, strongest first."""
    best: dict[str, Seen] = {}
    for one in seen:
        known = best.get(one.ssid)
        if known is None or one.strength > known.strength:
            best[one.ssid] = one
    found = (
        FoundNetwork(
            ssid=one.ssid,
            rssi=_dbm(one.strength),
            secured=bool(one.flags & _PRIVACY or one.wpa or one.rsn),
        )
        for one in best.values()
    )
    return tuple(sorted(found, key=lambda one: -one.rssi))


def _dbm(strength: int) -> int:
    """Return what NetworkManager made a strength of 0 … 100 of. Source: platform.md 12.1."""
    return round(-40 - 0.6 * (100 - strength))
