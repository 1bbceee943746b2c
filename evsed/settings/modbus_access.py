"""What the administrator decides about Modbus, which itself asks nobody for a password."""

import ipaddress
from dataclasses import dataclass, replace
from typing import Final

from evsed.board.kinds import Key, ListOf, Scalar, Section, flag, number, whole
from evsed.board.yaml_tree import Value
from evsed.units import tenths

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Loopback, private and link-local addresses.
HOME: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
        *("::1/128", "fe80::/10", "fc00::/7"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusAccess:
    """Section ``modbus`` of the administrator's file. Source: modbus.md sections 7, 12.2 and 13.

    Args:
        address: where TCP listens; ``::`` is every address, IPv4 as well.
        port: of TCP; 0 for any free one.
        max_connections: at the same time.
        allow: networks clients may come from.
        read_only: nothing can be written, over TCP or serial lines.
        lock_settings: what is stored, and the restart, cannot be written.
        silence_s: without an accepted write for so long the current is lowered; 0 is never.
        fallback_da: to this, tenths of an ampere.
    """

    address: str = "::"
    port: int = 502
    max_connections: int = 8
    allow: tuple[Network, ...] = HOME
    read_only: bool = False
    lock_settings: bool = False
    silence_s: int = 0
    fallback_da: int = 60


def _is_network(value: Value) -> bool:
    if not isinstance(value, str):
        return False
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


_NETWORK: Final = Scalar(
    wanted="an address or a network such as 192.168.0.0/16 (as a text)",
    accepts=_is_network,
    convert=lambda value: ipaddress.ip_network(str(value), strict=False),
)
_CURRENT: Final = replace(
    number(6, 63, "A"), convert=lambda value: tenths(value) if isinstance(value, int | float) else 0
)
_WATCHDOG: Final = Section(
    dict,
    (
        Key(name="silence", kind=whole(0, 65535, "s"), field="silence_s"),
        Key(name="current", kind=_CURRENT, field="fallback_da"),
    ),
)


def modbus_section(address: Scalar) -> Section:
    """Return the section; ``address`` is the kind of one to listen on."""
    return Section(
        ModbusAccess,
        (
            Key(name="port", kind=whole(0, 65535), field="port"),
            Key(name="address", kind=address, field="address"),
            Key(name="maxConnections", kind=whole(1, 64), field="max_connections"),
            Key(name="allow", kind=ListOf(_NETWORK, tuple(range(1, 33))), field="allow"),
            Key(name="readOnly", kind=flag(), field="read_only"),
            Key(name="lockSettings", kind=flag(), field="lock_settings"),
            Key(name="watchdog", kind=_WATCHDOG, field=""),
        ),
    )
