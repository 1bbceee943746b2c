"""Versions are ordered as dpkg orders them."""

import itertools
import random
import subprocess

import pytest

from evsed.services.update.versions import compare, same, shown, upstream

#: Each is lower than the next.
LADDER = [
    "0",
    "0.1~~",
    "0.1~",
    "0.1~rc1",
    "0.1~rc10",
    "0.1",
    "0.1a",
    "0.1+b",
    "0.2",
    "0.10",
    "1",
    "a",
]


def test_versions_climb_the_ladder():
    for lower, higher in itertools.pairwise(LADDER):
        assert compare(lower, higher) == -1, (lower, higher)
        assert compare(higher, lower) == 1


@pytest.mark.parametrize("version", ["0.1", "0.1~rc1", "1.0a+b", ""])
def test_a_version_equals_itself(version):
    assert compare(version, version) == 0


def test_leading_zeros_do_not_count():
    assert compare("0.01", "0.1") == 0
    assert compare("00.1", "0.1") == 0


def test_the_v_the_epoch_and_the_revision_are_not_part_of_a_release():
    assert upstream("v0.4.1") == "0.4.1"
    assert upstream("0.4.1-1") == "0.4.1"
    assert upstream("1:0.4.1-2-1~bpo12+1") == "0.4.1-2"
    assert same("v9.9.9", "9.9.9-1")
    assert not same("v9.9.9", "9.9.10")


def test_a_number_is_shown_with_a_v_and_only_with_one():
    assert [shown(text) for text in ("9.9", "v9.9", "latest")] == ["v9.9", "v9.9", "latest"]


def test_thousands_of_digits_are_compared_too():
    assert compare("9" * 100_000, "9" * 99_999) == 1


def test_dpkg_agrees():
    dice = random.Random(5)  # noqa: S311 - the same versions in every run
    for _ in range(60):
        one, other = ("0" + "".join(dice.choices("0129a.+~Z", k=dice.randrange(6))) for _ in "ab")
        order = {-1: "lt", 0: "eq", 1: "gt"}[compare(one, other)]
        command = ["dpkg", "--compare-versions", one, order, other]
        assert subprocess.run(command, check=False).returncode == 0, (one, order, other)
