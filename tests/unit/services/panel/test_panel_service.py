"""The button and the LEDs of a station, from the pin to what is done."""

import asyncio
import json

import pytest
from station_world import BOARD, World

from evsed.host.clock import ShiftedClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.services.panel.service import PanelService
from evsed.settings.store import SettingsStore
from evsed.station.panel import ButtonEdge, Lamps
from evsed.station.station import ParkedStation

PATIENCE_S = 20


class AccessPoint:
    def __init__(self):
        self.wishes = []

    def switch_access_point(self, *, on):
        self.wishes.append(on)


class Touched(ParkedStation):
    """A station whose button a test presses."""

    def __init__(self):
        super().__init__("nothing fitted")
        self.edges, self.lamps = [], None

    def button_edges(self):
        edges, self.edges = tuple(self.edges), []
        return edges

    def light(self, lamps):
        self.lamps = lamps


class Panel:
    """A service with a button, a clock and a state directory."""

    def __init__(self, folder, station=None):
        self.station = station or Touched()
        self.access_point = AccessPoint()
        self.now_ms = 0
        self.note = folder / "reset.json"
        self.operations = Operations(
            station=self.station,
            settings=SettingsStore(folder, BOARD),
            board=BOARD,
            machine=Machine(simulated=True),
            network=UnmanagedNetwork(),
            clock=ShiftedClock(),
        )
        self.service = PanelService(self.operations, self.access_point, lambda: self.now_ms)

    async def hold(self, ms):
        """Press, look as often as the service does, let go."""
        began = self.now_ms
        self.station.edges.append(ButtonEdge(began, True))
        while self.now_ms < began + ms:
            await self.service.look()
            self.now_ms += min(100, began + ms - self.now_ms)
        self.station.edges.append(ButtonEdge(self.now_ms, False))
        await self.service.look()


@pytest.fixture
def panel(tmp_path):
    return Panel(tmp_path)


async def test_a_short_press_starts_the_access_point(panel):
    await panel.hold(300)
    assert panel.access_point.wishes == [True]
    assert not panel.note.exists()


async def test_ten_seconds_warn_and_letting_go_asks_for_the_reset(panel, caplog):
    await panel.hold(10_100)
    assert "letting go now erases all settings" in caplog.text
    assert json.loads(panel.note.read_text()) == {"sessions": False, "source": "button"}
    assert panel.access_point.wishes == []
    async with asyncio.timeout(PATIENCE_S):
        await panel.operations.restart_due.wait()


async def test_the_leds_flash_while_letting_go_would_erase(panel):
    panel.station.edges.append(ButtonEdge(0, True))
    shown = {}
    for panel.now_ms in (0, 9_999, 10_000, 29_999, 30_000, 60_000):
        await panel.service.look()
        shown[panel.now_ms] = panel.station.lamps.warning
    assert shown == {
        0: False, 9_999: False, 10_000: True, 29_999: True, 30_000: False, 60_000: False,
    }  # fmt: skip


async def test_a_button_that_is_stuck_does_nothing_and_is_named(panel, caplog):
    await panel.hold(31_000)
    assert "it is stuck" in caplog.text
    assert (panel.access_point.wishes, panel.note.exists()) == ([], False)


async def test_a_reset_that_cannot_be_noted_is_none(panel, caplog):
    panel.note.mkdir()
    await panel.hold(12_000)
    assert "the factory reset was not noted" in caplog.text
    assert panel.operations._restart is None


async def test_the_network_led_shows_what_the_settings_wish(panel):
    await panel.service.look()
    assert panel.station.lamps == Lamps(network=(0, 0))
    wish = {"enabled": True, "ssid": "home", "password": "12345678"}
    await panel.operations.change("wifi", wish, source="test")
    await panel.service.look()
    assert panel.station.lamps == Lamps(network=(500, 500))


# on the pins of a circuit


async def edges_of(world, count):
    found = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < count:
            found += world.station.button_edges()
            await asyncio.sleep(0.005)
    return found


async def test_presses_come_from_the_pin_with_their_times(tmp_path):
    world = World(tmp_path)
    async with world.running():
        world.changes.append({"button": True})
        (pressed,) = await edges_of(world, 1)
        world.changes.append({"button": False})
        (released,) = await edges_of(world, 1)
        assert (pressed.pressed, released.pressed) == (True, False)
        assert released.at_ms - pressed.at_ms >= BOARD.button.debounce_ms
        assert world.station.button_edges() == ()


async def test_lamps_show_what_the_service_says_and_then_the_station_again(tmp_path):
    shown = []
    world = World(tmp_path)
    show = world.hat.indicators.show
    world.hat.indicators.show = lambda *words: (shown.append(words), show(*words))
    async with world.running():
        world.station.light(Lamps(network=(100, 900), warning=True))
        await _until(lambda: ("wifi", 100, 900) in shown)
        assert {("charging", 100, 100), ("error", 100, 100)} <= set(shown)
        shown.clear()
        world.station.light(Lamps())
        await _until(lambda: ("wifi", 0, 0) in shown)
        assert {("charging", 0, 0), ("error", 0, 0)} <= set(shown)


async def _until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - the control thread rings no bell
            await asyncio.sleep(0.005)


def test_a_station_in_maintenance_has_neither_button_nor_lamps():
    station = ParkedStation("no board")
    station.light(Lamps(warning=True))
    assert station.button_edges() == ()
