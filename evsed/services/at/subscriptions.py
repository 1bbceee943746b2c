"""What a session pushes by itself, and when. The clock is handed in. Source: at.md section 6."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

_SHORTEST_S: Final = 0.1
#: Room for the rounding of the loop's clock.
_HAIR_S: Final = 1e-6


class Handle(Protocol):
    """A call that is due."""

    def cancel(self) -> None:
        """Have it not made."""


class Timers(Protocol):
    """The clock of an event loop."""

    def time(self) -> float:
        """Return seconds of a clock that never goes back."""

    def call_at(self, when: float, callback: Callable[[], Any]) -> Handle:
        """Make a call at a time of that clock."""


@dataclass(slots=True)
class _Subscription:
    period_s: float
    due_s: float
    #: when it was pushed last; None before the first time
    pushed_s: float | None = None


class Subscriptions:
    """Everything subscribed in one session.

    Args:
        timers: the clock.
        push: called with the names that are due.
    """

    def __init__(self, timers: Timers, push: Callable[[Sequence[str]], None]) -> None:
        self._timers = timers
        self._push = push
        self._active: dict[str, _Subscription] = {}
        self._handle: Handle | None = None

    def add(self, name: str, period_ms: int) -> None:
        """Push a name from the next ``start`` on; one that is there only changes its period."""
        now_s, period_s = self._timers.time(), max(period_ms / 1000, _SHORTEST_S)
        known = self._active.get(name)
        if known is None or known.pushed_s is None:
            self._active[name] = _Subscription(period_s, now_s)
            return
        known.period_s = period_s
        known.due_s = _next(known.pushed_s, period_s, now_s)

    def remove(self, name: str) -> None:
        """Stop pushing a name, or everything for an empty one."""
        if name:
            self._active.pop(name, None)
        else:
            self._active.clear()

    def start(self) -> None:
        """Push what is due, and everything else in its time."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._tick()

    def stop(self) -> None:
        """End all of it."""
        self._active.clear()
        self.start()

    def _tick(self) -> None:
        self._handle = None
        now_s = self._timers.time()
        due = [name for name, one in self._active.items() if one.due_s <= now_s + _HAIR_S]
        for name in due:
            one = self._active[name]
            # Its own times go on as planned, however late this call is.
            one.pushed_s = one.due_s
            one.due_s = _next(one.due_s, one.period_s, now_s)
        # Before pushing: a push that fails must not be the last one.
        if self._active:
            soonest_s = min(one.due_s for one in self._active.values())
            self._handle = self._timers.call_at(soonest_s, self._tick)
        if due:
            self._push(due)


def _next(before_s: float, period_s: float, now_s: float) -> float:
    """Return the first time after now that is whole periods after an earlier one."""
    passed = math.floor((now_s - before_s + _HAIR_S) / period_s)
    return before_s + max(1, passed + 1) * period_s
