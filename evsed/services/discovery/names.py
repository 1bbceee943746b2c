"""The names a charger goes by in the local network, and the next ones when they are taken. Pure.

Source: RFC 6762 section 9, RFC 6763 section 4.1 and appendix D, rest.md section 5.2.
"""

from collections.abc import Iterator
from typing import Final

SERVICE_TYPE: Final = "_http._tcp.local."
#: A label of DNS.
_LABEL_BYTES: Final = 63
#: More chargers of one name than a household has.
_TRIES: Final = 99


def host_names(wanted: str) -> Iterator[str]:
    """Yield full host names: ``evse.local.``, ``evse-2.local.`` and so on."""
    yield f"{wanted}.local."
    for number in range(2, _TRIES + 1):
        yield f"{_shortened(wanted, f'-{number}')}.local."


def instance_names(wanted: str) -> Iterator[str]:
    """Yield full names of the service: ``EVSE``, ``EVSE (2)`` … and the type behind them.

    A dot stands between two labels, and zeroconf cannot have it inside of one: it is shown as a
    hyphen.
    """
    label = wanted.replace(".", "-")
    yield f"{label}.{SERVICE_TYPE}"
    for number in range(2, _TRIES + 1):
        yield f"{_shortened(label, f' ({number})')}.{SERVICE_TYPE}"


def _shortened(label: str, ending: str) -> str:
    room = _LABEL_BYTES - len(ending.encode())
    return label.encode()[:room].decode(errors="ignore") + ending
