"""The network as the operating system manages it. Source: rest.md sections 5.3 and 8."""

import asyncio
import fcntl
import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from evsed.errors import HardwareError
from evsed.host.radio import signal_dbm

NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104  # the API's word for "none", nothing listens on it
NO_MAC: Final = "00:00:00:00:00:00"

_LOOK_AGAIN_S: Final = 2.0
_SIOCGIFADDR: Final = 0x8915
#: Nobody is there (TEST-NET-1) and nothing is sent: it only asks which way packets would go.
_SOMEWHERE: Final = ("192.0.2.1", 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkState:
    """Addresses and signal of this moment.

    ``ip``, ``mac``, ``rssi`` (dBm, 0 when not associated) are the Wi-Fi station's, ``main_ip`` the
    address of the interface packets leave by, empty without one. MACs are upper case.
    """

    ip: str = NO_ADDRESS
    mac: str = NO_MAC
    rssi: int = 0
    connected: bool = False
    ap_ip: str = NO_ADDRESS
    ap_mac: str = NO_MAC
    ap_enabled: bool = False
    ap_ssid: str = ""
    ap_clients: int = 0
    main_ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundNetwork:
    """One network of a scan; ``secured`` is False for an open one."""

    ssid: str
    rssi: int
    secured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StationPlan:
    """What the Wi-Fi station is to do; no static addresses means DHCP."""

    enabled: bool
    ssid: str
    password: str = field(repr=False)
    static: tuple[str, str, str, str] | None
    """Address, gateway, netmask, name server."""


class NotJoinedError(HardwareError):
    """A network was not joined.

    Args:
        reason: one sentence, with what happened instead.
        returned: the station was put back to what it did before.
    """

    def __init__(self, reason: str, *, returned: bool) -> None:
        super().__init__(reason)
        self.returned = returned


class Network(Protocol):
    """What services may ask of the network."""

    @property
    def state(self) -> NetworkState:
        """The newest picture; never blocks."""

    async def serve(self) -> None:
        """Keep the picture, and end an access point nobody uses, until cancelled."""

    async def scan(self) -> tuple[FoundNetwork, ...]:
        """Return the networks in reach, strongest first; takes seconds."""

    async def resume_station(self, wanted: StationPlan) -> None:
        """See at the start that the station is what the settings say.

        Raises:
            NotJoinedError: it had to be joined, and was not.
            HardwareError: the system refused.
        """

    async def apply_station(self, wanted: StationPlan) -> None:
        """Join or leave a network; ends when it is clear whether that worked.

        Raises:
            NotJoinedError: it was not joined.
            HardwareError: the system refused.
        """

    async def set_access_point(self, on: bool) -> None:
        """Start or stop the access point.

        Raises:
            HardwareError: the system refused.
        """

    async def forget(self) -> None:
        """Undo everything that was ever applied, for a factory reset.

        Raises:
            HardwareError: the system refused.
        """


class UnmanagedNetwork:
    """A machine whose Wi-Fi nobody lets us manage: reports what can be read, changes nothing.

    Args:
        root: where /sys and /proc are; another folder in tests.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._state = self._look()

    @property
    def state(self) -> NetworkState:
        """What the kernel said at the latest look; never blocks."""
        return self._state

    def refresh(self) -> None:
        """Look. Blocking: a driver whose radio hangs takes seconds to answer."""
        self._state = self._look()

    async def serve(self) -> None:
        """Look every two seconds, until cancelled."""
        while True:
            await asyncio.to_thread(self.refresh)
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def scan(self) -> tuple[FoundNetwork, ...]:
        """Return nothing: scanning needs a manager."""
        return ()

    async def resume_station(self, wanted: StationPlan) -> None:
        """Refuse.

        Raises:
            HardwareError: always.
        """
        await self.apply_station(wanted)

    async def apply_station(self, wanted: StationPlan) -> None:
        """Refuse.

        Raises:
            HardwareError: always.
        """
        del wanted
        raise HardwareError("Wi-Fi: nothing on this machine lets the charger manage it")

    async def set_access_point(self, on: bool) -> None:
        """Refuse to start one; none is running.

        Raises:
            HardwareError: ``on``.
        """
        if on:
            raise HardwareError("Wi-Fi: nothing on this machine lets the charger manage it")

    async def forget(self) -> None:
        """Do nothing: nothing was ever applied."""

    def _look(self) -> NetworkState:
        main_ip = _main_address()
        radio = self._radio()
        if radio is None:
            return NetworkState(main_ip=main_ip)
        mac = self._text(f"sys/class/net/{radio}/address").strip().upper() or NO_MAC
        ip = _address_of(radio)
        return NetworkState(
            ip=ip or NO_ADDRESS,
            mac=mac,
            rssi=signal_dbm(radio, self._root) or 0,
            connected=bool(ip),
            ap_mac=mac,
            ap_ssid=access_point_name(mac),
            main_ip=main_ip,
        )

    def _radio(self) -> str | None:
        folders = sorted(self._root.glob("sys/class/net/*/wireless"))
        return folders[0].parent.name if folders else None

    def _text(self, name: str) -> str:
        try:
            return (self._root / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


def access_point_name(mac: str) -> str:
    """Return the name of the access point: the last three bytes of the MAC in it."""
    return f"evse-{mac.replace(':', '')[-6:].lower()}"


def _main_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _address_of(interface: str) -> str:
    request = struct.pack("256s", interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
        except OSError:
            return ""
    return socket.inet_ntoa(answer[20:24])
