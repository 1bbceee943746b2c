"""Keeps what happens over and over from filling the log: one line a minute for each kind."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class _Kind:
    said_at_s: float
    silent: int = 0


class RepeatLimiter:
    """Decides which of many equal events deserves a line. For one thread only.

    Args:
        period_s: how long a kind stays silent after one of its lines.
        kinds: how many are remembered; the one not seen for longest is forgotten first, so that a
            client who invents kinds costs no memory. Lines of invented kinds are limited together.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        period_s: float = 60.0,
        kinds: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._period_s = period_s
        self._most = kinds
        self._clock = clock
        self._kinds: OrderedDict[Hashable, _Kind] = OrderedDict()
        self._fresh_since_s = float("-inf")
        self._fresh = 0

    def admit(self, kind: Hashable) -> int | None:
        """Count one event; return None when it should be silent.

        Otherwise return how many of its kind were silent since the last line.
        """
        now_s = self._clock()
        known = self._kinds.get(kind)
        if known is None:
            return self._admit_new(kind, now_s)
        self._kinds.move_to_end(kind)
        if now_s - known.said_at_s < self._period_s:
            known.silent += 1
            return None
        silent, known.silent, known.said_at_s = known.silent, 0, now_s
        return silent

    def log(
        self, logger: logging.Logger, level: int, kind: Hashable, message: str, *args: object
    ) -> None:
        """Log one event unless its kind should be silent."""
        silent = self.admit(kind)
        if silent is None:
            return
        if silent:
            message, args = f"{message} (and %d more like this before)", (*args, silent)
        logger.log(level, message, *args)

    def _admit_new(self, kind: Hashable, now_s: float) -> int | None:
        if now_s - self._fresh_since_s >= self._period_s:
            self._fresh_since_s, self._fresh = now_s, 0
        self._fresh += 1
        if self._fresh > self._most:
            return None
        self._kinds[kind] = _Kind(now_s)
        if len(self._kinds) > self._most:
            self._kinds.popitem(last=False)
        return 0
