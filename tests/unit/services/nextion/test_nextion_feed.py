"""What is due, and when."""

import pytest

from evsed.services.nextion.feed import REFRESH_S
from evsed.services.nextion.model import display_info

COMOK = "comok 1,30614-0,NX4832T035_011R,130,61488,E46690B3C74D3E22,16777216"


def test_the_refresh_of_what_changes_every_second_does_not_double_it() -> None:
    assert 1.05 <= REFRESH_S <= 1.2


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "comok",
        "comok 1",
        COMOK.replace("comok 1", "comok1"),
        COMOK.replace("comok 1", "comok x"),
        COMOK.replace("comok 1", "comok -1"),
        COMOK.replace("comok ", "comoks "),
        COMOK.replace("16777216", "16MB"),
        COMOK.replace("16777216", ""),
        COMOK.replace("NX4832T035_011R", ""),
        COMOK.rpartition(",")[0],
    ],
)
def test_an_answer_that_is_not_complete_tells_nothing(answer: str) -> None:
    assert display_info(answer.encode()) is None


def test_further_fields_do_not_matter() -> None:
    info = display_info(f"{COMOK},more".encode())
    assert info is not None
    assert (info.model, info.touch, info.flash_size) == ("NX4832T035_011R", True, 16777216)
