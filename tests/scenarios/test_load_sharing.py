"""Ten stations behind one fuse: it never bears more than it can, whoever dies and comes back.

``EVSED_LOAD_S`` sets how long the cars come and go; `make load-day` takes a whole day.
"""

import os

from load_world import OwnedSite, ProfileSite

from evsed.charging.commands import SetLimit

#: Simulated seconds of each test; an outage is in the middle of it.
LOAD_S = int(os.environ.get("EVSED_LOAD_S", "105"))


async def test_under_profiles_of_a_management_system_that_dies_and_returns(tmp_path):
    site = ProfileSite(tmp_path, silent_s=20)
    for point in site.points:
        assert point.now is None
    for station in site.stations:
        station.comes_s /= 30  # they come early
        # what the daemon does before the process has said a word
        station.post(SetLimit(owner="ocpp", current_da=60, lease_ms=30_000, fallback_da=60))
    for place in range(10):
        await site.connect(place)
    third_s = LOAD_S // 3
    await site.run(third_s)
    assert site.highest_da > 700  # the fuse is used, not only spared
    for place in range(10):
        await site.cut(place)
    await site.run(60, managed=False)
    offered = {one.now.offered_da for one in site.stations}
    assert offered <= {0, 60}, "the dead-man current is in force"
    site.manager = site.new_manager()  # it has forgotten everything
    for place in range(10):
        await site.connect(place)
        await site.run(2)
    await site.cut(3)  # and one has a bad line
    await site.run(third_s)
    await site.connect(3)
    await site.run(third_s)
    assert site.highest_da <= 800
    await site.close()


async def test_under_owned_limits_of_an_energy_manager_that_dies_and_returns():
    site = OwnedSite(silent_s=30)
    for station in site.stations:
        station.comes_s /= 30
        station.post(site._limit(6))
    third_s = LOAD_S // 3
    await site.run(third_s)
    assert site.highest_da > 700
    await site.run(40, managed=False)
    assert {one.now.offered_da for one in site.stations} <= {0, 60}
    site.manager = site.new_manager()
    await site.run(2 * third_s)
    assert site.highest_da <= 800
