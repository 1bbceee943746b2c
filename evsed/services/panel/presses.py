"""What a press of the button means. Pure. Source: charging.md section 14."""

from collections.abc import Iterable
from enum import Enum
from typing import Final

from evsed.station.panel import ButtonEdge

#: Shorter is noise; from here on letting go erases; from here on the button is stuck.
SHORTEST_MS: Final = 50
ERASE_MS: Final = 10_000
STUCK_MS: Final = 30_000


class Press(Enum):
    """What somebody wants who let go of the button."""

    NOTHING = "nothing"
    ACCESS_POINT = "access point"
    FACTORY_RESET = "factory reset"


def meaning(held_ms: int) -> Press:
    """Return what a press of this length asks for."""
    if SHORTEST_MS <= held_ms < ERASE_MS:
        return Press.ACCESS_POINT
    return Press.FACTORY_RESET if ERASE_MS <= held_ms < STUCK_MS else Press.NOTHING


class Presses:
    """Follows the button from edge to edge."""

    def __init__(self) -> None:
        self._since_ms: int | None = None

    def follow(self, edges: Iterable[ButtonEdge]) -> tuple[Press, ...]:
        """Return the meaning of every press that has ended."""
        found = []
        for edge in edges:
            if self._since_ms is not None and not edge.pressed:
                found.append(meaning(edge.at_ms - self._since_ms))
            self._since_ms = edge.at_ms if edge.pressed else None
        return tuple(found)

    def erases(self, now_ms: int) -> bool:
        """Tell whether letting go now would erase."""
        if self._since_ms is None:
            return False
        return meaning(now_ms - self._since_ms) is Press.FACTORY_RESET

    @property
    def held(self) -> bool:
        """Whether the button is down."""
        return self._since_ms is not None
