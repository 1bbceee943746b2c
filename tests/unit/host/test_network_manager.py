"""Wi-Fi through NetworkManager, as python-dbusmock plays it on a private bus."""

import asyncio
import contextlib
import gc
import tempfile
from pathlib import Path

import pytest
from bus_world import NM, PSK, SAE, PrivateBus, Radios
from dbus_fast import Variant

from evsed.errors import HardwareError
from evsed.host.bus import BusAbsentError, BusError, Remote, SystemBus
from evsed.host.network import NO_ADDRESS, NotJoinedError, StationPlan
from evsed.host.network_manager.access_point import AccessPoint, AccessPointKey
from evsed.host.network_manager.manager import NetworkManager
from evsed.host.network_manager.network import ManagedNetwork, Parts, Watch
from evsed.host.network_manager.station import Patience, Station

HOME = StationPlan(enabled=True, ssid="home", password="correct horse", static=None)
WRONG = StationPlan(enabled=True, ssid="home", password="wrong horse", static=None)
NOWHERE = StationPlan(enabled=True, ssid="nowhere", password="correct horse", static=None)
OTHER = StationPlan(enabled=True, ssid="other", password="battery staple", static=None)
STATIC = ("10.9.8.7", "10.9.8.1", "255.255.255.0", "9.9.9.9")
OFF = StationPlan(enabled=False, ssid="home", password="correct horse", static=None)
NETWORKS = {"home": "correct horse", "other": "battery staple", "user's": "his own one"}
QUICK = Patience(join_s=1.0, back_s=5.0, again_s=0.2, look_s=0.02)


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name:
        yield Path(name)


@pytest.fixture
async def bus(folder):
    private = PrivateBus(folder)
    private.open()
    yield private
    private.client.close()
    private.close()


@pytest.fixture
async def radios(bus):
    await bus.play(_template(), {"Networks": NETWORKS})
    found = Radios(bus.client)
    await found.fit()
    await found.air("home", 80)
    await found.air("home", 60)
    await found.air("other", 40)
    return found


def _template():
    return Path(__file__).parents[2] / "network_manager_mock.py"


#: dbus-fast of Debian 12 leaves the socket of a lost connection to the garbage collector.
left_open = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Neighbors:
    """Who answers in the local network."""

    def __init__(self):
        self.there = {"10.9.8.1"}
        self.clients = 0

    async def answers(self, address):
        return address in self.there

    async def count(self, _interface):
        return self.clients


@pytest.fixture
def neighbors():
    return Neighbors()


@pytest.fixture
async def network(bus, folder, neighbors):
    system = SystemBus(bus.address)
    manager = NetworkManager(system)
    key = AccessPointKey(folder / "key")
    yield ManagedNetwork(
        Parts(
            manager=manager,
            station=Station(manager, QUICK, neighbors.answers),
            access_point=AccessPoint(manager, key, start_s=5.0, look_s=0.02),
            count=neighbors.count,
            signal=lambda _interface: None,
        ),
        watch=Watch(look_s=0.02, idle_s=0.3, late_s=5.0),
    )
    system.close()


@contextlib.asynccontextmanager
async def served(network):
    serving = asyncio.create_task(network.serve())
    try:
        yield network
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


async def test_a_scan_shows_each_name_once_strongest_first(radios, network):
    await radios.air("café \u202e\"$(reboot)'", 90, 0)
    found = await network.scan()
    assert [(one.ssid, one.rssi, one.secured) for one in found] == [
        ("café \u202e\"$(reboot)'", -46, False),
        ("home", -52, True),
        ("other", -76, True),
    ]


async def test_a_network_is_joined_and_the_connection_kept(radios, network):
    await network.apply_station(HOME)
    assert await radios.working_on() == "evsed-sta"
    assert await radios.profiles() == [("evsed-sta", "home", True)]
    settings = await radios.settings("evsed-sta")
    assert settings["connection"]["autoconnect"] is True
    assert settings["connection"]["autoconnect-priority"] == 10
    assert settings["ipv4"] == {"method": "auto", "may-fail": False}
    assert settings["802-11-wireless"]["hidden"] is False
    assert settings["802-11-wireless-security"]["key-mgmt"] == "wpa-psk"


async def test_static_addresses_reach_network_manager_as_it_wants_them(radios, network):
    plan = StationPlan(enabled=True, ssid="home", password="correct horse", static=STATIC)
    await network.apply_station(plan)
    ipv4 = (await radios.settings("evsed-sta"))["ipv4"]
    assert ipv4["method"] == "manual"
    assert ipv4["address-data"] == [{"address": "10.9.8.7", "prefix": 24}]
    assert (ipv4["gateway"], ipv4["dns"]) == ("10.9.8.1", [0x09090909])
    async with served(network):
        await until(lambda: network.state.ip == "10.9.8.7")


