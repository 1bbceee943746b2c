"""``evsed replay``: recorded traces through the charging rules."""

import argparse
import sys
from pathlib import Path
from typing import Final

from evsed.errors import BadFileError
from evsed.station.replay import Verdict, replay
from evsed.station.trace import parse_trace

#: Exit statuses: all well; the answer is no; the question cannot be answered.
YES: Final = 0
NO: Final = 1
UNANSWERED: Final = 2


def run(given: argparse.Namespace) -> int:
    """Replay every file; return 0 when everything is as expected, 1 if not, 2 for a bad file."""
    status = YES
    checked = held = 0
    for file in given.files:
        try:
            verdict = _replayed(file)
        except BadFileError as error:
            print(f"evsed: {error}", file=sys.stderr)
            status = UNANSWERED
            continue
        wrong = {difference.t_ms for difference in verdict.differences}
        checked += verdict.checked
        held += verdict.checked - len(wrong)
        if wrong:
            status = max(status, NO)
            first = verdict.differences[0]
            print(
                f"{file}: at {first.t_ms} ms {first.key}: "
                f"expected {first.expected!r}, got {first.got!r}"
            )
    print(f"{len(given.files)} files, {held} of {checked} expectations hold")
    return status


def _replayed(file: Path) -> Verdict:
    try:
        with file.open(encoding="utf-8") as lines:
            trace = parse_trace(lines, source=str(file))
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else f"not a text file: {error}"
        raise BadFileError(f"{file}: {words}") from error
    try:
        return replay(trace)
    except BadFileError as error:
        raise BadFileError(f"{file}: {error}") from error
