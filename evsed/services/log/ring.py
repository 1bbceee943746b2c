"""The newest log lines, in memory.

On overflow the older half goes at once, so that a client who polls with a count notices; a ring
that also has a limit in bytes lets only so many lines go as it must.
Source: rest.md section 6.
"""

import threading
from collections.abc import Callable
from typing import Final

from evsed.services.log.lines import clean_lines

CAPACITY: Final = 2000


class LogRing:
    """Up to ``capacity`` lines; every thread but the control thread may append and read.

    Reading copies references under a lock, for microseconds. ``clean`` makes lines of a record.
    With ``most_bytes`` the oldest lines leave one by one.
    """

    def __init__(
        self,
        capacity: int = CAPACITY,
        clean: Callable[[str], list[str]] = clean_lines,
        *,
        most_bytes: int | None = None,
    ) -> None:
        self._capacity = capacity
        self._clean = clean
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lines: list[str] = []
        self._first = 0
        self._lock = threading.Lock()

    @property
    def next(self) -> int:
        """The sequence number of the next line; numbers never fall and never repeat."""
        return self._first + len(self._lines)

    def append(self, text: str) -> None:
        """Add a record: one line, or several."""
        fresh = self._clean(text)
        with self._lock:
            for line in fresh:
                self._make_room(line)
                self._lines.append(line)

    def clear(self) -> None:
        """Forget all lines; the next one has the next number all the same."""
        with self._lock:
            self._first += len(self._lines)
            self._lines = []
            self._bytes = 0

    def lines(self, index: int = 0) -> tuple[list[str], int]:
        """Return the lines from an index on, and how many there are in all."""
        with self._lock:
            return self._lines[index:], len(self._lines)

    def numbered(self, sequence: int, at_most: int) -> tuple[int, list[str]]:
        """Return lines from a sequence number on, and the number of the first of them.

        That is a later one when the lines asked for are gone.
        """
        with self._lock:
            first = min(max(sequence, self._first), self._first + len(self._lines))
            start = first - self._first
            return first, self._lines[start : start + at_most]

    def subscribe(self, *, whole: bool = False) -> "LogReader":
        """Return a reader of the lines to come; ``whole``: of those already there as well."""
        with self._lock:
            return LogReader(self, self._first if whole else self._first + len(self._lines))

    def _make_room(self, line: str) -> None:
        if self._most_bytes is None:
            if len(self._lines) >= self._capacity:
                self._drop_older_half()
            return
        self._bytes += _size(line)
        while self._lines and (
            len(self._lines) >= self._capacity or self._bytes > self._most_bytes
        ):
            self._bytes -= _size(self._lines.pop(0))
            self._first += 1

    def _drop_older_half(self) -> None:
        gone = len(self._lines) - self._capacity // 2
        del self._lines[:gone]
        self._first += gone


def _size(line: str) -> int:
    return len(line.encode(errors="replace")) + 1


class LogReader:
    """One listener's place in the ring. It asks when it likes; nobody calls it from elsewhere."""

    def __init__(self, ring: LogRing, sequence: int) -> None:
        self._ring = ring
        self._next = sequence

    @property
    def next(self) -> int:
        """The sequence number it wants next."""
        return self._next

    @property
    def behind(self) -> int:
        """How many lines wait, those that are already lost included."""
        return self._ring.next - self._next

    def take(self, at_most: int = 200) -> list[tuple[int, str]]:
        """Return the next lines with their sequence numbers; a gap in them is a loss."""
        if not self.behind:
            return []
        first, lines = self._ring.numbered(self._next, at_most)
        self._next = first + len(lines)
        return list(enumerate(lines, first))
