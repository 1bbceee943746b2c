"""The built package in virtual Debian machines. README.md here says what has to be there first."""

import os
import random
import shlex
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
GUEST = Path(__file__).with_name("guest")
#: limits of a machine whose processor is emulated are this many times as long
SLOW = os.environ.get("EVSED_SLOW", "1")
SUITES = os.environ.get("EVSED_SUITES", "bookworm trixie").split()
CUTS = int(os.environ.get("EVSED_CUTS", "3"))
_LONGEST_S = 3600


def machine(suite: str, *words: str) -> str:
    """Run a script as root in a machine; return what it said, and fail when it does."""
    command = os.environ.get("EVSED_MACHINE")
    assert command, "EVSED_MACHINE is not set: tests/system/README.md says to what"
    whole = [*shlex.split(command), "--suite", suite, *words]
    done = subprocess.run(
        whole,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def files(suite: str) -> list[str]:
    """Return the options that bring packages and programs into the machine."""
    ours = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    packages = [*ROOT.glob("dist/evsed_*.deb"), *ROOT.glob(f"dist/evsed-lua54_*_{ours}.deb")]
    assert len(packages) == 2, "make deb comes first"
    pool = os.environ.get("EVSED_POOL")
    missing = sorted((Path(pool) / suite).glob("*.deb")) if pool else []
    brought = [*packages, *missing, *sorted(GUEST.iterdir())]
    return [word for file in brought if file.is_file() for word in ("--file", str(file))]


@pytest.mark.parametrize("suite", SUITES)
def test_the_package_lives_as_it_should(suite: str) -> None:
    said = machine(suite, *files(suite), str(GUEST / "lifecycle.sh"), SLOW)
    print(said)
    assert "nothing left behind" in said


@pytest.mark.parametrize("suite", SUITES[:1])
def test_power_cuts_lose_nothing_but_the_last_minutes(suite: str, tmp_path: Path) -> None:
    dice = random.Random(suite)  # noqa: S311  # moments, no secret
    name = f"evsed-cuts-{os.getpid()}"
    for number in range(CUTS):
        seconds = str(dice.randint(3, 20))
        words = ["--name", name, "--cut", *files(suite), str(GUEST / "power-cut.sh"), seconds]
        said = machine(suite, *words)
        print(f"cut {number + 1}: {said}")
        assert "charging, " in said
