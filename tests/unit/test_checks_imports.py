"""The import rules bite: a copy of the tree with one forbidden import fails `lint-imports`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BROKEN = [
    ("rooms, from the street down to the ground", "board/upstairs.py", "evsed.station"),
    ("rooms, from the street down to the ground", "hardware/upstairs.py", "evsed.charging.states"),
    ("charging is pure", "charging/clock.py", "time"),
    ("charging is pure", "charging/pins.py", "evsed.board.description"),
    ("only the station runs the rules", "services/rest/shortcut.py", "evsed.charging.machine"),
    ("services are strangers to one another", "services/http/gossip.py", "evsed.services.rest"),
    (
        "station and services see interfaces, not drivers",
        "station/shortcut.py",
        "evsed.hardware.simulator",
    ),
    ("pin libraries stay with the Pi drivers", "host/pins.py", "pigpio"),
    ("only the host room speaks D-Bus", "services/shortcut.py", "dbus_fast"),
    ("network libraries stay with the services", "settings/web.py", "aiohttp"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "evsed", tmp_path / "evsed", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_tree_as_it_stands_keeps_the_import_rules(copy: Path) -> None:
    result = lint_imports(copy)

    assert result.returncode == 0, result.stdout
    assert " 0 broken" in result.stdout


@pytest.mark.parametrize(("rule", "file", "module"), BROKEN, ids=[file for _, file, _ in BROKEN])
def test_a_forbidden_import_fails_the_rule_it_breaks(
    copy: Path, rule: str, file: str, module: str
) -> None:
    (copy / "evsed" / file).write_text(f"import {module}\n")

    result = lint_imports(copy)

    assert result.returncode != 0
    assert f"{rule} BROKEN" in result.stdout
