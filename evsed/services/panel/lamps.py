"""What the network LED shows. Pure. Source: charging.md section 14."""

from typing import Final

from evsed.host.network import NetworkState

_Blink = tuple[int, int]
OFF: Final[_Blink] = (0, 0)
_ON: Final[_Blink] = (1, 0)
_EVEN: Final[_Blink] = (500, 500)
_GLIMPSE: Final[_Blink] = (100, 900)
_WINK: Final[_Blink] = (1900, 100)


def network_blink(state: NetworkState, *, wanted: bool) -> tuple[int, int]:
    """Return on and off time in ms, starting with on.

    Args:
        state: of the network.
        wanted: the settings say that the Wi-Fi station is to join one.
    """
    if state.ap_enabled:
        return _WINK if state.ap_clients else _GLIMPSE
    if state.connected:
        return _ON
    return _EVEN if wanted else OFF
