"""Recorded programs and scripts, case by case."""

from pathlib import Path

import pytest

from evsed.services.script.vectors import case_names, run_file

FILES = sorted((Path(__file__).parent / "recorded").glob("*.json"))
CASES = [
    pytest.param(file, name, id=f"{file.stem}-{name}")
    for file in FILES
    for name in case_names(file)
]


def test_every_recorded_file_is_there():
    assert len(FILES) == 7
    assert len(CASES) == 26 + 14 + 27  # the last ones are our own


@pytest.mark.parametrize(("file", "name"), CASES)
def test_a_script_does_what_was_recorded(file, name):
    assert [verdict.difference for verdict in run_file(file, only=name)] == [""]
