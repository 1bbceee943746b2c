"""What scripts have printed: cut, slowed down, and kept for whoever asks. Source: lua.md 10."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from evsed.host.pace import Allowance

_LONGEST: Final = 4096
LINES_PER_S: Final = 200
LINES_AT_ONCE: Final = 500
_QUIET_S: Final = 0.5
#: More than anybody keeps.
_MOST_LINES: Final = 100_000
#: Control characters except the tab are dropped.
_CONTROLS: Final = {code: None for code in (*range(32), *range(127, 160)) if code != ord("\t")}


class Ring(Protocol):
    """Where lines are kept."""

    @property
    def next(self) -> int:
        """The number of the next line; numbers never fall."""

    def numbered(self, sequence: int, at_most: int) -> tuple[int, list[str]]:
        """Return lines from a number on, as far as they are kept, and the number of the first."""

    def append(self, line: str) -> None:
        """Keep a line."""

    def clear(self) -> None:
        """Forget all lines."""


class Output:
    """Takes lines from the worker.

    Args:
        ring: keeps them.
        clock: seconds, never going back.
        journal: takes each line as well.
    """

    def __init__(
        self,
        ring: Ring,
        clock: Callable[[], float] = time.monotonic,
        journal: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._ring, self._journal = ring, journal
        self._first = ring.next
        self._clock = clock
        self._allowance = Allowance(LINES_PER_S, LINES_AT_ONCE, clock)
        self._at_s = clock()
        self._suppressed = 0

    def take(self, lines: Sequence[str], suppressed: int = 0) -> None:
        """Keep lines, as far as there are not too many of them.

        Args:
            lines: finished ones.
            suppressed: how many more there were, which nobody has sent us.
        """
        self._at_s = self._clock()
        for line in lines:
            if self._allowance.take():
                self._tell_suppressed()
                self._keep(line)
            else:
                self._suppressed += 1
        self._suppressed += max(0, suppressed)

    def say(self, line: str) -> None:
        """Keep a line of ours, whatever the script did."""
        self._tell_suppressed()
        self._keep(line)

    def lines(self, index: int) -> tuple[Sequence[str], int]:
        """Return what is kept from an index on, and how many lines there were since the start."""
        self._tell_suppressed_late()
        count = self._ring.next - self._first
        if index > count:
            return [], count
        return self._ring.numbered(self._first + max(index, 0), _MOST_LINES)[1], count

    def restart(self) -> None:
        """Begin afresh, as with a new worker."""
        self._suppressed = 0
        self._allowance = Allowance(LINES_PER_S, LINES_AT_ONCE, self._clock)
        self._ring.clear()
        self._first = self._ring.next

    def _tell_suppressed_late(self) -> None:
        """Do not keep it to ourselves when nothing follows."""
        if self._suppressed and self._clock() - self._at_s > _QUIET_S:
            self._tell_suppressed()

    def _tell_suppressed(self) -> None:
        if self._suppressed:
            self._keep(f"[{self._suppressed} lines suppressed]")
            self._suppressed = 0

    def _keep(self, line: str) -> None:
        clean = clean_line(line)
        self._ring.append(clean)
        self._journal(clean)


def clean_line(line: str) -> str:
    """Return a line as it is kept: cut when it is long, without control characters but the tab."""
    text = line[: _LONGEST + 1].translate(_CONTROLS)
    data = text.encode(errors="replace")
    if len(data) <= _LONGEST:
        return data.decode()
    return data[:_LONGEST].decode(errors="ignore") + " [cut]"
