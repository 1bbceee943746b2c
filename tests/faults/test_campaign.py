"""The table of the campaign speaks of tests and code that exist."""

import ast

import pytest

from .campaign import ROOT, ROWS
from .page import page, with_new_verdicts

PROOFS = [proof for row in ROWS for proof in row.proofs]
#: What the campaign has to cover.
WANTED = [
    "kill -9",
    "SIGSTOP",
    "pigpiod gone and back",
    "SPI error",
    "USB serial unplugged",
    "disk full",
    "clock set by ± 10 years",
    "another address by DHCP",
    "broker away",
    "500 idle connections",
    "slow readers",
]


def test_every_fault_has_a_row_with_a_proof():
    assert [row.fault for row in ROWS] == WANTED
    assert all(row.proofs for row in ROWS)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.behavior)
def test_the_test_of_a_row_exists_and_what_it_needs_can_be_removed(proof):
    tree = ast.parse(proof.file.read_text(encoding="utf-8"))
    names = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert proof.function in names
    text = (ROOT / proof.edit.file).read_text(encoding="utf-8")
    removed = proof.edit.removed_from(text)
    assert removed != text
    if proof.edit.file.endswith(".py"):
        ast.parse(removed)


def test_an_edit_that_does_not_find_its_place_says_so():
    with pytest.raises(ValueError, match="occurs 0 times"):
        PROOFS[0].edit.removed_from("something else")


def test_the_page_has_the_rows_as_they_are_now():
    shown = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    for row in ROWS:
        assert f"| {row.fault} | {row.charging} | {row.told} |" in shown
        for proof in row.proofs:
            assert proof.behavior in shown


def test_a_test_that_did_not_fail_is_marked():
    found = page([(ROWS[0], [(proof, "passed") for proof in ROWS[0].proofs])], "today", "here")
    assert found.count("**did not fail**") == len(ROWS[0].proofs)


def test_single_lines_of_the_page_can_be_made_anew():
    proofs = ROWS[0].proofs
    before = page([(ROWS[0], [(proof, "passed") for proof in proofs])], "today", "here")
    after = with_new_verdicts(before, [(ROWS[0], [(proofs[0], "failed")])])
    assert after.count("**did not fail**") == len(proofs) - 1
    with pytest.raises(ValueError, match="has no line"):
        with_new_verdicts(before, [(ROWS[1], [(ROWS[1].proofs[0], "failed")])])