async def test_the_state_shows_address_and_mac_of_the_station(radios, network):
    async with served(network):
        await until(lambda: network.state.mac == "11:22:33:44:55:66")
        assert (network.state.ip, network.state.connected) == (NO_ADDRESS, False)
        await network.apply_station(HOME)
        await until(lambda: network.state.connected)
        assert network.state.ip == "10.1.2.3"
        assert network.state.ap_ssid == "evse-445566"
        assert network.state.ap_enabled is False


@pytest.mark.parametrize(
    ("plan", "why"), [(WRONG, "does not take this password"), (NOWHERE, "not joined within 1 s")]
)
async def test_what_worked_before_comes_back_when_a_network_is_not_joined(
    radios, network, plan, why
):
    await network.apply_station(OTHER)
    with pytest.raises(NotJoinedError, match=why) as failure:
        await network.apply_station(plan)
    assert failure.value.returned
    assert "the previous connection 'evsed-sta' ('other') is restored" in str(failure.value)
    assert "horse" not in str(failure.value)
    assert await radios.working_on() == "evsed-sta"
    assert await radios.profiles() == [("evsed-sta", "other", True)]


async def test_a_gateway_that_does_not_answer_is_a_wrong_setting(radios, network, neighbors):
    await network.apply_station(HOME)
    neighbors.there.clear()
    plan = StationPlan(enabled=True, ssid="home", password="correct horse", static=STATIC)
    with pytest.raises(NotJoinedError, match="is restored"):
        await network.apply_station(plan)
    assert (await radios.settings("evsed-sta"))["ipv4"]["method"] == "auto"


async def test_a_connection_of_the_user_is_never_touched_and_is_returned_to(radios, network):
    await radios.users_own("user's", "his own one")
    before = await radios.settings("preconfigured")
    with pytest.raises(NotJoinedError, match=r"'preconfigured' .* is restored"):
        await network.apply_station(WRONG)
    assert await radios.working_on() == "preconfigured"
    await network.apply_station(HOME)
    assert await radios.working_on() == "evsed-sta"
    await network.apply_station(OFF)
    assert await radios.profiles() == [("preconfigured", "user's", True)]
    assert await radios.settings("preconfigured") == before


async def test_without_anything_to_return_to_the_system_goes_on_trying(radios, network):
    with pytest.raises(NotJoinedError, match="goes on trying") as failure:
        await network.apply_station(NOWHERE)
    assert not failure.value.returned
    assert await radios.profiles() == [("evsed-sta", "nowhere", True)]
    assert (await radios.settings("evsed-sta"))["802-11-wireless"]["hidden"] is True


async def test_a_second_attempt_returns_to_what_worked_before_the_first(radios, network):
    await network.apply_station(OTHER)
    first = asyncio.create_task(network.apply_station(NOWHERE))
    await radios.until("")
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    with pytest.raises(NotJoinedError, match=r"'other'\) is restored"):
        await network.apply_station(WRONG)
    assert await radios.profiles() == [("evsed-sta", "other", True)]


async def test_what_is_in_force_already_is_left_alone(radios, network):
    await network.apply_station(HOME)
    before = await radios.paths()
    await network.apply_station(HOME)
    await network.resume_station(HOME)
    assert await radios.paths() == before


async def test_at_the_start_a_missing_connection_is_made_and_a_stored_one_left_alone(
    radios, network
):
    await network.resume_station(HOME)
    assert await radios.working_on() == "evsed-sta"
    await network.set_access_point(on=True)
    await network.resume_station(HOME)
    assert await radios.working_on() == "evsed-ap"


async def test_a_network_with_wpa3_alone_is_joined_with_sae(radios, network):
    await radios.air("wpa3", 70, SAE)
    await radios.air("both", 71, SAE | PSK)
    for ssid, wanted in (("wpa3", "sae"), ("both", "wpa-psk")):
        plan = StationPlan(enabled=True, ssid=ssid, password="12345678", static=None)
        with contextlib.suppress(NotJoinedError):
            await network.apply_station(plan)
        settings = await radios.settings("evsed-sta")
        assert settings["802-11-wireless-security"]["key-mgmt"] == wanted
        await network.forget()


async def test_the_access_point_starts_and_the_station_comes_back_after_it(
    radios, network, neighbors
):
    neighbors.clients = 1
    await network.apply_station(HOME)
    async with served(network):
        await network.set_access_point(on=True)
        await until(lambda: network.state.ap_clients == 1)
        assert network.state.ap_enabled
        assert network.state.ap_ip == "192.168.4.1"
        assert (network.state.ip, network.state.connected) == (NO_ADDRESS, False)
        settings = await radios.settings("evsed-ap")
        assert settings["ipv4"]["method"] == "shared"
        assert settings["connection"]["autoconnect"] is False
        assert bytes(settings["802-11-wireless"]["ssid"]) == b"evse-445566"
        await network.set_access_point(on=False)
        await radios.until("evsed-sta")
        await until(lambda: not network.state.ap_enabled)
    ids = [name for name, _, _ in await radios.profiles()]
    assert ids == ["evsed-ap", "evsed-sta"]


