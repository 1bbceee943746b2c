"""The other checks bite too: lint, format and types, with this project's own configuration."""

import subprocess
import sys
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"

GOOD = '''"""A module."""


def double(length_mm: int) -> int:
    """Return twice."""
    return length_mm * 2
'''


def run(tool: str, *words: str, tree: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name(tool)), *words]
    return subprocess.run(
        command, cwd=tree, capture_output=True, text=True, timeout=120, check=False
    )


def ruff(tree: Path, source: str, *words: str) -> subprocess.CompletedProcess[str]:
    (tree / "module.py").write_text(source)
    return run("ruff", *words, "--no-cache", f"--config={PYPROJECT}", "module.py", tree=tree)


def test_good_code_passes_lint_and_format(tmp_path: Path) -> None:
    assert ruff(tmp_path, GOOD, "check").returncode == 0
    assert ruff(tmp_path, GOOD, "format", "--check").returncode == 0


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("F401", "import os"),
        ("T201", "print(double(2))"),
        ("ERA001", "# double(2)"),
        ("BLE001", "try:\n    double(2)\nexcept Exception:\n    pass"),
        ("ANN001", "def half(length_mm) -> int:\n    return length_mm // 2"),
    ],
)
def test_lint_refuses_what_the_house_style_forbids(tmp_path: Path, code: str, line: str) -> None:
    result = ruff(tmp_path, f"{GOOD}\n\n{line}\n", "check")

    assert result.returncode == 1
    assert code in result.stdout


def test_a_function_that_is_too_complex_is_refused(tmp_path: Path) -> None:
    branches = "".join(f"    if length_mm == {n}:\n        length_mm += 1\n" for n in range(9))
    source = (
        f'"""A module."""\n\n\ndef tangle(length_mm: int) -> int:\n{branches}    return length_mm\n'
    )

    result = ruff(tmp_path, source, "check")

    assert "C901" in result.stdout


def test_unformatted_code_is_refused(tmp_path: Path) -> None:
    assert ruff(tmp_path, GOOD.replace(" * ", "*"), "format", "--check").returncode == 1


def test_types_are_strict_in_the_whole_program(tmp_path: Path) -> None:
    room = tmp_path / "evsed"
    room.mkdir()
    (tmp_path / "typings").mkdir()
    (room / "__init__.py").write_text(GOOD)
    assert run("mypy", f"--config-file={PYPROJECT}", "evsed", tree=tmp_path).returncode == 0

    (room / "wrong.py").write_text("from evsed import double\n\nword: str = double(2)\n")
    result = run("mypy", f"--config-file={PYPROJECT}", "evsed", tree=tmp_path)

    assert result.returncode == 1
    assert "Incompatible types in assignment" in result.stdout


def test_a_skipped_branch_fails_the_coverage_gate(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text(
        "def sign(n):\n    if n:\n        n = 1\n    return n\n\n\nsign(1)\n"
    )
    run("coverage", "run", "--branch", "rules.py", tree=tmp_path)

    result = run("coverage", "report", "--fail-under=100", tree=tmp_path)

    assert result.returncode == 2
