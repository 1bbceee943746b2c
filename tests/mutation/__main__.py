"""Mutate the charging rules: ``python -m tests.mutation [--mutants N] [--seed N] [--jobs N]``.

mutmut makes the mutants and runs the quick tests on them (decision 42). The survivors are then
put to the slower tests one after the other. Everything happens in a copy, ``build/mutation``.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from .report import WANTED, Draw, Fate, page, share_killed
from .sample import sample

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutation"
SHOWN = ROOT / "docs" / "mutation.md"
SETTINGS = Path(__file__).with_name("mutmut.toml")
QUICK = "tests/unit/charging"
#: What survivors have to pass, by name; the fastest first.
SLOWER = {
    "tests/properties": ["tests/properties/test_charging_rules.py"],
    "tests/scenarios": ["tests/scenarios", "--deselect=tests/scenarios/test_street_at_random.py"],
    "tests/contract/traces": ["tests/contract/traces"],
    "tests/exploration": ["tests/exploration"],
}
_LONGEST_S = 1800
#: mutmut's exit statuses. Source: mutmut/stats.py
_SURVIVED = (0,)
_NOT_TRIED = (None, 2, 34)
_TIME_OUT = (36, 24, -24, 152, 255)
_NOTHING = "nothing.matches.this"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _copy_the_tree() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for file in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / file).exists():
            (COPY / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, COPY / file)
    with (COPY / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write(SETTINGS.read_text(encoding="utf-8"))


def _mutmut(*words: str, within_s: float | None = None) -> str:
    """Run mutmut; return what it prints. It is interrupted when it takes too long."""
    mutmut = Path(sys.executable).with_name("mutmut")
    with (COPY / "mutmut.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [str(mutmut), *words],
            cwd=COPY,
            env={**os.environ, "PYTHONPATH": "", "TERM": "dumb"},
            stdout=subprocess.PIPE if words[0] == "show" else log,
            stderr=log,
            text=True,
        )
        try:
            return process.communicate(timeout=within_s)[0] or ""
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            return process.communicate()[0] or ""


def _statuses() -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for file in (COPY / "mutants" / "evsed" / "charging").glob("*.meta"):
        found |= json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def _killed_by_slower_tests(name: str) -> str:
    """Put one mutant to the slower tests; return which noticed it, or nothing."""
    before = {file: file.read_bytes() for file in (COPY / "evsed" / "charging").glob("*.py")}
    try:
        _mutmut("apply", name)
        if all(file.read_bytes() == text for file, text in before.items()):
            raise RuntimeError(f"{name}: could not be applied, see {COPY}/mutmut.log")
        for shown, words in SLOWER.items():
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
            try:
                done = subprocess.run(
                    [*command, *words],
                    cwd=COPY,
                    env={**os.environ, "PYTHONPATH": str(COPY)},
                    capture_output=True,
                    timeout=_LONGEST_S,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return f"{shown}, by never ending"
            if done.returncode == 1:
                return shown
        return ""
    finally:
        for file, text in before.items():
            file.write_bytes(text)


def _fates(chosen: Iterable[str], *, quick: bool) -> list[Fate]:
    statuses, fates = _statuses(), []
    for name in chosen:
        status = statuses[name]
        if status in _NOT_TRIED:
            continue
        if status in _TIME_OUT:
            fates.append(Fate(name, f"{QUICK}, by never ending"))
        elif status in _SURVIVED or status in {33, 5}:
            killed_by = "" if quick else _killed_by_slower_tests(name)
            difference = "" if killed_by else _mutmut("show", name)
            _say(f"{name}: {killed_by or 'survives'}")
            fates.append(Fate(name, killed_by, difference))
        else:
            fates.append(Fate(name, QUICK))
    return fates


def main() -> int:
    """Mutate, judge, write the page; 0 when enough was noticed."""
    parser = argparse.ArgumentParser(prog="tests.mutation", description=__doc__)
    parser.add_argument("--mutants", type=int, default=100, metavar="N", help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="at once (%(default)s)")
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="leave out what takes longer; 0: judge only"
    )
    parser.add_argument("--quick", action="store_true", help="without the slower tests")
    parser.add_argument("--go-on", action="store_true", help="with the copy of the last run")
    options = parser.parse_args()
    began_s = time.monotonic()
    if not options.go_on:
        _copy_the_tree()
        # makes all mutants and finds out which tests go through what, then has nothing to try
        _mutmut("run", "--max-children", str(options.jobs), _NOTHING)
    names = _statuses()
    chosen = sample(names, options.mutants, options.seed)
    _say(f"{len(chosen)} of {len(names)} mutants; {time.monotonic() - began_s:.0f} s so far")
    if options.minutes != 0:
        left_s = None if options.minutes is None else options.minutes * 60
        _mutmut("run", "--max-children", str(options.jobs), *chosen, within_s=left_s)
    fates = _fates(chosen, quick=options.quick)
    if not fates:
        raise RuntimeError(f"no mutant was tried, see {COPY}/mutmut.log")
    made_on = f"{datetime.now(UTC):%Y-%m-%d}"
    SHOWN.write_text(
        page(fates, Draw(len(names), len(chosen), options.seed), made_on), encoding="utf-8"
    )
    share = share_killed(fates)
    _say(f"{share:.1%} noticed; {time.monotonic() - began_s:.0f} s; {SHOWN.name}: written")
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
