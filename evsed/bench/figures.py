"""Distributions and tables of what was measured. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

#: Per mille of a distribution that the tables show.
_SHOWN: Final = (500, 990, 999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Some percentiles of whole numbers, nearest rank."""

    count: int
    mean: float
    p50: int
    p99: int
    p999: int
    worst: int


def distribution(values: Iterable[int]) -> Distribution | None:
    """Return the distribution, or None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    p50, p99, p999 = (_rank(ordered, per_mille) for per_mille in _SHOWN)
    return Distribution(
        count=len(ordered),
        mean=sum(ordered) / len(ordered),
        p50=p50,
        p99=p99,
        p999=p999,
        worst=ordered[-1],
    )


def _rank(ordered: Sequence[int], per_mille: int) -> int:
    """Return the smallest value that so many per mille of all do not exceed."""
    rank = -(-len(ordered) * per_mille // 1000)
    return ordered[max(rank, 1) - 1]


def milliseconds(us: int) -> str:
    """Return microseconds as the tables show them."""
    return f"{us / 1000:.2f}"


def shown(found: Distribution | None) -> list[str]:
    """Return count, p50, p99, p99.9 and worst of microseconds, as a table shows them."""
    if found is None:
        return ["0", "-", "-", "-", "-"]
    figures = (found.p50, found.p99, found.p999, found.worst)
    return [str(found.count), *(milliseconds(us) for us in figures)]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned text: first column left, the others right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
