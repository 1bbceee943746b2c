"""What people can touch and see on the station itself, between control thread and services."""

from dataclasses import dataclass
from typing import Final

#: Charging and error LED alike, while letting go of the button would erase. Source: charging.md 14.
WARNING: Final = (100, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamps:
    """What a service wants shown; replaced as a whole.

    Args:
        network: on and off time of the network LED in ms, starting with on; (0, 0) is off.
        warning: charging and error LED flash, whatever the state is.
    """

    network: tuple[int, int] = (0, 0)
    warning: bool = False


@dataclass(frozen=True, slots=True)
class ButtonEdge:
    """The button was pressed or let go: when (monotonic ms), and which."""

    at_ms: int
    pressed: bool
