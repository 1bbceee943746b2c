"""What the package's files say of the program is true of it."""

import re
import tomllib
from pathlib import Path

import pytest

from evsed import __version__, cli
from evsed.board.reader import NoBoardError, read_board
from evsed.settings.administrator import Administrator, read_administrator

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "systemd" / "evsed.service").read_text()
#: what Debian calls them
_NAMES = {"pyserial": "serial", "pyyaml": "yaml"}


def test_the_package_has_the_programs_version() -> None:
    first = (ROOT / "debian" / "changelog").read_text().splitlines()[0]
    assert first.startswith(f"evsed ({__version__}) ")


def test_every_library_is_a_dependency_of_the_package_but_lupa() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    control = (ROOT / "debian" / "control").read_text()
    depends = control.split("Package: evsed\n")[1].split("Recommends:")[0]
    wanted = {re.split(r"[<>=]", one)[0].lower() for one in project["dependencies"]} - {"lupa"}
    assert wanted
    missing = [name for name in wanted if f"python3-{_NAMES.get(name, name)} " not in depends]
    assert not missing


def test_the_service_starts_the_daemon_with_options_it_has() -> None:
    command = re.search(r"^ExecStart=/usr/bin/evsed (.*)$", UNIT, re.MULTILINE)
    assert command is not None
    given = cli._parser().parse_args(command[1].replace("%t", "/run").split())
    assert given.guard == Path("/run/evsed-guard/socket")
    assert given.runtime_dir == Path("/run/evsed")
    guard = (ROOT / "systemd" / "evsed-guard.service").read_text()
    assert "--socket %t/evsed-guard/socket --pins %t/evsed/pins" in guard


@pytest.mark.parametrize(
    "line",
    [
        "Type=notify",
        "WatchdogSec=2",
        "Restart=always",
        "ExecStopPost=+/usr/libexec/evsed/safe-off",
        "RuntimeDirectoryPreserve=yes",
        "User=evsed",
    ],
)
def test_the_service_keeps_its_promises(line: str) -> None:
    assert line in UNIT.splitlines()


def test_the_delivered_configuration_is_the_defaults() -> None:
    assert read_administrator(ROOT / "etc" / "evsed.yaml") == Administrator()


def test_the_delivered_board_is_none() -> None:
    with pytest.raises(NoBoardError):
        read_board(ROOT / "etc" / "board.yaml")


@pytest.mark.parametrize("file", ["evsed.bash-completion", "evsed.1"])
def test_completion_and_manual_know_every_command(file: str) -> None:
    words = (ROOT / "debian" / file).read_text().replace("\\-", "-")
    choices = [action.choices for action in cli._parser()._actions if action.choices]
    assert choices
    assert not [name for name in choices[0] if name not in words]
