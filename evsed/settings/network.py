"""What the user chose for the Wi-Fi station and for being found in the network."""

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from evsed.board.description import Board
from evsed.errors import RejectedError
from evsed.settings.fields import flag, text
from evsed.settings.section import Section, plain_section

_PASSPHRASE: Final = re.compile(r"[ -~]{8,63}|[0-9A-Fa-f]{64}")
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class WifiSettings:
    """Keys of /config/wifi, in its order; an empty address is none. Source: rest.md section 5.2."""

    enabled: bool = flag(False, about="whether the station connects")
    ssid: str = text("", high=32, about="name of the network")
    password: str = text(
        "", high=64, about="empty for an open network; never shown again", secret=True
    )
    static_enabled: bool = flag(False, about="whether the addresses below are used, not DHCP")
    static_ip: str = text("", high=15, about="own IPv4 address")
    static_gateway: str = text("", high=15, about="gateway, inside the same network")
    static_netmask: str = text("", high=15, about="network mask, such as 255.255.255.0")
    static_dns: str = text("", high=15, about="name server; empty: the gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySettings:
    """Keys of /config/discovery. Source: rest.md section 5.2."""

    hostname: str = text("evse", low=1, high=31, about="name in the network, without .local")
    instance_name: str = text("EVSE", low=1, high=63, about="name shown to people")


def check_wifi(settings: WifiSettings) -> None:
    """Judge the settings as a whole.

    Raises:
        RejectedError: names the key and what is permitted.
    """
    if settings.enabled and not settings.ssid:
        raise RejectedError("a network name is expected while enabled is true", key="ssid")
    if settings.password and not _PASSPHRASE.fullmatch(settings.password):
        raise RejectedError(
            "8 … 63 printable ASCII characters, 64 hexadecimal digits or nothing expected",
            key="password",
        )
    addresses = {
        "staticIp": settings.static_ip,
        "staticGateway": settings.static_gateway,
        "staticNetmask": settings.static_netmask,
        "staticDns": settings.static_dns,
    }
    for key, address in addresses.items():
        _check_address(key, address)
    if settings.static_enabled:
        _check_network(addresses)


def _check_address(key: str, address: str) -> None:
    try:
        if address:
            ipaddress.IPv4Address(address)
    except ValueError:
        wanted = "an IPv4 address such as 192.168.1.20 is expected, or an empty text"
        raise RejectedError(wanted, key=key) from None


def _check_network(addresses: dict[str, str]) -> None:
    for key in ("staticIp", "staticGateway", "staticNetmask"):
        if not addresses[key]:
            raise RejectedError("an address is expected while staticEnabled is true", key=key)
    mask = int(ipaddress.IPv4Address(addresses["staticNetmask"]))
    holes = ~mask & 0xFFFF_FFFF
    if not mask or holes & (holes + 1):
        raise RejectedError("a mask such as 255.255.255.0 is expected", key="staticNetmask")
    own, gateway = (
        int(ipaddress.IPv4Address(addresses[key])) for key in ("staticIp", "staticGateway")
    )
    if own & mask != gateway & mask:
        raise RejectedError(
            "an address in the network of staticIp is expected", key="staticGateway"
        )


def check_discovery(settings: DiscoverySettings) -> None:
    """Judge the host name. Source: RFC 1123 section 2.1.

    Raises:
        RejectedError: names the key and what is permitted.
    """
    if not _LABEL.fullmatch(settings.hostname):
        wanted = "letters, digits and hyphens between them are expected"
        raise RejectedError(wanted, key="hostname")


WIFI: Final[Section[WifiSettings]] = plain_section(
    "wifi", WifiSettings, check=lambda settings, _board: check_wifi(settings), secrets=("password",)
)
_DISCOVERY: Final[Section[DiscoverySettings]] = plain_section(
    "discovery", DiscoverySettings, check=lambda settings, _board: check_discovery(settings)
)


def _patched_discovery(before: DiscoverySettings, patch: Any, board: Board) -> DiscoverySettings:
    after = _DISCOVERY.patched(before, patch, board)
    return replace(after, hostname=after.hostname.lower())


#: Host names are kept in lower case.
DISCOVERY: Final[Section[DiscoverySettings]] = replace(_DISCOVERY, patched=_patched_discovery)
