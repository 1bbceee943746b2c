"""Home Assistant's own MQTT integration finds the charger, shows it and steers it.

Only with ``make test-homeassistant``, which installs Home Assistant.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from mqtt_world import mosquitto

sys.path.insert(0, str(Path(__file__).parents[1] / "daemon"))

from daemon_world import pair  # found only now

pytestmark = pytest.mark.homeassistant
PATIENCE_S = 60
NAME = 'Carport {{ 1/0 }} "x" <b>é'


class House:
    """A running Home Assistant."""

    def __init__(self, folder, port):
        self.log = (folder.parent / "house.log").open("w+")
        program = Path(__file__).with_name("house.py")
        self.process = subprocess.Popen(
            [os.environ["HOME_ASSISTANT_PYTHON"], program, folder, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.version = self._answer()["version"]

    def _answer(self):
        line = self.process.stdout.readline()
        assert line, Path(self.log.name).read_text()[-4000:]
        return json.loads(line)

    def ask(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def states(self):
        """Return every entity by the charger's key."""
        return {unique.split("_", 2)[2]: one for unique, one in self.ask(states=True).items()}

    def until(self, condition):
        give_up = time.monotonic() + PATIENCE_S
        while not condition(found := self.states()):
            shown = {key: one["state"] for key, one in found.items()}
            assert time.monotonic() < give_up, shown
            time.sleep(0.2)
        return found

    def shows(self, **wanted):
        return self.until(lambda found: all(found[key]["state"] == wanted[key] for key in wanted))

    def call(self, service, key, **data):
        entity = self.states()[key]["entity_id"]
        domain = entity.partition(".")[0]
        assert self.ask(call=[domain, service, {"entity_id": entity, **data}]) is True

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.log.close()


@contextmanager
def house(folder, port):
    running = House(folder, port)
    try:
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A house, a charger that was just connected, and how to look at it."""
    folder = tmp_path_factory.mktemp("home")
    with (
        mosquitto(folder / "broker") as broker,
        pair(folder) as (_, daemon),
        house(folder / "house", broker.port) as home,
    ):
        print("Home Assistant", home.version)
        daemon.post("/config/evse", {"energyMeterThreePhases": True, "maxChargingCurrent": 25})
        daemon.post("/config/discovery", {"instanceName": NAME})
        daemon.post("/config/mqtt", {"enabled": True, "uri": broker.uri(), "interval": 1})
        home.until(lambda now: {"power", "locked", "voltageL3"} <= now.keys())
        yield home, daemon


def test_the_charger_appears(world):
    home, _ = world
    found = home.shows(state="A", vehicle="off", enabled="on", power="0", errors="off")
    (device,) = home.ask(devices=True)
    assert (device["name"], device["manufacturer"]) == (NAME, "evsed")
    number = found["chargingCurrent"]["attributes"]
    assert (number["min"], number["max"], number["step"]) == (6, 25, 0.1)
    energy = found["totalConsumption"]["attributes"]
    assert energy["unit_of_measurement"] == "kWh"
    assert (energy["device_class"], energy["state_class"]) == ("energy", "total_increasing")
    assert found["power"]["attributes"]["device_class"] == "power"
    assert all(one["platform"] == "mqtt" for one in found.values())
    unknown = {key for key, one in found.items() if one["state"] in {"unknown", "unavailable"}}
    assert unknown <= {"authorize"}  # a button nobody has pressed
    domains = sorted({one["entity_id"].partition(".")[0] for one in found.values()})
    print(len(found), "entities:", domains)


def test_it_is_shown_and_steered(world):
    home, daemon = world
    daemon.charge()
    found = home.until(lambda now: float(now["currentL3"]["state"]) > 5)
    assert found["state"]["state"] == "C2"
    home.until(lambda now: float(now["power"]["state"]) > 3000)
    assert float(found["voltageL2"]["state"]) > 200
    home.until(lambda now: float(now["totalConsumption"]["state"]) > 0)
    home.call("set_value", "chargingCurrent", value=10.5)
    home.shows(chargingCurrent="10.5", offeredCurrent="10.5")
    assert daemon.get("/state")["chargingCurrent"] == 10.5
    home.call("turn_off", "enabled")
    home.shows(enabled="off", contactorClosed="off")
    assert daemon.get("/state")["enabled"] is False
    home.call("turn_on", "enabled")
    home.shows(contactorClosed="on", vehicle="on")
    home.call("set_value", "consumptionLimit", value=12)
    home.until(lambda now: float(now["consumptionLimit"]["state"]) == 12)
    assert daemon.get("/state")["consumptionLimit"] == 12 * 3_600_000


def test_it_is_authorized(world):
    home, daemon = world
    home.call("turn_on", "requireAuth")
    daemon.street(vehicle="none")
    home.shows(vehicle="off", requireAuth="on")
    daemon.street(vehicle="charging")
    home.shows(pendingAuth="on")
    home.call("press", "authorize")
    home.shows(pendingAuth="off", contactorClosed="on")


def test_what_is_wrong_is_shown(world):
    home, daemon = world
    daemon.street(diode=False)
    home.shows(errors="on")


def test_it_goes_and_comes_with_the_switch_and_is_unavailable_when_it_is_dead(world):
    home, daemon = world
    before = home.states().keys()
    daemon.post("/config/mqtt", {"discovery": False})
    home.until(lambda now: not now)
    daemon.post("/config/mqtt", {"discovery": True})
    home.until(lambda now: now.keys() == before)
    daemon.kill()
    home.shows(power="unavailable", enabled="unavailable")
