"""The scripts that come with the manual do what their cases say, and their pages tell all of it."""

import json
from pathlib import Path

import pytest

from evsed.services.script.desk import Desk, Run, in_utc
from evsed.services.script.vectors import case_names, run_file

DOCS = Path(__file__).parents[3] / "docs"
GALLERY = DOCS / "scripts"
FOLDERS = sorted(folder for folder in GALLERY.iterdir() if folder.is_dir())
NAMES = [folder.name for folder in FOLDERS]
CASES = [
    pytest.param(folder / f"{folder.name}.json", name, id=f"{folder.name}-{name}")
    for folder in FOLDERS
    for name in case_names(folder / f"{folder.name}.json")
]


def test_the_gallery_is_complete():
    assert len(FOLDERS) >= 12
    for folder in FOLDERS:
        files = {"README.md", f"{folder.name}.lua", f"{folder.name}.json"}
        assert {file.name for file in folder.iterdir()} == files


@pytest.mark.parametrize(("file", "name"), CASES)
def test_a_script_of_the_gallery_does_what_its_case_says(file, name):
    assert [verdict.difference for verdict in run_file(file, only=name)] == [""]


@pytest.mark.parametrize("name", NAMES)
def test_a_case_file_tells_what_interfaces_show_of_the_script(name, tmp_path):
    told = json.loads((GALLERY / name / f"{name}.json").read_text(encoding="utf-8"))
    home = tmp_path / "lua"
    home.mkdir()
    script = (GALLERY / name / f"{name}.lua").read_bytes()
    (home / f"{name}.lua").write_bytes(script)
    (home / "init.lua").write_text(f'component.register(require("{name}"))')
    with in_utc():
        run = Run(Desk(board=told.get("board"), serial=True), tmp_path)
        run.to(0)
        (shown,) = run.components()
    assert told["component"] == {key: shown[key] for key in told["component"]}


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_a_script_names_all_parameters_and_how_to_try_it(name):
    page = (GALLERY / name / "README.md").read_text(encoding="utf-8")
    told = json.loads((GALLERY / name / f"{name}.json").read_text(encoding="utf-8"))
    missing = [one["key"] for one in told["component"]["params"] if f"`{one['key']}`" not in page]
    assert missing == []
    assert f"docs/scripts/{name}/{name}.lua" in page
    assert f'component.register(require("{name}"))' in page


def test_a_receipt_ends_up_in_a_table_that_is_begun_anew_when_it_is_full(tmp_path):
    home = tmp_path / "lua"
    home.mkdir()
    script = (GALLERY / "session_receipt" / "session_receipt.lua").read_bytes()
    (home / "init.lua").write_bytes(b"component.register((function() " + script + b" end)())")
    table = home / "sessions.csv"
    with in_utc():
        run = Run(Desk(initial={"evse": {"state": "C2"}}), tmp_path)
        run.desk.set({"energymeter.consumption": 2000, "energymeter.sessiontime": 60})
        run.to(1500)
        run.desk.set({"evse.state": "A"})
        run.to(3500)
        assert table.read_text() == (
            "begin,seconds,charging_seconds,energy_wh,cost\n2025-12-31 23:59:00,60,0,2000,0.60\n"
        )
        table.write_text("x" * 250001)
        run.desk.set({"evse.state": "C2"})
        run.to(5500)
        run.desk.set({"evse.state": "A"})
        run.to(7500)
    assert run.desk.output[-1].startswith("receipt: ")
    assert len((home / "sessions.csv.old").read_text()) == 250001
    assert len(table.read_text().splitlines()) == 2


def test_the_example_of_the_manual_works_as_printed(tmp_path):
    page = (DOCS / "scripting.md").read_text(encoding="utf-8")
    script = page.split("```lua\n-- /usr/lua/blink.lua\n")[1].split("```")[0]
    cases = page.split("```json\n")[1].split("```")[0]
    (tmp_path / "blink.lua").write_text(script)
    (tmp_path / "blink.json").write_text(cases)
    assert [verdict.difference for verdict in run_file(tmp_path / "blink.json")] == [""]
