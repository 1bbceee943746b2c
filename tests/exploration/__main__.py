"""Explore from the command line: ``python -m tests.exploration [--full] [NAME...]``."""

import argparse
import sys
import time
from collections import Counter

from .explorer import explore
from .invariants import INVARIANTS
from .stories import FULL, SMALL


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Explore every alphabet; print what was reached and how often each invariant was checked."""
    parser = argparse.ArgumentParser(prog="tests.exploration", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the wide alphabets as well")
    parser.add_argument("names", nargs="*", help="only these alphabets")
    options = parser.parse_args()
    stories = [*SMALL, *(FULL if options.full else ())]
    checks: Counter[str] = Counter()
    states = transitions = 0
    for story in stories:
        if options.names and story.name not in options.names:
            continue
        begin = time.process_time()
        found = explore(story)
        checks.update(found.checks)
        states += found.states
        transitions += found.transitions
        end = "all of them" if found.complete else "stopped at the bound"
        _say(
            f"{found.name:16} {len(story.letters):3} letters {found.states:8} states ({end})"
            f" {found.transitions:9} transitions {time.process_time() - begin:6.1f} s"
        )
    _say(f"{'together':16} {'':11} {states:8} states {'':13} {transitions:9} transitions\n")
    for name in INVARIANTS:
        _say(f"{checks[name]:10} x  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
