"""One charger, one daemon: who has the pins, and who is sent away."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evsed import cli
from evsed.sole_driver import SecondDaemonError, sole_driver

_DRIVER = (
    "import sys, pathlib\n"
    "from evsed.sole_driver import sole_driver\n"
    "with sole_driver(pathlib.Path(sys.argv[1])):\n"
    "    print('here', flush=True)\n"
    "    sys.stdin.read()\n"
)


@contextmanager
def other_daemon(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Have another process be the only daemon of a folder."""
    with subprocess.Popen(
        [sys.executable, "-c", _DRIVER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "here\n"
        try:
            yield other
        finally:
            other.kill()


def sent_away(folder: Path) -> bool:
    """Return whether another process, which tries now, is."""
    command = [sys.executable, "-c", _DRIVER, str(folder)]
    tried = subprocess.run(command, input="", capture_output=True, text=True, check=False)
    return "SecondDaemonError" in tried.stderr


def test_a_second_daemon_is_sent_away(tmp_path: Path) -> None:
    with (
        other_daemon(tmp_path),
        pytest.raises(SecondDaemonError, match="another evsed drives this charger"),
        sole_driver(tmp_path),
    ):
        pass


def test_a_daemon_that_was_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    with other_daemon(tmp_path) as other:
        other.kill()
        other.wait()
        with sole_driver(tmp_path):
            assert sent_away(tmp_path)
    assert not sent_away(tmp_path)


def test_the_command_says_so_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "--board", "minimal-single-phase", "--runtime-dir", str(tmp_path / "run")]
    with other_daemon(tmp_path / "run"):
        assert cli.main([*command, "--state-dir", str(tmp_path)]) == 2
    assert "another evsed drives this charger" in capsys.readouterr().err
    assert not (tmp_path / "run" / "pins").exists()


def test_nobody_else_can_keep_the_charger_from_starting(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with sole_driver(tmp_path):
            pass
    finally:
        os.umask(before)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_root_has_made_belongs_to_whom_the_folder_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fchown", lambda _file, user, group: given.append((user, group)))
    with sole_driver(tmp_path):
        folder = tmp_path.stat()
    assert given == [(folder.st_uid, folder.st_gid)]


def test_a_folder_that_cannot_be_made_is_left_to_the_drivers(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with sole_driver(tmp_path / "file" / "run"):
        assert not sent_away(tmp_path / "file" / "run")
    assert (tmp_path / "file").is_file()
