"""What the LEDs show. Pure. Source: charging.md section 14."""

from collections.abc import Mapping
from typing import Final

from evsed.charging.states import ChargingState as S

#: on and off time in ms, starting with on; (0, 0) is off, (1, 0) steadily on
Blink = tuple[int, int]
OFF: Final[Blink] = (0, 0)
ON: Final[Blink] = (1, 0)
_EVEN: Final[Blink] = (500, 500)
_WINK: Final[Blink] = (1900, 100)

#: charging LED, error LED
_PATTERNS: Final[Mapping[S, tuple[Blink, Blink]]] = {
    S.A: (OFF, OFF),
    S.B1: (_EVEN, OFF),
    S.B2: (_EVEN, OFF),
    S.C1: (_WINK, OFF),
    S.D1: (_WINK, OFF),
    S.C2: (ON, OFF),
    S.D2: (ON, OFF),
    S.E: (OFF, ON),
    S.F: (OFF, _EVEN),
}


def blink_patterns(state: S) -> tuple[Blink, Blink]:
    """Return the patterns of the charging LED and the error LED."""
    return _PATTERNS[state]
