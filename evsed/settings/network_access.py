"""What the administrator permits in the network. Source: rest.md section 8."""

import re
from dataclasses import dataclass
from typing import Final

from evsed.board.kinds import Key, Scalar, Section, choice, flag
from evsed.board.yaml_tree import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAccess:
    """Who manages Wi-Fi, and whether the charger makes itself known.

    ``auto`` is the system's NetworkManager and being found on a real board, and neither on a
    simulated one, which leaves the machine it runs on alone. ``ap_interface`` names a second radio
    for the access point, empty for the only one; ``ap_open`` leaves its passphrase out.
    """

    wifi: str = "auto"
    ap_interface: str = ""
    ap_open: bool = False
    discovery: str = "auto"


def _is_interface(value: Value) -> bool:
    """Source: IFNAMSIZ and dev_valid_name() of the kernel, without what nobody uses."""
    return isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z0-9_.-]{0,15}", value))


_INTERFACE: Final = Scalar(
    wanted="the name of a Wi-Fi device such as wlan1, or an empty text", accepts=_is_interface
)


def network_section() -> Section:
    """Return the keys below ``network:``."""
    return Section(
        NetworkAccess,
        (
            Key(name="wifi", kind=choice("auto", "networkmanager", "none"), field="wifi"),
            Key(name="apInterface", kind=_INTERFACE, field="ap_interface"),
            Key(name="apOpen", kind=flag(), field="ap_open"),
            Key(name="discovery", kind=choice("auto", "always", "never"), field="discovery"),
        ),
    )
