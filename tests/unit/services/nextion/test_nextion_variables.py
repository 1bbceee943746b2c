"""The table of variables, and that the manual shows it as it is."""

from pathlib import Path

from evsed.services.nextion.commands import SETTINGS
from evsed.services.nextion.manual import commands_table, variables_table
from evsed.services.nextion.variables import BY_NAME, VARIABLES, Push

MANUAL = Path(__file__).parents[4] / "docs" / "nextion.md"


def test_every_variable_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(VARIABLES) == 34


def test_every_setting_but_one_can_be_shown() -> None:
    assert {row.command for row in SETTINGS} - set(BY_NAME) == {"avail"}


def test_what_never_rests_is_sent_less_often() -> None:
    noisy = {variable.name for variable in VARIABLES if variable.pause_s}
    assert noisy == {
        *("power", "vltL1", "vltL2", "vltL3", "curL1", "curL2", "curL3", "heap", "maxHeap")
    }


def test_names_and_versions_are_sent_once() -> None:
    once = {variable.name for variable in VARIABLES if variable.push is Push.ONCE}
    assert once == {"devName", "appVer"}


def test_the_manual_shows_the_tables_as_they_are() -> None:
    manual = MANUAL.read_text(encoding="utf-8")
    assert variables_table() in manual
    assert commands_table() in manual
