"""docs/mutation.md, from what became of each mutant."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .reasons import reason

_PAGE = Path(__file__).with_name("page.md")
WANTED = 0.95
#: Fewer mutants say nothing about a share of 95 %.
ENOUGH = 60


@dataclass(frozen=True)
class Fate:
    """What became of one mutant.

    Args:
        name: module, function and number, as mutmut gives them.
        killed_by: what noticed it; empty when nothing did.
        difference: of a survivor, as a patch.
    """

    name: str
    killed_by: str
    difference: str = ""


def share_killed(fates: Sequence[Fate]) -> float:
    """Return the share that was noticed."""
    return sum(bool(fate.killed_by) for fate in fates) / len(fates)


@dataclass(frozen=True)
class Draw:
    """Where the mutants come from: how many there are, were drawn, and with which seed."""

    total: int
    drawn: int
    seed: int


def page(fates: Sequence[Fate], draw: Draw, made_on: str) -> str:
    """Return the page."""
    killers = Counter(fate.killed_by for fate in fates if fate.killed_by)
    survivors = [fate for fate in fates if not fate.killed_by]
    share = share_killed(fates)
    return _PAGE.read_text(encoding="utf-8").format(
        made_on=made_on,
        seed=draw.seed,
        tried=len(fates),
        drawn=draw.drawn,
        total=draw.total,
        killed=len(fates) - len(survivors),
        share=f"{share:.1%}",
        verdict=_verdict(share, len(fates)),
        killers="\n".join(f"| {name} | {count} |" for name, count in killers.most_common()),
        survivors="\n".join(map(_survivor, survivors)) or "None.",
    )


def _verdict(share: float, tried: int) -> str:
    if tried < ENOUGH:
        return "too few to judge"
    return "met" if share >= WANTED else "**missed**"


def _survivor(fate: Fate) -> str:
    why = reason(fate.difference) or "**no reason has been written: a gap in the tests**"
    return f"**{fate.name}**: {why}\n\n```diff\n{fate.difference.strip()}\n```\n"
