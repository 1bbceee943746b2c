"""How much may be asked for: so much for long, and so much at once. Pure but for its clock."""

import time
from collections.abc import Callable


class Allowance:
    """Grows with time up to a limit, and shrinks with what is done.

    Args:
        per_s: what may be spent for long, a second.
        burst: what may be spent at once.
        clock: seconds, never going back.
    """

    def __init__(
        self, per_s: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._left, self._at_s = burst, clock()

    def spend(self, cost: float = 1) -> float:
        """Spend, whatever is left; return the seconds to wait until that is made good."""
        self._left = self._grown() - cost
        return max(0.0, -self._left / self._per_s)

    def take(self, cost: float = 1) -> bool:
        """Spend only what is there; return whether it was."""
        self._left = self._grown()
        if self._left < cost:
            return False
        self._left -= cost
        return True

    def _grown(self) -> float:
        now_s = self._clock()
        gained = (now_s - self._at_s) * self._per_s
        self._at_s = now_s
        return min(self._burst, self._left + gained)
