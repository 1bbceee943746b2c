"""Chooses what stands between the services and the operating system.

A simulated charger leaves the machine it runs on alone: network, clock and time servers are the
machine's, unless the administrator says otherwise.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evsed.host.bus import SystemBus
from evsed.host.clock import Clock, ShiftedClock, SystemClock
from evsed.host.network import Network, UnmanagedNetwork
from evsed.host.network_manager.access_point import AccessPoint, AccessPointKey
from evsed.host.network_manager.manager import NetworkManager
from evsed.host.network_manager.network import ManagedNetwork, Parts
from evsed.host.network_manager.station import Station
from evsed.host.time_date import NoTimekeeper, TimeDate, Timekeeper
from evsed.settings.administrator import Administrator

#: In the state directory.
ACCESS_POINT_KEY: Final = "access-point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The operating system, as far as this charger may use it."""

    network: Network
    clock: Clock
    timekeeper: Timekeeper
    #: whether it makes itself known in the network
    found: bool


def surroundings(administrator: Administrator, state_dir: Path, *, simulated: bool) -> Surroundings:
    """Return what fits the board and the administrator's wishes. Connects to nothing yet."""
    access = administrator.network
    bus = SystemBus()
    manager = NetworkManager(bus)
    of_the_system = _wished(administrator.clock_manage, yes="system", simulated=simulated)
    time_date = TimeDate(bus, manager.time_servers)
    network: Network = UnmanagedNetwork()
    if _wished(access.wifi, yes="networkmanager", simulated=simulated):
        key = AccessPointKey(state_dir / ACCESS_POINT_KEY, is_open=access.ap_open)
        parts = Parts(
            manager=manager,
            station=Station(manager),
            access_point=AccessPoint(manager, key),
            interface=access.ap_interface,
        )
        network = ManagedNetwork(parts)
    return Surroundings(
        network=network,
        clock=SystemClock(time_date) if of_the_system else ShiftedClock(),
        timekeeper=time_date if of_the_system else NoTimekeeper(),
        found=_wished(access.discovery, yes="always", simulated=simulated),
    )


def _wished(word: str, *, yes: str, simulated: bool) -> bool:
    """Tell whether a switch of the administrator is on; ``auto`` is for real boards."""
    return word == yes or (word == "auto" and not simulated)
