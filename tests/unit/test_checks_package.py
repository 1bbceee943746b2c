"""What the package's files say of the program is true of it."""

import argparse
import re
import subprocess
import tomllib
from collections.abc import Iterator
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


def _commands(
    parser: argparse.ArgumentParser, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Yield every command with its long options."""
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    for action in below:
        for name, command in action.choices.items():
            words = (*path, name)
            yield from _commands(
                _command(name) if not path else command,
                words,
            )
    if not below:
        options = {word for one in parser._actions for word in one.option_strings}
        yield path, {word for word in options if word.startswith("--")}


def _command(name: str) -> argparse.ArgumentParser:
    """Return a command with all its options: it has them only when it is wanted."""
    for action in cli._parser(name)._actions:
        if isinstance(action, argparse._SubParsersAction):
            found = action.choices[name]
            assert isinstance(found, argparse.ArgumentParser)
            return found
    raise AssertionError(f"no command {name}")


COMMANDS = dict(_commands(cli._parser()))


#: for the last of the words: what its completion offers
_COMPLETE = """
source "$1"; shift
COMP_WORDS=(evsed "$@"); COMP_CWORD=$#
_evsed
printf '%s\\n' "${COMPREPLY[@]}"
"""


def _completed(*words: str) -> set[str]:
    """Return what bash offers for the last word."""
    done = subprocess.run(
        ["bash", "-s", str(ROOT / "debian" / "evsed.bash-completion"), *words],
        input=_COMPLETE,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not done.stderr
    return set(done.stdout.split())


def test_completion_knows_every_command() -> None:
    first = {words[0] for words in COMMANDS}
    assert _completed("") == first | {"--help", "--version"}
    for name in first:
        acts = {words[1] for words in COMMANDS if words[0] == name and len(words) > 1}
        assert not acts or _completed(name, "") == acts


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_completion_knows_every_option(words: tuple[str, ...]) -> None:
    assert _completed(*words, "--") == COMMANDS[words]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_manual_knows_every_command_and_option(words: tuple[str, ...]) -> None:
    page = (ROOT / "debian" / "evsed.1").read_text().replace("\\-", "-")
    sections = re.split(r"^\.S[SH] ", page, flags=re.MULTILINE)
    about = [one for one in sections if re.match(rf'"?{words[0]}\b(?!-)', one)]
    assert set(words) <= set(re.findall(r"[a-z][a-z-]*", " ".join(about)))
    wanted = COMMANDS[words] - {"--help"}
    assert wanted <= set(re.findall(r"--[a-z-]+", " ".join(about)))


def test_the_manual_has_nothing_the_program_does_not() -> None:
    page = (ROOT / "debian" / "evsed.1").read_text().replace("\\-", "-")
    known = set().union(*COMMANDS.values()) | {"--version"}
    assert set(re.findall(r"--[a-z-]+", page)) <= known
