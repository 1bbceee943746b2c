"""Fuzz from the command line: ``python -m tests.fuzz [--runs N] [--seed N] [NAME...]``.

Guided by coverage (atheris, libFuzzer). Each target runs in a process of its own; what breaks it
is left in a file, which belongs into ``tests/fuzz/seeds`` once it is mended.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from .corpus import examples

_OURS = Path(__file__).parent
#: Longest input, bytes: a frame of the line and some more; documents are longer.
_LONGEST = {"at": 512, "modbus-rtu": 600, "modbus-tcp": 600, "nextion": 512, "time-zone": 256}
_LONGEST_DOCUMENT = 4096


def _names() -> list[str]:
    return sorted(path.name for path in (_OURS / "seeds").iterdir())


def _fuzz_here(name: str, arguments: list[str]) -> None:
    import atheris  # noqa: PLC0415  # instruments what is imported after it

    with atheris.instrument_imports(include=["evsed", "tests.fuzz"]):
        from .targets import feed  # noqa: PLC0415

    atheris.Setup([sys.argv[0], *arguments], lambda data: feed(name, data))
    atheris.Fuzz()


def _fuzz(name: str, runs: int, seed: int) -> int:
    """Run one target in a process of its own; return its exit status."""
    with tempfile.TemporaryDirectory(prefix="evsed-fuzz-") as folder:
        for number, data in enumerate(examples(name)):
            (Path(folder) / f"seed{number}").write_bytes(data)
        longest = _LONGEST.get(name, _LONGEST_DOCUMENT)
        arguments = [f"-runs={runs}", f"-seed={seed}", f"-max_len={longest}", "-verbosity=0"]
        arguments += ["-timeout=10", "-rss_limit_mb=1024", f"-artifact_prefix=fuzz-{name}-"]
        command = [sys.executable, "-m", "tests.fuzz", "--here", name, "--", *arguments, folder]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
    return done.returncode


def main() -> int:
    """Fuzz the named targets, or all; return 1 when one of them broke."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="executions of each target")
    parser.add_argument("--seed", type=int, default=20261130)
    parser.add_argument("--here", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    if options.here:
        _fuzz_here(options.here, options.names)
        return 0
    broken = []
    for name in options.names or _names():
        status = _fuzz(name, options.runs, options.seed)
        sys.stdout.write(f"{name:16} {options.runs} executions, status {status}\n")
        sys.stdout.flush()
        if status:
            broken.append(name)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
