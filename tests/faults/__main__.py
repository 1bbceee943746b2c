"""The campaign from the command line: ``python -m tests.faults [--removed] [--only WORD]``.

Without ``--removed`` it runs the tests of the table on the program as it is.
"""

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from evsed.bench.machine_facts import facts

from .campaign import ROOT, ROWS, Edit, Proof, Row
from .page import page, with_new_verdicts

SHOWN = ROOT / "docs" / "faults.md"
_LONGEST_S = 900
#: pytest's exit status when tests failed; anything else but 0 is no verdict
_TESTS_FAILED = 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def _copy_of_the_tree() -> Iterator[Path]:
    """Yield a copy of what git knows, or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    with tempfile.TemporaryDirectory(prefix="evsed-faults-") as name:
        for file in filter(None, listed.stdout.decode().split("\0")):
            if not (ROOT / file).exists():
                continue
            target = Path(name, file)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / file).read_bytes())
            target.chmod((ROOT / file).stat().st_mode)
        _give_it_a_python(Path(name))
        yield Path(name)


def _give_it_a_python(tree: Path) -> None:
    """Make a Python in the copy that has the libraries of this one and the program of the copy.

    A search path in the environment is not enough: the workers of scripts ignore it.
    """
    venv.create(tree / ".venv", symlinks=True)
    (packages,) = (tree / ".venv" / "lib").glob("python*/site-packages")
    (packages / "tree.pth").write_text(f"{tree}\n{sysconfig.get_path('purelib')}\n")


@contextmanager
def _without(tree: Path, edit: Edit) -> Iterator[None]:
    """Take a behavior out of the copy for as long as this lasts."""
    file = tree / edit.file
    text = file.read_text(encoding="utf-8")
    file.write_text(edit.removed_from(text), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")


def _ended(tree: Path, proof: Proof) -> str:
    """Run one test in a tree; return how it ended."""
    command = [str(tree / ".venv" / "bin" / "python"), "-m", "pytest", "-q", "-x"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", f"tests/{proof.test}"],
            cwd=tree,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
        )
    except subprocess.TimeoutExpired:
        return f"no end within {_LONGEST_S} s"
    if done.returncode == _TESTS_FAILED:
        return "failed"
    if done.returncode == 0:
        return "passed"
    return f"pytest ended with {done.returncode}: {done.stdout[-300:]}"


def _removed(rows: list[Row]) -> list[tuple[Row, list[tuple[Proof, str]]]]:
    found = []
    with _copy_of_the_tree() as tree:
        for row in rows:
            proofs = []
            for proof in row.proofs:
                with _without(tree, proof.edit):
                    ended = _ended(tree, proof)
                _say(f"{row.fault}: without {proof.behavior!r}: {ended}")
                proofs.append((proof, ended))
            found.append((row, proofs))
    return found


def _as_it_is(rows: list[Row]) -> bool:
    tests = sorted({f"tests/{proof.test}" for row in rows for proof in row.proofs})
    command = [sys.executable, "-m", "pytest", "-q", *tests]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def main() -> int:
    """Run what is asked for; 0 when every behavior was shown."""
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    parser.add_argument("--removed", action="store_true", help="remove each behavior, in a copy")
    parser.add_argument(
        "--only",
        default="",
        metavar="WORD",
        help="faults with this word; the other lines of the page stay",
    )
    options = parser.parse_args()
    rows = [row for row in ROWS if options.only in row.fault]
    if not options.removed:
        return 0 if _as_it_is(rows) else 1
    found = _removed(rows)
    if options.only:
        text = with_new_verdicts(SHOWN.read_text(encoding="utf-8"), found)
    else:
        text = page(found, f"{datetime.now(UTC):%Y-%m-%d}", facts(None, None).machine)
    SHOWN.write_text(text, encoding="utf-8")
    _say(f"{SHOWN.name}: written")
    return 0 if all(ended == "failed" for _, proofs in found for _, ended in proofs) else 1


if __name__ == "__main__":
    sys.exit(main())
