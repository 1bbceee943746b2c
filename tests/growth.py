"""Whether something grows: a line through many points, that a few wild ones do not turn."""

from collections.abc import Sequence
from itertools import combinations
from statistics import median

#: More points than this are thinned out: every pair is looked at.
_MOST = 300


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the growth per unit of x: the median of the slopes of all pairs (Theil and Sen)."""
    step = max(1, len(points) // _MOST)
    chosen = points[::step]
    found = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(chosen, 2) if x2 != x1]
    return median(found) if found else 0.0


def growth(points: Sequence[tuple[float, float]]) -> float:
    """Return how much the line through the points rises from the first to the last."""
    return slope(points) * (points[-1][0] - points[0][0]) if points else 0.0
