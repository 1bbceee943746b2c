"""Updates of the installed package in virtual Debian machines."""

import os

import pytest
from test_package import GUEST, SLOW, SUITES, files, machine

pytestmark = pytest.mark.system

SCRIPT = str(GUEST / "update.sh")


@pytest.mark.parametrize("suite", SUITES)
def test_an_update_is_installed_a_broken_one_undone_and_others_are_refused(suite: str) -> None:
    said = machine(suite, *files(suite), SCRIPT, SLOW, "all")
    print(said)
    assert "update.sh: all is well" in said


@pytest.mark.parametrize("seconds", ["0", "2", "8", "20"])
@pytest.mark.parametrize("suite", SUITES[:1])
def test_a_power_cut_in_the_middle_leaves_one_of_the_two_versions(suite: str, seconds: str) -> None:
    name = f"evsed-update-{os.getpid()}-{seconds}"
    print(machine(suite, "--name", name, "--cut", *files(suite), SCRIPT, SLOW, "begin", seconds))
    said = machine(suite, "--name", name, *files(suite), SCRIPT, SLOW, "after")
    print(said)
    assert "update.sh: all is well" in said
