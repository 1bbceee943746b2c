"""What scripts have printed: cut, slowed down, and kept for whoever asks. Source: lua.md 10."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

_LONGEST: Final = 4096
_PER_S: Final = 200
_BURST: Final = 500


class Ring(Protocol):
    """Where lines are kept."""

    def lines(self, index: int) -> tuple[Sequence[str], int]:
        """Return the lines from an index on, and how many there are."""

    def append(self, line: str) -> None:
        """Keep a line."""

    def clear(self) -> None:
        """Forget all lines."""


class Output:
    """Takes lines from the worker.

    Args:
        ring: keeps them.
        clock: seconds, never going back.
    """

    def __init__(self, ring: Ring, clock: Callable[[], float] = time.monotonic) -> None:
        self.ring = ring
        self._clock = clock
        self._room = float(_BURST)
        self._at_s = clock()
        self._suppressed = 0

    def take(self, lines: Sequence[str]) -> None:
        """Keep lines, as far as there are not too many of them."""
        now_s = self._clock()
        self._room = min(float(_BURST), self._room + (now_s - self._at_s) * _PER_S)
        self._at_s = now_s
        for line in lines:
            if self._room < 1:
                self._suppressed += 1
                continue
            self._tell_suppressed()
            self._room -= 1
            self.ring.append(_clean(line))

    def say(self, line: str) -> None:
        """Keep a line of ours, whatever the script did."""
        self._tell_suppressed()
        self.ring.append(line)

    def restart(self) -> None:
        """Begin afresh, as with a new worker."""
        self._suppressed = 0
        self._room = float(_BURST)
        self.ring.clear()

    def _tell_suppressed(self) -> None:
        if self._suppressed:
            self.ring.append(f"[{self._suppressed} lines suppressed]")
            self._suppressed = 0


def _clean(line: str) -> str:
    text = "".join(letter for letter in line if letter == "\t" or letter.isprintable())
    if len(text.encode()) <= _LONGEST:
        return text
    return text.encode()[:_LONGEST].decode(errors="ignore") + " [cut]"
