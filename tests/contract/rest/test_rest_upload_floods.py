"""Files that are refused over and over do not fill the log."""

import logging

import pytest
from rest_services import Screen, Updates

from evsed.errors import DisplayError, UpdateError

REFUSED = {
    "firmware/upload": UpdateError(523, "not an evsed package: it is too short"),
    "firmware/update": None,
    "nextion/upload": DisplayError("the display does not answer"),
}


@pytest.mark.parametrize(("path", "refusal"), REFUSED.items(), ids=REFUSED)
async def test_many_refusals_of_a_kind_leave_one_line(serve, caplog, path, refusal):
    caplog.set_level(logging.INFO)
    updates, screen = Updates(refusal), Screen(refusal)
    async with serve(updater=updates, display=screen) as served:
        for _ in range(20):
            answer = await served.ask("POST", path, data=b"x")
            assert answer.status in {520, 523, 531}
    assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == 1