async def test_an_access_point_without_a_client_ends_by_itself(radios, network, caplog):
    caplog.set_level("INFO")
    await network.apply_station(HOME)
    async with served(network):
        await network.set_access_point(on=True)
        await radios.until("evsed-sta")
    assert "access point: no client for 0.3 s" in caplog.messages


async def test_an_access_point_whose_clients_nobody_can_count_stays(radios, network, neighbors):
    neighbors.clients = None
    await network.set_access_point(on=True)
    async with served(network):
        await until(lambda: network.state.ap_enabled)
        for _ in range(50):
            await asyncio.sleep(0.02)
        assert await radios.working_on() == "evsed-ap"


async def test_a_second_radio_keeps_the_station_connected(bus, radios, folder, neighbors):
    await radios.fit("wlan1")
    manager = NetworkManager(bus.client)
    parts = Parts(
        manager=manager,
        station=Station(manager, QUICK, neighbors.answers),
        access_point=AccessPoint(manager, AccessPointKey(folder / "key"), look_s=0.02),
        interface="wlan1",
        count=neighbors.count,
        signal=lambda _interface: -61,
    )
    network = ManagedNetwork(parts, watch=Watch(look_s=0.02))
    await network.apply_station(HOME)
    await network.set_access_point(on=True)
    async with served(network):
        await until(lambda: network.state.ap_enabled and network.state.connected)
        assert network.state.rssi == -61


async def test_forgetting_deletes_both_connections_and_nothing_of_the_user(radios, network):
    await radios.users_own("user's", "his own one", active=False)
    await network.apply_station(HOME)
    await network.set_access_point(on=True)
    await network.forget()
    assert [name for name, _, _ in await radios.profiles()] == ["preconfigured"]


async def test_forgetting_waits_for_a_late_network_manager(bus, network):
    forgetting = asyncio.create_task(network.forget())
    await asyncio.sleep(0.1)
    await bus.play(_template(), {"Networks": NETWORKS})
    await asyncio.wait_for(forgetting, 30)
    assert await Radios(bus.client).profiles() == []


async def test_forgetting_ends_where_there_is_no_network_manager(network, caplog):
    caplog.set_level("INFO")
    await asyncio.wait_for(network.forget(), 30)
    assert "nobody has connections of ours to forget" in caplog.messages[-1]


async def test_a_machine_with_cables_only_says_so(bus, network):
    await bus.play(_template(), {"Networks": {}})
    await Radios(bus.client).wire()
    with pytest.raises(HardwareError, match="manages no radio on this machine"):
        await network.apply_station(HOME)
    with pytest.raises(HardwareError, match="no radio"):
        await network.set_access_point(on=True)
    with pytest.raises(HardwareError, match="no radio"):
        await network.scan()


async def test_a_machine_without_network_manager_says_so_once(bus, network, caplog):
    caplog.set_level("INFO")
    with pytest.raises(BusAbsentError):
        await network.apply_station(HOME)
    async with served(network):
        await until(lambda: caplog.messages)
        for _ in range(20):
            await asyncio.sleep(0.02)
    assert len(caplog.messages) == 1
    assert "NetworkManager is not there" in caplog.messages[0]


@left_open
async def test_a_machine_without_a_bus_says_so(folder):
    system = SystemBus(f"unix:path={folder}/none")
    with pytest.raises(BusAbsentError, match="not reachable"):
        await NetworkManager(system).radio()
    gc.collect()


async def test_a_text_that_would_break_the_connection_is_not_sent(bus, radios):
    """dbus-fast of Debian 12 counts characters where bytes are wanted."""
    for body in (("é",), ([Variant("s", "é")],), ({"é": 1},), ({"a": {"b": Variant("s", "é")}},)):
        with pytest.raises(BusError, match="has to be sent as bytes"):
            await bus.client.call(Remote(NM, "/"), f"{NM}.Nothing", "s", *body)
    assert await radios.profiles() == []


@left_open
async def test_after_the_bus_was_lost_everything_goes_on_by_itself(bus, radios, network):
    async with served(network):
        await until(lambda: network.state.mac == "11:22:33:44:55:66")
        bus.client.close()
        bus.close()
        await until(lambda: network.state.mac != "11:22:33:44:55:66")
        bus.open()
        await bus.play(_template(), {"Networks": NETWORKS})
        again = Radios(bus.client)
        await again.fit()
        await until(lambda: network.state.mac == "11:22:33:44:55:66")
        await network.apply_station(HOME)
        assert await again.working_on() == "evsed-sta"
    gc.collect()


def test_the_passphrase_of_the_access_point_is_made_once_and_for_the_daemon_alone(tmp_path):
    file = tmp_path / "state" / "access-point"
    made = AccessPointKey(file).text()
    assert len(made) == 12
    assert AccessPointKey(file).text() == made
    assert file.stat().st_mode & 0o777 == 0o600
    assert AccessPointKey(file, is_open=True).text() == ""
    assert AccessPointKey(tmp_path / "other").text() != made
