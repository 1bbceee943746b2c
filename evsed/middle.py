"""Mean and median: the module ``statistics`` brings half a megabyte of exact arithmetic along."""

import math
from collections.abc import Collection


def mean(values: Collection[float]) -> float:
    """Return the mean of at least one value."""
    return math.fsum(values) / len(values)


def median(values: Collection[float]) -> float:
    """Return the middle of at least one value, between the two middle ones if need be."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def median_low(values: Collection[float]) -> float:
    """Return the middle of at least one value, the lower of the two middle ones if need be."""
    return sorted(values)[(len(values) - 1) // 2]
