"""One table of every benchmark: its rows, its verdicts, and what becomes of what cannot run."""

import json
import subprocess
import sys

import pytest

from evsed.bench.everything import KINDS
from evsed.bench.report_page import BEGIN, END, as_json, as_page, put_between_markers
from evsed.bench.report_rows import Row, rows_of
from evsed.bench.targets import (
    CAUSES,
    LATE_MAX,
    LATE_P999,
    MODBUS,
    PROPFIND,
    REACTION,
    STATE,
    TARGETS,
)
from evsed.errors import BadFileError


def slices(answers, cpu_s):
    return [{"answers": answers, "wall_s": 1.0, "cpu_s": cpu_s}]


def test_every_target_has_a_cause_to_be_shown_when_it_is_missed():
    assert set(CAUSES) == set(TARGETS)


def test_the_worst_of_all_kinds_under_load_is_judged():
    one = {"command_us": [20_000, 29_000], "missed": 0}
    other = {"command_us": [31_000, 10_000], "missed": 1}
    outcomes = {"idle": {"unplug": {"command_us": [90_000], "missed": 0}}}
    outcomes["loaded"] = {"unplug": one, "rcm-trip": other}
    rows = rows_of("reaction", {"outcomes": outcomes, "loads": {"loaded": "much"}})
    assert (rows[0].what, rows[0].figure, rows[0].met) == (REACTION, 31, False)
    assert [row.figure for row in rows[1:]] == [90, 29, 31]
    assert "missed 1" in rows[-1].detail


def test_events_that_nobody_answered_are_said_to_be_so():
    outcomes = {"loaded": {"unplug": {"command_us": [], "missed": 2}}}
    (row,) = rows_of("reaction", {"outcomes": outcomes, "loads": {}})
    assert row.trouble


def test_lateness_stands_beside_cyclictest_or_a_plain_thread():
    measured = {"control": [1_000] * 999 + [12_000], "plain": [4_000] * 10, "cyclictest": [500] * 9}
    rows = rows_of("lateness", {"measured_us": {"loaded": measured}})
    assert [(row.what, row.met) for row in rows] == [(LATE_P999, True), (LATE_MAX, False)]
    assert rows[1].ratio == 24
    rows = rows_of("lateness", {"measured_us": {"loaded": {**measured, "cyclictest": None}}})
    assert rows[1].ratio == 3
    assert "no cyclictest" in rows[1].anchor


def test_servers_are_compared_by_cpu_time():
    figures = {
        "aiohttp alone": slices(100, 1.0),
        "evsed, no credentials": slices(80, 1.0),
        "evsed, credentials": slices(85, 1.0),
        "evsed, credentials, never the same twice": slices(50, 1.0),
    }
    rows = {row.what: row for row in rows_of("http", {"slices": figures})}
    assert rows[STATE].ratio == pytest.approx(0.85)
    assert rows[STATE].met is False


def test_a_neighbor_that_is_missing_leaves_a_figure_without_a_ratio():
    questions = {PROPFIND: {"evsed": slices(100, 1.0), "wsgidav": []}}
    (row,) = rows_of("webdav", {"slices": questions, "missing": "pip install wsgidav"})
    assert (row.figure, row.ratio, row.met) == (100, None, None)
    assert "pip install wsgidav" in as_page([row])
    ours = {"evsed, the charger": [{"clients": 8, "answers": 10, "cpu_s": 1}]}
    rows = rows_of("modbus", {"figures": ours, "missing": {"libmodbus": "no C compiler"}})
    assert [row.what for row in rows] == [MODBUS, "Modbus, libmodbus"]
    assert rows[0].met is None
    assert "not measured: no C compiler" in as_page(rows)


def test_metering_is_judged_where_a_vehicle_charges():
    cases = [(0.1, 40.0), (6.0, -0.3), (16.0, 0.2)]
    figures = [
        {"case": {"amperes": amperes, "power_factor": 1.0}, "error_percent": error}
        for amperes, error in cases
    ]
    (row,) = rows_of("metering", figures)
    assert row.figure == pytest.approx(0.3)


def test_the_page_marks_what_was_missed_and_says_why():
    text = as_page([Row(STATE, 50, "per CPU-s", "aiohttp alone", 100), Row("webdav", trouble="no")])
    assert "0.50 | ≥ 0.9 × | **missed** |" in text
    assert f"- {STATE}: {CAUSES[STATE]}" in text
    assert "| webdav | not measured: no |" in text


def test_the_table_replaces_the_one_before_between_its_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    put_between_markers(page, "new")
    put_between_markers(page, "newer")
    assert page.read_text() == f"above\n{BEGIN}\n\nnewer\n\n{END}\nbelow\n"
    page.write_text("no markers")
    with pytest.raises(BadFileError, match="has no"):
        put_between_markers(page, "new")


def test_programs_get_ratios_and_verdicts():
    found = as_json([Row(STATE, 95, "per CPU-s", "aiohttp alone", 100)])["rows"][0]
    assert (found["ratio"], found["met"], found["target"]) == (0.95, True, "≥ 0.9 ×")


def test_one_command_measures_and_writes_the_page(tmp_path):
    page, file = tmp_path / "page.md", tmp_path / "folder" / "bench.json"
    page.write_text(f"{BEGIN}\n{END}\n")
    command = [sys.executable, "-m", "evsed", "bench", "all", "--quick"]
    command += ["--kinds", "resources", "webdav", "--json", str(file), "--page", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    rows = {row["what"]: row for row in json.loads(file.read_text())["rows"]}
    for name in ("start to contactor commanded open", "start to ready", PROPFIND):
        assert rows[name]["figure"] > 0, rows
    assert rows["start to contactor commanded open"]["ratio"] < rows["start to ready"]["ratio"]
    assert rows["memory with everything on"]["figure"] > 20
    assert PROPFIND in page.read_text()


def test_a_benchmark_that_fails_is_a_line(tmp_path, monkeypatch, capsys):
    from evsed import cli  # noqa: PLC0415  # here it is the command line that is tested

    monkeypatch.setitem(KINDS, "http", ((), ("--board", "minimal-single-phase")))
    assert cli.main(["bench", "all", "--quick", "--kinds", "http"]) == 0
    assert "| http | not measured: evsed: " in capsys.readouterr().out
