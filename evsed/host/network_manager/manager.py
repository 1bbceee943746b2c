"""NetworkManager's objects and methods, one method here for each need. Source: platform.md 12.1."""

import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from dbus_fast import Variant

from evsed.errors import HardwareError
from evsed.host.bus import BusError, Remote, SystemBus
from evsed.host.network_manager.profiles import SECURITY, WIFI, Settings

SERVICE: Final = "org.freedesktop.NetworkManager"
NOTHING: Final = "/"

_N: Final = SERVICE
_ROOT: Final = Remote(SERVICE, "/org/freedesktop/NetworkManager")
_SETTINGS: Final = Remote(SERVICE, "/org/freedesktop/NetworkManager/Settings")
_WIFI_DEVICE: Final = 2
_NOT_OURS: Final = ("UnknownMethod", "UnknownObject", "DoesNotExist", "PermissionDenied")
_ACTIVATED: Final = 2
_DEACTIVATING: Final = 3
_UNMANAGED: Final = 10
#: NMDeviceStateReason: the key is missing, which is how a wrong one ends.
NO_SECRETS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """A Wi-Fi device."""

    path: str
    interface: str
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A stored connection."""

    path: str
    settings: dict[str, Any]
    unsaved: bool

    @property
    def id(self) -> str:
        """Its name for people."""
        return str(self.settings.get("connection", {}).get("id", ""))

    @property
    def is_wifi(self) -> bool:
        """Whether it is for a Wi-Fi device."""
        return bool(self.settings.get("connection", {}).get("type") == WIFI)

    @property
    def ssid(self) -> str:
        """The network it is for."""
        return bytes(self.settings.get(WIFI, {}).get("ssid", b"")).decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a radio does now.

    ``profile`` is the path of the connection it works on, empty when it has none; ``active`` the
    path of that work; ``up`` whether it is done; ``reason`` why the radio came into its state.
    """

    profile: str = ""
    id: str = ""
    active: str = ""
    up: bool = False
    reason: int = 0
    ip4: str = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One access point in reach."""

    ssid: str
    strength: int
    flags: int
    wpa: int
    rsn: int


class NetworkManager:
    """NetworkManager as it is found on the bus.

    Every method raises ``BusAbsentError`` when it is not there and ``BusError`` when it refuses.

    Args:
        bus: the system's.
    """

    def __init__(self, bus: SystemBus) -> None:
        self._bus = bus

    async def radio(self, interface: str = "", *, but: str = "") -> Radio:
        """Return the first radio it manages, or the named one; never ``but``.

        Raises:
            HardwareError: there is none.
        """
        for path in sorted(await self._bus.call(_ROOT, f"{_N}.GetDevices"), key=_number_last):
            device = await self._bus.get_all(Remote(SERVICE, path), f"{_N}.Device")
            name = str(device.get("Interface", ""))
            if device.get("DeviceType") != _WIFI_DEVICE or device.get("State") == _UNMANAGED:
                continue
            if name != but and interface in {"", name}:
                wireless = await self._bus.get_all(Remote(SERVICE, path), f"{_N}.Device.Wireless")
                mac = str(wireless.get("HwAddress", "")).upper()
                return Radio(path=path, interface=name, mac=mac)
        what = f"no radio named {interface}" if interface else "no radio"
        raise HardwareError(f"Wi-Fi: NetworkManager manages {what} on this machine")

    async def switch_radios_on(self) -> None:
        """Switch Wi-Fi on where it is off, and no hardware switch forbids it.

        Raises:
            HardwareError: a switch forbids it.
        """
        root = await self._bus.get_all(_ROOT, _N)
        if not root.get("WirelessHardwareEnabled", True):
            raise HardwareError("Wi-Fi: the radio is switched off by a hardware switch")
        if not root.get("WirelessEnabled", True):
            await self._bus.put(_ROOT, f"{_N}.WirelessEnabled", Variant("b", True))

    async def link(self, radio: Radio) -> Link:
        """Return what a radio does."""
        device = await self._bus.get_all(Remote(SERVICE, radio.path), f"{_N}.Device")
        _, reason = device.get("StateReason", (0, 0))
        active = str(device.get("ActiveConnection", NOTHING))
        try:
            if active == NOTHING:
                return Link(reason=reason)
            work = await self._bus.get_all(Remote(SERVICE, active), f"{_N}.Connection.Active")
        except BusError:
            return Link(reason=reason)  # it has ended between the two questions
        state = int(work.get("State", 0))
        if state >= _DEACTIVATING:
            return Link(reason=reason)
        return Link(
            profile=str(work.get("Connection", "")),
            id=str(work.get("Id", "")),
            active=active,
            up=state == _ACTIVATED,
            reason=reason,
            ip4=str(work.get("Ip4Config", device.get("Ip4Config", NOTHING))),
        )

    async def address(self, link: Link) -> str:
        """Return the first IPv4 address of a link, empty without one."""
        if link.ip4 == NOTHING:
            return ""
        found = await self._bus.get(Remote(SERVICE, link.ip4), f"{_N}.IP4Config.AddressData")
        return str(found[0]["address"]) if found else ""

    async def strength(self, radio: Radio) -> int:
        """Return the strength of a radio's own link, 0 to 100."""
        point = await self._bus.get(
            Remote(SERVICE, radio.path), f"{_N}.Device.Wireless.ActiveAccessPoint"
        )
        if point == NOTHING:
            return 0
        return int(await self._bus.get(Remote(SERVICE, point), f"{_N}.AccessPoint.Strength"))

    async def scan(self, radio: Radio) -> int:
        """Ask for a scan; return when the last one was, in ms of a clock of its own."""
        before = await self.last_scan(radio)
        await self._bus.call(
            Remote(SERVICE, radio.path), f"{_N}.Device.Wireless.RequestScan", "a{sv}", {}
        )
        return before

    async def last_scan(self, radio: Radio) -> int:
        """Return when the last scan was; -1 when there was none, or nobody tells."""
        wireless = await self._bus.get_all(Remote(SERVICE, radio.path), f"{_N}.Device.Wireless")
        return int(wireless.get("LastScan", -1))

    async def seen(self, radio: Radio) -> tuple[Seen, ...]:
        """Return the access points of the last scan."""
        device = Remote(SERVICE, radio.path)
        found = []
        for path in await self._bus.call(device, f"{_N}.Device.Wireless.GetAllAccessPoints"):
            try:
                point = await self._bus.get_all(Remote(SERVICE, path), f"{_N}.AccessPoint")
            except BusError:
                continue  # out of reach since
            found.append(
                Seen(
                    ssid=shown_name(bytes(point["Ssid"])),
                    strength=int(point["Strength"]),
                    flags=int(point["Flags"]),
                    wpa=int(point["WpaFlags"]),
                    rsn=int(point["RsnFlags"]),
                )
            )
        return tuple(found)

    async def profiles(self, name: str) -> tuple[Profile, ...]:
        """Return the stored Wi-Fi connections of this id, saved ones first."""
        found = []
        for path in await self._bus.call(_SETTINGS, f"{_N}.Settings.ListConnections"):
            profile = await self.profile(path)
            if profile is not None and profile.is_wifi and profile.id == name:
                found.append(profile)
        return tuple(sorted(found, key=lambda one: one.unsaved))

    async def profile(self, path: str) -> Profile | None:
        """Return one stored connection, or None when it is gone."""
        remote = Remote(SERVICE, path)
        try:
            settings = await self._bus.call(remote, f"{_N}.Settings.Connection.GetSettings")
            unsaved = await self._bus.get(remote, f"{_N}.Settings.Connection.Unsaved")
        except BusError as error:
            # Gone, or a connection that belongs to another user alone.
            if error.name.endswith(_NOT_OURS):
                return None
            raise
        return Profile(path=path, settings=settings, unsaved=bool(unsaved))

    async def key(self, profile: Profile) -> str | None:
        """Return the stored Wi-Fi key of a connection; None for an open network."""
        if SECURITY not in profile.settings:
            return None
        secrets = await self._bus.call(
            Remote(SERVICE, profile.path), f"{_N}.Settings.Connection.GetSecrets", "s", SECURITY
        )
        psk = secrets.get(SECURITY, {}).get("psk")
        return None if psk is None else str(psk)

    async def add(self, settings: Settings, *, saved: bool) -> str:
        """Make a connection; return its path. One that is not saved is gone after a reboot."""
        method = "AddConnection" if saved else "AddConnectionUnsaved"
        made = await self._bus.call(_SETTINGS, f"{_N}.Settings.{method}", "a{sa{sv}}", settings)
        return str(made)

    async def update(self, profile: Profile, settings: Settings) -> None:
        """Replace what a connection is."""
        settings["connection"]["uuid"] = Variant("s", profile.settings["connection"]["uuid"])
        await self._bus.call(
            Remote(SERVICE, profile.path),
            f"{_N}.Settings.Connection.Update",
            "a{sa{sv}}",
            settings,
        )

    async def save(self, path: str) -> None:
        """Keep a connection over reboots."""
        await self._bus.call(Remote(SERVICE, path), f"{_N}.Settings.Connection.Save")

    async def delete(self, path: str) -> None:
        """Forget a connection; what works on it ends."""
        await self._bus.call(Remote(SERVICE, path), f"{_N}.Settings.Connection.Delete")

    async def activate(self, profile: str, radio: Radio) -> None:
        """Have a radio work on a connection; returns before it is done."""
        await self._bus.call(_ROOT, f"{_N}.ActivateConnection", "ooo", profile, radio.path, NOTHING)

    async def deactivate(self, link: Link) -> None:
        """End what a radio works on."""
        await self._bus.call(_ROOT, f"{_N}.DeactivateConnection", "o", link.active)

    async def time_servers(self) -> tuple[str, ...]:
        """Return the time servers DHCP named on the connection packets leave by."""
        primary = str(await self._bus.get(_ROOT, f"{_N}.PrimaryConnection"))
        if primary == NOTHING:
            return ()
        active = await self._bus.get_all(Remote(SERVICE, primary), f"{_N}.Connection.Active")
        lease = str(active.get("Dhcp4Config", NOTHING))
        if lease == NOTHING:
            return ()
        options = await self._bus.get(Remote(SERVICE, lease), f"{_N}.DHCP4Config.Options")
        return tuple(str(options.get("ntp_servers", "")).split())


def shown_name(ssid: bytes) -> str:
    """Return a network's name as it may be shown: anybody in reach can send any bytes.

    Names of zeros are those of hidden networks. What is no text, or would control a terminal, is
    replaced; such a network cannot be joined by its name.
    """
    text = ssid.strip(b"\0").decode(errors="replace")
    return "".join("\ufffd" if unicodedata.category(one) == "Cc" else one for one in text)


def _number_last(path: str) -> tuple[int, str]:
    return len(path), path
