"""The lock files say exactly what `pyproject.toml` permits, and its floors are really tested."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEPENDENCIES = [Requirement(text) for text in PROJECT["dependencies"]]
LOCK_FILES = [
    "requirements.txt",
    "requirements-spi.txt",
    "requirements-test.txt",
    "requirements-dev.txt",
    "requirements-bench.txt",
    "requirements-mutation.txt",
    "requirements-bookworm.txt",
]


def pins(name: str) -> dict[str, str]:
    """Return package and version of every line, other lock files it names included."""
    found: dict[str, str] = {}
    for line in (ROOT / name).read_text().splitlines():
        if line.startswith("-r "):
            found |= pins(line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            package, _, version = line.partition("==")
            found[canonicalize_name(package)] = version
    return found


@pytest.mark.parametrize("name", LOCK_FILES)
def test_a_lock_file_names_one_exact_version_per_line(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line[:1] not in {"", "#"}]

    loose = [line for line in lines if not re.fullmatch(r"-r \S+|[\w.-]+==[\w.]+", line)]

    assert loose == []


@pytest.mark.parametrize(
    "names", [["requirements.txt", "requirements-spi.txt"], ["requirements-bookworm.txt"]]
)
@pytest.mark.parametrize("dependency", DEPENDENCIES, ids=lambda dependency: dependency.name)
def test_what_is_installed_is_what_the_project_permits(
    names: list[str], dependency: Requirement
) -> None:
    found: dict[str, str] = {}
    for name in names:
        found |= pins(name)
    assert found[canonicalize_name(dependency.name)] in dependency.specifier


@pytest.mark.parametrize("dependency", DEPENDENCIES, ids=lambda dependency: dependency.name)
def test_the_lowest_permitted_version_is_the_one_of_debian_12(dependency: Requirement) -> None:
    floors = [bound.version for bound in dependency.specifier if bound.operator == ">="]

    assert floors == [pins("requirements-bookworm.txt")[canonicalize_name(dependency.name)]]


def test_every_tool_of_the_dev_extra_is_locked() -> None:
    tools = [Requirement(text) for text in PROJECT["optional-dependencies"]["dev"]]

    missing = [
        tool.name
        for tool in tools
        if canonicalize_name(tool.name) not in pins("requirements-dev.txt")
    ]

    assert missing == []
