"""Settings of another version: keys not known here are left out, their order does not count."""

import json

import pytest
from backup_world import archive, pieces_of, service
from station_world import World

NEWER = {
    "a key not known here": {"maxChargingCurrent": 20, "fromTheFuture": 1},
    "set-point ahead of its ceiling": {"defaultChargingCurrent": 19, "maxChargingCurrent": 20},
}


@pytest.mark.parametrize("evse", NEWER.values(), ids=NEWER)
async def test_settings_of_the_charger_are_taken_as_the_interface_takes_them(tmp_path, evse):
    world = World(tmp_path)
    async with world.running():
        backups = service(tmp_path, world.station)
        lower = [("maxChargingCurrent", 10)]
        await backups._operations.write(lower, source="test")
        await backups.restore(pieces_of(archive(settings={"evse": evse})))
    kept = json.loads((tmp_path / "settings.json").read_text())["evse"]
    assert kept["maxChargingCurrent"] == 20
    assert kept["defaultChargingCurrent"] == evse.get("defaultChargingCurrent", 10)
