"""The rows as a page and as JSON, with date, machine and versions."""

import importlib.metadata
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import evsed
from evsed.bench.machine_facts import facts
from evsed.bench.report_rows import Row
from evsed.bench.targets import CAUSES
from evsed.errors import BadFileError

BEGIN: Final = "<!-- measured by `make bench`: begin -->"
END: Final = "<!-- measured by `make bench`: end -->"
_LIBRARIES: Final = ("aiohttp", "pymodbus", "wsgidav", "cheroot")


def versions() -> dict[str, str]:
    """Return the versions of what is compared; those that are not installed are left out."""
    found = {"evsed": evsed.__version__}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def as_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Return everything for programs."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": asdict(facts(None, None)),
        "versions": versions(),
        "rows": [
            asdict(row)
            | {"ratio": row.ratio, "met": row.met, "target": row.target and str(row.target)}
            for row in rows
        ],
    }


def as_page(rows: Sequence[Row]) -> str:
    """Return the table for people, and the causes of what was missed."""
    here = facts(None, None)
    named = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {here.machine}, {here.cores} cores, {here.kernel}, Python "
        f"{here.python}, load average {here.load_average:.1f} at the end; {named}.",
        "",
        "| | measured | beside, in the same run | ratio | target | |",
        "|---|--:|--:|--:|--:|---|",
        *(_line(row) for row in rows),
        "",
        *(f"- {row.detail}: {row.what}." for row in rows if row.detail),
    ]
    missed = [row.what for row in rows if row.met is False]
    if missed:
        lines += ["", "Missed, and why:", "", *(f"- {what}: {CAUSES[what]}" for what in missed)]
    return "\n".join(lines)


def _line(row: Row) -> str:
    if row.trouble:
        return f"| {row.what} | not measured: {row.trouble} | | | {row.target or ''} | |"
    verdict = {True: "met", False: "**missed**", None: ""}[row.met]
    beside = f"{row.anchor} {_number(row.beside)}" if row.beside else row.anchor
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    figure = f"{_number(row.figure)} {row.unit}"
    return f"| {row.what} | {figure} | {beside} | {ratio} | {row.target or ''} | {verdict} |"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def put_between_markers(page: Path, text: str) -> None:
    """Replace what stands between the markers.

    Raises:
        BadFileError: the page has no markers.
    """
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BadFileError(f"{page}: has no {BEGIN!r} and {END!r}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
