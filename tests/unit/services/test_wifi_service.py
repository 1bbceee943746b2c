"""Wi-Fi wishes: a second later, the newest only, and what fails is logged."""

import asyncio
import contextlib

import pytest

from evsed.errors import HardwareError
from evsed.host.network import FoundNetwork, NetworkState, NotJoinedError, StationPlan
from evsed.services.wifi.service import WifiService, station_plan
from evsed.settings.network import WifiSettings

HOME = WifiSettings(enabled=True, ssid="home", password="12345678")
STATIC = {
    "static_enabled": True,
    "static_ip": "10.0.0.2",
    "static_gateway": "10.0.0.1",
    "static_netmask": "255.0.0.0",
}
PAUSE_S = 0.1


class Radio:
    """A network that notes what it is asked for, and when."""

    def __init__(self):
        self.done = []
        self.scans = 0
        self.found = ()
        self.failure = None
        self.news = asyncio.Event()
        self.hold = asyncio.Event()
        self.hold.set()

    @property
    def state(self):
        return NetworkState()

    async def serve(self):
        pass

    async def scan(self):
        self.scans += 1
        await self.hold.wait()
        if self.failure:
            raise self.failure
        return self.found

    async def resume_station(self, wanted):
        await self._note(("resume", wanted))

    async def apply_station(self, wanted):
        await self._note(wanted)

    async def set_access_point(self, on):
        await self._note(on)

    async def _note(self, what):
        self.done.append((asyncio.get_running_loop().time(), what))
        self.news.set()
        await self.hold.wait()
        if self.failure:
            raise self.failure

    @property
    def wishes(self):
        return [what for _, what in self.done]

    async def until(self, count):
        async with asyncio.timeout(10):
            while len(self.done) < count:
                self.news.clear()
                await self.news.wait()


@pytest.fixture
async def radio():
    return Radio()


class Choice:
    """Settings that note when they are put back."""

    def __init__(self, service=None):
        self.settings, self.backs, self.service = WifiSettings(), [], service
        self.put = asyncio.Event()

    async def user_chooses(self, settings):
        before, self.settings = self.settings, settings
        await self.service.changed(before, settings)

    async def put_back(self, settings):
        self.backs.append(settings)
        before, self.settings = self.settings, settings
        await self.service.changed(before, settings)
        self.put.set()


@contextlib.asynccontextmanager
async def chosen(radio, settings=None):
    choice = Choice()
    choice.settings = settings or choice.settings
    choice.service = WifiService(radio, choice, pause_s=PAUSE_S, again_s=PAUSE_S)
    serving = asyncio.create_task(choice.service.serve())
    await asyncio.sleep(0)
    try:
        yield choice
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


@pytest.fixture
async def wifi(radio):
    service = WifiService(radio, pause_s=PAUSE_S)
    serving = asyncio.create_task(service.serve())
    await asyncio.sleep(0)
    yield service
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def test_settings_are_applied_after_a_pause(wifi, radio):
    asked_s = asyncio.get_running_loop().time()
    await wifi.changed(WifiSettings(), HOME)
    assert radio.done == []
    await radio.until(1)
    applied_s, plan = radio.done[0]
    assert applied_s - asked_s >= PAUSE_S
    assert plan == StationPlan(enabled=True, ssid="home", password="12345678", static=None)


async def test_only_the_newest_wish_is_fulfilled(wifi, radio):
    for name in ("one", "two", "three"):
        await wifi.changed(HOME, WifiSettings(enabled=True, ssid=name))
        await asyncio.sleep(PAUSE_S / 4)
    await radio.until(1)
    await asyncio.sleep(2 * PAUSE_S)
    assert [plan.ssid for plan in radio.wishes] == ["three"]


async def test_station_and_access_point_do_not_replace_one_another(wifi, radio):
    wifi.switch_access_point(on=True)
    await wifi.changed(WifiSettings(), HOME)
    wifi.switch_access_point(on=False)
    await radio.until(2)
    assert {type(wish) for wish in radio.wishes} == {bool, StationPlan}
    assert False in radio.wishes


