"""HTTP to others only: an address somebody far away has chosen must not lead to the charger itself.

Whoever can have the charger send a file to an address of his choice could otherwise write, as the
charger, what the charger's own interfaces would not let him write from outside.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

_ANY_PORT: Final = 9  # nothing is sent

Own = Callable[[str], bool]


def is_own(address: str) -> bool:
    """Tell whether an IP address is this computer's, or means no single other one.

    Raises:
        ValueError: not an address.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    if found.is_loopback or found.is_unspecified or found.is_link_local or found.is_multicast:
        return True
    family = socket.AF_INET if found.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as way:
        try:
            way.connect((str(found), _ANY_PORT))
        except OSError:
            return False  # there is no way to it
        return ipaddress.ip_address(way.getsockname()[0].partition("%")[0]) == found


def check(url: str, own: Own) -> None:
    """Judge an address.

    Raises:
        ValueError: it is none of http or https, or leads to the charger itself.
    """
    address = urlsplit(url)
    host = address.hostname
    if address.scheme not in {"http", "https"} or not host:
        raise ValueError("an address of http or https expected")
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return  # a name: judged when it has been looked up
    if own(host):
        raise ValueError("an address of the charger itself")


def session(own: Own, within_s: float) -> aiohttp.ClientSession:
    """Return a client that looks up no name of the charger itself."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=_Resolver(own)),
        timeout=aiohttp.ClientTimeout(total=within_s),
    )


class _Resolver(aiohttp.ThreadedResolver):
    def __init__(self, own: Own) -> None:
        super().__init__()
        self._own = own

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        """Look a name up; what is used is what was judged."""
        found = await super().resolve(host, port, family)
        if any(self._own(one["host"]) for one in found):
            raise OSError("a name of the charger itself")
        return found
