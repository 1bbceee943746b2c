"""Board files for tests: a small good one, a full one, and tools to change and read them."""

import copy
from pathlib import Path

import pytest
import yaml

from evsed.board.reader import read_board, read_board_checked
from evsed.errors import BadFileError

SHIPPED = Path(__file__).resolve().parents[3] / "boards"


def full_document() -> dict:
    """Return the simulated board with every optional section and key filled in."""
    document = yaml.safe_load((SHIPPED / "sim.yaml").read_text(encoding="utf-8"))
    document["adcs"][0] |= {"speedHz": 1_000_000, "vdd": 5000, "gain": 1.0, "offset": 0}
    document["adcs"][0]["vref"] = document["adcs"][1]["vref"] = 5500
    document["leds"]["charging"]["activeLow"] = False
    document["button"] |= {"activeLow": True, "pull": "up", "debounce": 30}
    document["pilot"] |= {
        "pwmChip": 0,
        "pwmChannel": 0,
        "settle": {"high": 15, "low": 20},
        "hysteresis": 40,
        "window": 10,
    }
    document["acRelay"] |= {"closeTime": 100, "openTime": 100}
    document["socketLock"]["maxOperatingTime"] = 5000
    document["rcm"] |= {"testTime": 500, "resetGpio": 12}
    document["energyMeter"] |= {"phaseShift": 0, "noiseFloor": 0.1, "frequency": 50}
    for part in ("current", "voltage"):
        document["energyMeter"][part]["invert"] = [False, False, False]
    document["externalMeter"] = {
        "model": "sdm630",
        "host": "meter.lan",
        "port": 502,
        "unit": 1,
        "interval": 1000,
        "fallback": "board",
    }
    document["onewire"] |= {"maxSensors": 5, "bulk": True}
    document["watchdog"] = {"heartbeatGpio": 13, "heartbeatHz": 2000, "deadmanTime": 250}
    document["sim"] |= {"speed": 1, "control": "/run/sim", "relay": {"weld": False, "delay": 15}}
    document["sim"]["ev"]["ramp"] = 2
    return document


def changed(document: dict, key: str, value: object) -> dict:
    """Return a copy with the value of a dotted key (``a.b[0].c``) replaced or added."""
    document = copy.deepcopy(document)
    steps = key.replace("[", ".[").split(".")
    place = document
    for step in steps[:-1]:
        place = place[int(step[1:-1]) if step.startswith("[") else step]
    last = steps[-1]
    place[int(last[1:-1]) if last.startswith("[") else last] = value
    return document


def without(document: dict, key: str) -> dict:
    """Return a copy without a dotted key."""
    document = copy.deepcopy(document)
    *steps, last = key.split(".")
    place = document
    for step in steps:
        place = place[step]
    del place[last]
    return document


def write(folder: Path, content: dict | str | bytes) -> Path:
    """Write a board file."""
    path = folder / "board.yaml"
    if isinstance(content, dict):
        content = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def complaints(folder: Path, content: dict | str | bytes) -> list[str]:
    """Return the lines of the error, without the path; none when the file is good."""
    path = write(folder, content)
    try:
        read_board(path)
    except BadFileError as error:
        return [line.removeprefix(f"{path}:") for line in str(error).splitlines()]
    return []


def complaint(folder: Path, content: dict | str | bytes) -> str:
    """Return the only line of the error."""
    lines = complaints(folder, content)
    assert len(lines) == 1, lines
    return lines[0]


def warnings(folder: Path, content: dict | str | bytes) -> list[str]:
    """Return the warnings of a good file."""
    path = write(folder, content)
    try:
        return [line.removeprefix(f"{path}:") for line in read_board_checked(path)[1]]
    except BadFileError as error:
        pytest.fail(str(error))
