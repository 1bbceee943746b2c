"""``evsed bench all``: every benchmark once, and one table of what was found beside what is wanted.

Each kind runs as a process of its own, so that none falls over another's mess; one that fails is
a line in the table.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from evsed.bench.report_page import as_json, as_page, put_between_markers
from evsed.bench.report_rows import Row, rows_of

#: What each kind is given: as a rule, and when only to see whether it works.
KINDS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "resources": (("--starts", "10"), ("--starts", "1", "--seconds", "1")),
    "reaction": (("--count", "200"), ("--count", "1", "--load", "--kinds", "s2-opens")),
    "lateness": (("--seconds", "45"), ("--seconds", "1", "--load")),
    "http": (("--rounds", "10"), ("--rounds", "1", "--clients", "2")),
    "webdav": (("--rounds", "4"), ("--rounds", "1", "--count", "5")),
    "modbus": (("--seconds", "6"), ("--seconds", "1", "--clients", "1")),
    "metering": (("--seconds", "10"), ("--seconds", "1", "--boards", "sim")),
}
_LONGEST_S: Final = 900
Outcome = tuple[Any, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Run every benchmark, some ten minutes, and print one table: figures, anchors measured in "
        "the same run, targets. What cannot be measured is a line that says why. Exit status 0 "
        "whatever the figures are."
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only to see that it works: a moment of each, all at once; the figures mean nothing",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="put the table between the markers of this page"
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=tuple(KINDS), default=tuple(KINDS), help="default: all"
    )
    parser.set_defaults(act=_act)


def _act(given: argparse.Namespace) -> int:
    found = asyncio.run(_all(given.kinds, quick=given.quick))
    rows: list[Row] = []
    for kind, (figures, trouble) in found.items():
        rows += rows_of(kind, figures) if figures is not None else [Row(kind, trouble=trouble)]
    print(as_page(rows))
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(as_json(rows), indent=1) + "\n")
    if given.page is not None:
        put_between_markers(given.page, as_page(rows))
    return 0


async def _all(kinds: Sequence[str], *, quick: bool) -> dict[str, Outcome]:
    with tempfile.TemporaryDirectory(prefix="evsed-bench-") as folder:
        if quick:
            outcomes = await asyncio.gather(*(_one(kind, Path(folder), quick=1) for kind in kinds))
            return dict(zip(kinds, outcomes, strict=True))
        return {kind: await _one(kind, Path(folder), quick=0) for kind in kinds}


async def _one(kind: str, folder: Path, *, quick: int) -> Outcome:
    """Run one kind; return its figures, or None and why there are none."""
    print(f"{kind} ...", file=sys.stderr, flush=True)
    file = folder / f"{kind}.json"
    command = [sys.executable, "-m", "evsed", "bench", kind, *KINDS[kind][quick]]
    # A session of its own: what it started ends with it, also when it has to be killed.
    process = await asyncio.create_subprocess_exec(
        *command, "--json", str(file), stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    try:
        async with asyncio.timeout(_LONGEST_S):
            _, said = await process.communicate()
    except TimeoutError:
        process.terminate()
        await process.wait()
        return None, f"no end within {_LONGEST_S} s"
    if process.returncode or not file.exists():
        lines = said.decode(errors="replace").strip().splitlines() or ["it says nothing"]
        return None, lines[-1][:200]
    return json.loads(file.read_text()), ""
