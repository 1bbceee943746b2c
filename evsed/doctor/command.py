"""``evsed doctor``."""

import argparse
from pathlib import Path
from typing import Final

from evsed.board.description import Board
from evsed.board.reader import find_board, read_board
from evsed.doctor.checks import Patient, examine
from evsed.doctor.finding import Finding, Verdict, bad
from evsed.errors import BadFileError
from evsed.settings.administrator import read_administrator

_MARKS: Final = {Verdict.GOOD: "ok   ", Verdict.ADVICE: "note ", Verdict.BAD: "WRONG"}
_CONFIG: Final = Path("/etc/evsed/evsed.yaml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Look at this computer, its firmware settings, devices, services and limits, and say how "
        "to mend what is not right. Changes nothing. Exit status 0: nothing is wrong, 1: "
        "something is."
    )
    parser.add_argument("--board", metavar="F", help="board file, or the name of a shipped board")
    parser.set_defaults(act=run)


def run(given: argparse.Namespace) -> int:
    """Print every finding; return 0 when nothing is wrong, else 1."""
    board, findings = _board(given.board)
    findings += examine(Patient(board=board))
    for finding in findings:
        print(f"{_MARKS[finding.verdict]}  {finding.topic}: {finding.seen}")
        if finding.remedy:
            print(f"       -> {finding.remedy}")
    wrong = sum(finding.verdict is Verdict.BAD for finding in findings)
    print(f"{wrong or 'nothing'} to mend")
    return int(bool(wrong))


def _board(named: str | None) -> tuple[Board | None, list[Finding]]:
    """Return the board in use, and what is wrong with the files that describe it."""
    try:
        chosen = named or read_administrator(_CONFIG if _CONFIG.exists() else None).board
        return read_board(find_board(chosen)), []
    except BadFileError as error:
        remedy = "evsed check-board FILE checks a board file"
        return None, [bad("board", line, remedy) for line in str(error).splitlines()[:1]]
