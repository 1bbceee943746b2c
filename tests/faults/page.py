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
        f"| {row.fault} | {proof.behavior} | {_verdict(ended)} |"
        for row, proofs in found
        for proof, ended in proofs
    ]
    return _PAGE.read_text(encoding="utf-8").format(
        date=date, machine=machine, rows="\n".join(rows), proofs="\n".join(proofs)
    )


def _verdict(ended: str) -> str:
    return "fails" if ended == "failed" else f"**did not fail**: {ended}"