async def test_what_fails_is_logged_and_the_next_wish_is_tried(wifi, radio, caplog):
    radio.failure = HardwareError("Wi-Fi: nobody manages it")
    wifi.switch_access_point(on=True)
    await radio.until(1)
    wifi.switch_access_point(on=False)
    await radio.until(2)
    assert caplog.messages[0] == "Wi-Fi: nobody manages it"


async def test_a_scan_is_sorted_and_without_hidden_networks(wifi, radio):
    weak, strong = (
        FoundNetwork(ssid=name, rssi=rssi, secured=True) for name, rssi in (("a", -80), ("b", -40))
    )
    radio.found = (weak, FoundNetwork(ssid="", rssi=-30, secured=True), strong)
    assert await wifi.scan() == (strong, weak)


async def test_who_asks_during_a_scan_shares_it(wifi, radio):
    radio.hold.clear()
    asking = [asyncio.create_task(wifi.scan()) for _ in range(3)]
    await asyncio.sleep(0.01)
    asking[0].cancel()  # this one has gone; the others still want to know
    radio.hold.set()
    assert await asyncio.gather(*asking[1:]) == [(), ()]
    assert radio.scans == 1
    await wifi.scan()
    assert radio.scans == 2


async def test_a_scan_that_fails_finds_nothing(wifi, radio):
    radio.failure = HardwareError("no permission")
    assert await wifi.scan() == ()


def test_without_a_name_server_the_gateway_is_asked():
    plan = station_plan(WifiSettings(**STATIC))
    assert plan.static == ("10.0.0.2", "10.0.0.1", "255.0.0.0", "10.0.0.1")
    other = station_plan(WifiSettings(**STATIC, static_dns="9.9.9.9"))
    assert other.static == ("10.0.0.2", "10.0.0.1", "255.0.0.0", "9.9.9.9")


OTHER = WifiSettings(enabled=True, ssid="other", password="87654321")


async def test_settings_that_do_not_work_are_replaced_by_those_before(radio, caplog):
    async with chosen(radio) as choice:
        radio.failure = NotJoinedError("Wi-Fi: 'home': wrong password", returned=True)
        await choice.user_chooses(HOME)
        await asyncio.wait_for(choice.put.wait(), 10)
        assert choice.backs == [WifiSettings()]
        radio.failure = None
        await choice.user_chooses(OTHER)
        await radio.until(2)
    assert [wish.ssid for wish in radio.wishes] == ["home", "other"]
    assert "Wi-Fi: 'home': wrong password" in caplog.messages
    assert "Wi-Fi: the settings are those before again" in caplog.messages


async def test_settings_stay_where_there_is_nothing_to_return_to(radio):
    async with chosen(radio) as choice:
        radio.failure = NotJoinedError("Wi-Fi: 'home': out of reach", returned=False)
        await choice.user_chooses(HOME)
        await radio.until(1)
        await choice.user_chooses(OTHER)
        await radio.until(2)
        assert choice.backs == []
        assert choice.settings == OTHER


async def test_a_new_choice_ends_the_attempt_at_work_and_both_return_to_the_first(radio):
    async with chosen(radio) as choice:
        radio.hold.clear()
        await choice.user_chooses(HOME)
        await radio.until(1)
        await choice.user_chooses(OTHER)
        await radio.until(2)
        radio.failure = NotJoinedError("Wi-Fi: neither", returned=True)
        radio.hold.set()
        await asyncio.wait_for(choice.put.wait(), 10)
        assert choice.backs == [WifiSettings()]


async def test_at_the_start_the_station_is_resumed_again_and_again_until_it_works(radio, caplog):
    radio.failure = HardwareError("Wi-Fi: NetworkManager is not there yet")
    async with chosen(radio, HOME):
        await radio.until(3)
        radio.failure = None
        await radio.until(4)
        await asyncio.sleep(3 * PAUSE_S)
    assert {wish[0] for wish in radio.wishes} == {"resume"}
    assert len(radio.wishes) <= 5
    assert caplog.messages == ["Wi-Fi: NetworkManager is not there yet"]


async def test_a_station_that_is_off_is_not_resumed(radio):
    async with chosen(radio):
        await asyncio.sleep(2 * PAUSE_S)
    assert radio.wishes == []
