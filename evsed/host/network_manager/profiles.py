"""Our two connection profiles as NetworkManager wants them, and read back. Pure.

Texts of users travel as typed values and are never part of a command or a file.
Source: platform.md section 12.1, NetworkManager's nm-settings-dbus(5).
"""

import ipaddress
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dbus_fast import Variant

from evsed.host.network import StationPlan

STATION_ID: Final = "evsed-sta"
ACCESS_POINT_ID: Final = "evsed-ap"
WIFI: Final = "802-11-wireless"
SECURITY: Final = "802-11-wireless-security"
#: The address of the access point, and the network it gives addresses out of.
ACCESS_POINT_ADDRESS: Final = "192.168.4.1"
_ACCESS_POINT_PREFIX: Final = 24
#: Channel 1, 6 and 11 do not overlap, and are permitted everywhere.
_ACCESS_POINT_CHANNEL: Final = 6
#: Above the user's own connections, which have 0 unless he says otherwise.
_PRIORITY: Final = 10
#: How long an address is looked for in the network before it is taken (RFC 5227).
_CONFLICT_MS: Final = 3000
_KEY_OF_HEX: Final = re.compile(r"[0-9A-Fa-f]{64}")

Settings = dict[str, dict[str, Variant]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """What is known of a network before it is joined.

    ``hidden``: no scan has shown it, so it has to be asked for by name. ``sae``: it takes WPA3
    only.
    """

    hidden: bool = False
    sae: bool = False


def station_profile(plan: StationPlan, interface: str, air: Air) -> Settings:
    """Return the settings of the connection that does a plan."""
    wifi = {
        "ssid": Variant("ay", plan.ssid.encode()),
        "mode": Variant("s", "infrastructure"),
        "hidden": Variant("b", air.hidden),
    }
    profile = {
        "connection": _connection(STATION_ID, interface, autoconnect=True),
        WIFI: wifi,
        "ipv4": _ipv4(plan),
        "ipv6": {"method": Variant("s", "auto")},
    }
    if plan.password:
        return profile | {SECURITY: _key(plan.password, sae=air.sae)}
    return profile


def access_point_profile(ssid: str, passphrase: str, interface: str) -> Settings:
    """Return the settings of our own network; without a passphrase it is open."""
    address = {
        "address": Variant("s", ACCESS_POINT_ADDRESS),
        "prefix": Variant("u", _ACCESS_POINT_PREFIX),
    }
    profile = {
        "connection": _connection(ACCESS_POINT_ID, interface, autoconnect=False),
        WIFI: {
            "ssid": Variant("ay", ssid.encode()),
            "mode": Variant("s", "ap"),
            "band": Variant("s", "bg"),
            "channel": Variant("u", _ACCESS_POINT_CHANNEL),
        },
        "ipv4": {"method": Variant("s", "shared"), "address-data": Variant("aa{sv}", [address])},
        "ipv6": {"method": Variant("s", "ignore")},
    }
    if passphrase:
        key = _key(passphrase, sae=False) | {
            "proto": Variant("as", ["rsn"]),
            "pairwise": Variant("as", ["ccmp"]),
            "group": Variant("as", ["ccmp"]),
        }
        return profile | {SECURITY: key}
    return profile


def does(profile: Mapping[str, Any], psk: str | None, plan: StationPlan) -> bool:
    """Tell whether a stored connection does a plan.

    Args:
        profile: what ``GetSettings`` returned.
        psk: the key from ``GetSecrets``; None when there is none.
        plan: what is wanted.
    """
    if bytes(profile.get(WIFI, {}).get("ssid", b"")) != plan.ssid.encode():
        return False
    if bool(plan.password) != (SECURITY in profile) or (plan.password or None) != psk:
        return False
    ipv4 = profile.get("ipv4", {})
    if plan.static is None:
        return bool(ipv4.get("method") == "auto")
    address, gateway, netmask, name_server = plan.static
    wanted = [{"address": address, "prefix": prefix_of(netmask)}]
    return bool(
        ipv4.get("method") == "manual"
        and ipv4.get("address-data") == wanted
        and ipv4.get("gateway") == gateway
        and ipv4.get("dns") == [dns_number(name_server)]
    )


def prefix_of(netmask: str) -> int:
    """Return how many bits of a mask are set."""
    return int(ipaddress.IPv4Address(netmask)).bit_count()


def dns_number(address: str) -> int:
    """Return an address as NetworkManager has it: its bytes in network order, as a number here.

    Every Pi, and every other machine this runs on, counts bytes from the little end.
    """
    return int.from_bytes(ipaddress.IPv4Address(address).packed, "little")


def _connection(name: str, interface: str, *, autoconnect: bool) -> dict[str, Variant]:
    found = {
        "id": Variant("s", name),
        "uuid": Variant("s", str(uuid.uuid4())),
        "type": Variant("s", WIFI),
        "interface-name": Variant("s", interface),
        "autoconnect": Variant("b", autoconnect),
    }
    if autoconnect:
        found["autoconnect-priority"] = Variant("i", _PRIORITY)
        found["autoconnect-retries"] = Variant("i", 0)  # for ever
    return found


def _key(password: str, *, sae: bool) -> dict[str, Variant]:
    as_phrase = sae and not _KEY_OF_HEX.fullmatch(password)
    return {
        "key-mgmt": Variant("s", "sae" if as_phrase else "wpa-psk"),
        "psk": Variant("s", password),
    }


def _ipv4(plan: StationPlan) -> dict[str, Variant]:
    # Without an IPv4 address nothing is in force: the API knows no other.
    must = {"may-fail": Variant("b", False)}
    if plan.static is None:
        return {"method": Variant("s", "auto"), **must}
    address, gateway, netmask, name_server = plan.static
    entry = {"address": Variant("s", address), "prefix": Variant("u", prefix_of(netmask))}
    return {
        "method": Variant("s", "manual"),
        "address-data": Variant("aa{sv}", [entry]),
        "gateway": Variant("s", gateway),
        "dns": Variant("au", [dns_number(name_server)]),
        "dad-timeout": Variant("i", _CONFLICT_MS),
        **must,
    }
