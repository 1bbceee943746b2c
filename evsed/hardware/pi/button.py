"""The button."""

import time
from typing import Final

from evsed.board import description
from evsed.hardware.pi.lines import InputLine
from evsed.hardware.pi.link import Link

_NS_PER_MS: Final = 1_000_000


class PinButton:
    """A ``Button``: a level counts once it has been seen for the debounce time."""

    def __init__(self, link: Link, button: description.Button) -> None:
        self._line = InputLine(
            link, "button", button.gpio, pull=button.pull, active_low=button.active_low
        )
        self._debounce_ns = button.debounce_ms * _NS_PER_MS
        self._pressed = False
        self._changed_ns: int | None = None

    def pressed(self) -> bool:
        """Return whether it is held now; called from one thread, every control pass."""
        if self._line.active() == self._pressed:
            self._changed_ns = None
            return self._pressed
        now_ns = time.monotonic_ns()
        if self._changed_ns is None:
            self._changed_ns = now_ns
        elif now_ns - self._changed_ns >= self._debounce_ns:
            self._pressed = not self._pressed
            self._changed_ns = None
        return self._pressed
