"""Things to do at moments of virtual time. Pure."""

import heapq
import itertools
from collections.abc import Callable

Action = Callable[[], None]


class Agenda:
    """Actions by their time; those of one moment in the order they were noted."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, Action]] = []
        self._numbers = itertools.count()

    @property
    def deadline_us(self) -> int | None:
        """Return the moment of the next action."""
        return self._entries[0][0] if self._entries else None

    def at(self, moment_us: int, action: Action) -> None:
        """Do ``action`` at that moment; it cannot be taken back, so it must look around itself."""
        heapq.heappush(self._entries, (moment_us, next(self._numbers), action))

    def run(self, now_us: int) -> None:
        """Do everything due."""
        while self._entries and self._entries[0][0] <= now_us:
            heapq.heappop(self._entries)[2]()
