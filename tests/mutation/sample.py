"""Which mutants are tried: a seeded sample, every module in proportion."""

import random
from collections.abc import Iterable, Sequence


def sample(names: Iterable[str], count: int, seed: int) -> Sequence[str]:
    """Return so many of the names, the same for the same seed; all when there are no more."""
    ordered = sorted(names)
    if count >= len(ordered):
        return ordered
    return sorted(random.Random(seed).sample(ordered, count))  # noqa: S311  # no secret
