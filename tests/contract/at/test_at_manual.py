"""The manual's table is the code's."""

from at_manual import PAGE, with_table


def test_the_table_of_the_manual_is_current():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "run tests/contract/at/at_manual.py"
