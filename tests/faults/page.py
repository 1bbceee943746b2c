"""docs/faults.md, from what was found."""

from collections.abc import Sequence
from pathlib import Path

from .campaign import Proof, Row

_PAGE = Path(__file__).with_name("page.md")

Found = Sequence[tuple[Row, Sequence[tuple[Proof, str]]]]


def page(found: Found, date: str, machine: str) -> str:
    """Return the page; ``found`` has for each proof how its test ended on the changed copy."""
    rows = [f"| {row.fault} | {row.charging} | {row.told} |" for row, _ in found]
    proofs = [
        _begin(row, proof) + _verdict(ended) + " |"
        for row, proofs in found
        for proof, ended in proofs
    ]
    return _PAGE.read_text(encoding="utf-8").format(
        date=date, machine=machine, rows="\n".join(rows), proofs="\n".join(proofs)
    )


def with_new_verdicts(text: str, found: Found) -> str:
    """Return a page with the lines of some proofs replaced.

    Raises:
        ValueError: a proof has no line yet; the whole page has to be made.
    """
    lines = text.splitlines()
    for row, proofs in found:
        for proof, ended in proofs:
            begin = _begin(row, proof)
            places = [place for place, line in enumerate(lines) if line.startswith(begin)]
            if len(places) != 1:
                raise ValueError(f"the page has no line for {proof.behavior!r}")
            lines[places[0]] = begin + _verdict(ended) + " |"
    return "\n".join(lines) + "\n"


def _begin(row: Row, proof: Proof) -> str:
    return f"| {row.fault} | {proof.behavior} | "


def _verdict(ended: str) -> str:
    return "fails" if ended == "failed" else f"**did not fail**: {ended}"
