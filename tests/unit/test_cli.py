"""The command line: what it prints, where, and its exit statuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import evsed
from evsed import cli

ROOT = Path(__file__).parents[2]
TRACES = ROOT / "tests" / "contract" / "traces"
BOARDS = ROOT / "boards"
#: SIM with a converter's supply far outside its range, and with a pin used twice
WRONG = [("vref: 3300", "vref: 33000"), ("gpio: 23", "gpio: 24")]


@pytest.fixture
def wrong_trace(tmp_path: Path) -> Path:
    """Return a trace that expects state A where the rules give another."""
    text = (TRACES / "plain-000.jsonl").read_text()
    assert '"state": "C2"' in text or '"state":"C2"' in text
    file = tmp_path / "wrong.jsonl"
    file.write_text(
        text.replace('"state": "C2"', '"state": "A"').replace('"state":"C2"', '"state":"A"')
    )
    return file


def _status(*arguments: str) -> int:
    """Return the exit status, whether it is returned or raised."""
    try:
        return cli.main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert _status("--version") == 0
    assert capsys.readouterr().out == f"evsed {evsed.__version__}\n"


@pytest.mark.parametrize("command", ["run", "replay", "check-board", "bench"])
def test_help_names_every_command(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert _status("--help") == 0
    assert command in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "run",
            [
                "--board F",
                "--config F",
                "--state-dir D",
                "--http-port N",
                "--modbus-port N",
                "SIGTERM",
            ],
        ),
        ("replay", ["FILE", "first difference"]),
        ("check-board", ["board file", "Exit status"]),
        ("bench", ["reaction", "lateness"]),
    ],
)
def test_each_command_explains_itself(
    capsys: pytest.CaptureFixture[str], command: str, words: list[str]
) -> None:
    assert _status(command, "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["walk"],
        ["replay"],
        ["check-board"],
        ["bench"],
        ["run", "--http-port", "eighty"],
        ["run", "--http-port", "-1"],
        ["run", "--http-port", "65536"],
        ["run", "--http-port", "9" * 5000],
        ["run", "--no-such-option"],
    ],
    ids=" ".join,
)
def test_bad_arguments_give_status_2_and_the_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert _status(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("usage: evsed")
    assert "_port" not in said.err


def test_a_good_trace_gives_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(str(file) for file in TRACES.glob("plain-*.jsonl"))
    assert _status("replay", *files) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("3 files, ")


def test_a_wrong_trace_gives_status_1_and_its_first_difference(
    capsys: pytest.CaptureFixture[str], wrong_trace: Path
) -> None:
    assert _status("replay", str(wrong_trace)) == 1
    difference, summary = capsys.readouterr().out.splitlines()
    assert difference.startswith(f"{wrong_trace}: at ")
    assert " ms state: expected 'A', got 'C2'" in difference
    assert summary.startswith("1 files, ")


def test_every_wrong_trace_is_named_once(
    capsys: pytest.CaptureFixture[str], wrong_trace: Path
) -> None:
    good = str(TRACES / "plain-001.jsonl")
    assert _status("replay", str(wrong_trace), good, str(wrong_trace)) == 1
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b"not a trace\n", b"\xff\xfe\0", b'{"format":"evsed-trace/9"}\n']
)
def test_a_file_that_is_no_trace_gives_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_bytes(content)
    assert _status("replay", str(file)) == 2
    assert str(file) in capsys.readouterr().err


def test_a_missing_trace_gives_status_2_and_the_others_are_replayed_all_the_same(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, wrong_trace: Path
) -> None:
    missing = tmp_path / "missing.jsonl"
    assert _status("replay", str(missing), str(wrong_trace)) == 2
    said = capsys.readouterr()
    assert said.err == f"evsed: {missing}: No such file or directory\n"
    assert "expected 'A', got 'C2'" in said.out


def test_a_folder_is_no_trace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert _status("replay", str(tmp_path)) == 2
    assert capsys.readouterr().err == f"evsed: {tmp_path}: Is a directory\n"


@pytest.mark.parametrize("board", sorted(file.stem for file in BOARDS.glob("*.yaml")))
def test_every_shipped_board_is_good_and_its_pins_are_listed(
    capsys: pytest.CaptureFixture[str], board: str
) -> None:
    assert _status("check-board", board) in {0, 1}
    title, header, *rows = capsys.readouterr().out.splitlines()
    assert title.startswith(str(BOARDS / board))
    assert header.split() == ["pin", "function", "use"]
    assert any("pilot" in row for row in rows)
    assert any("contactor" in row for row in rows)


def test_a_board_with_warnings_gives_status_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "board.yaml"
    text = (BOARDS / "sim.yaml").read_text()
    assert "  shortLevel: 187\n" in text
    file.write_text(text.replace("  shortLevel: 187\n", ""))
    assert _status("check-board", str(file)) == 1
    said = capsys.readouterr()
    assert said.err.startswith("warning: ")
    assert "shortLevel" in said.err
    assert "contactor" in said.out


@pytest.mark.parametrize("change", WRONG, ids=lambda change: change[1])
def test_a_board_with_errors_gives_status_2_with_file_line_and_key(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, change: tuple[str, str]
) -> None:
    file = tmp_path / "board.yaml"
    file.write_text((BOARDS / "sim.yaml").read_text().replace(*change, 1))
    assert _status("check-board", str(file)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"evsed: {file}:")
    assert change[0].split(":")[0] in said.err


def test_an_unknown_board_name_is_answered_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    for command in ("check-board", "run"):
        alone = ["--runtime-dir", str(tmp_path / "run")]
        named = ["--board", "nope", *alone] if command == "run" else ["nope"]
        assert _status(command, *named) == 2
        error = capsys.readouterr().err
        assert "nope" in error
        assert "full-three-phase" in error


def test_a_missing_configuration_gives_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = str(tmp_path / "nowhere.yaml")
    assert _status("run", "--board", "sim", "--config", config, "--state-dir", str(tmp_path)) == 2
    assert capsys.readouterr().err.startswith(f"evsed: {config}:")


def test_a_missing_simulator_gives_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    where = str(tmp_path / "nowhere")
    arguments = ["--board", "sim", "--state-dir", str(tmp_path), "--simulator", where]
    assert _status("run", *arguments) == 2
    assert f"no simulator runs in {where}" in capsys.readouterr().err


def test_output_that_nobody_reads_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "evsed", "check-board", "sim"]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60
        )
    finally:
        os.close(writer)
    assert b"Traceback" not in ended.stderr
    assert b"Exception ignored" not in ended.stderr


def test_the_passphrase_of_the_own_network_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--state-dir", str(tmp_path))
    assert _status("access-point", *where) == 1
    assert "the daemon makes it when it starts" in capsys.readouterr().out
    (tmp_path / "access-point").write_text("correcthorse\n")
    assert _status("access-point", *where) == 0
    assert capsys.readouterr().out == "correcthorse\n"
    (tmp_path / "access-point").unlink()
    (tmp_path / "access-point").mkdir()
    assert _status("access-point", *where) == 2
