"""What was chosen survives a start with another board, or with a board file that is broken."""

import pytest
from scenarios.street import SIM_BOARD

from evsed import building
from evsed.settings.store import SettingsStore

CHOSEN = {
    "evse": {"rcm": True, "socketOutlet": True, "maxChargingCurrent": 20},
    "serial": [{"mode": "modbus"}, {"mode": "log"}],
    "firmware": {"channel": SIM_BOARD.ota[0].name},
}


def loaded(folder, board=SIM_BOARD):
    store = SettingsStore(folder, board)
    store.load()
    return store


@pytest.fixture
async def chosen(tmp_path):
    store = loaded(tmp_path)
    for section, patch in CHOSEN.items():
        await store.change(section, patch)
    return {section: store.shown(section) for section in CHOSEN}


async def test_a_write_without_a_board_leaves_the_other_sections_alone(tmp_path, chosen):
    without = loaded(tmp_path, building._NO_BOARD)
    assert not without.evse.rcm
    await without.change("discovery", {"hostname": "garage"})
    await without.change("wifi", {"ssid": "home"})
    again = loaded(tmp_path)
    assert {section: again.shown(section) for section in CHOSEN} == chosen
    assert again.shown("discovery")["hostname"] == "garage"


async def test_a_section_that_is_written_is_kept_as_it_is_now(tmp_path, chosen):
    del chosen
    without = loaded(tmp_path, building._NO_BOARD)
    await without.change("evse", {"maxChargingCurrent": 10})
    assert not loaded(tmp_path).evse.rcm
