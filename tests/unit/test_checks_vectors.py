"""A wrong vector is noticed: `evsed replay` fails on it and says where."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEADER = {
    "format": "evsed-trace/1",
    "name": "plug-in",
    "passMs": 20,
    "board": {
        "ventilation": True,
        "socketLock": False,
        "proximity": False,
        "rcm": False,
        "temperatureSensor": False,
    },
    "settings": {"maxChargingCurrent": 16, "chargingCurrent": 10.0},
}
PLUG_IN = {"t": 1000, "set": {"vehicle": "connected"}}
RIGHT: dict[str, object] = {"state": "B2", "pilot": "pwm", "offeredCurrent": 10.0}


def replay(file: Path, expect: dict[str, object]) -> subprocess.CompletedProcess[str]:
    lines = (HEADER, PLUG_IN, {"t": 2000, "expect": expect})
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code = "import sys; from evsed.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "replay", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_right_vector_passes(tmp_path: Path) -> None:
    result = replay(tmp_path / "right.jsonl", RIGHT)

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("key", "wrong", "got"),
    [("state", "C2", "B2"), ("pilot", "high", "pwm"), ("offeredCurrent", 10.1, "10")],
)
def test_a_wrong_expectation_fails_and_names_time_key_and_both_values(
    tmp_path: Path, key: str, wrong: object, got: str
) -> None:
    result = replay(tmp_path / "wrong.jsonl", {**RIGHT, key: wrong})

    assert result.returncode == 1
    assert all(word in result.stdout for word in ("wrong.jsonl", "2000", key, str(wrong), got))


def test_a_file_that_is_no_trace_fails(tmp_path: Path) -> None:
    result = replay(tmp_path / "broken.jsonl", {"color": "green"})

    assert result.returncode != 0
    assert "Traceback" not in result.stderr
