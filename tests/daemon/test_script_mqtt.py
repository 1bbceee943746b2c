"""A whole charger with a script of the gallery, a real broker, and a car."""

import itertools
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from daemon_world import ROOT, eventually, milliseconds_until, pair
from mqtt_world import mosquitto

GALLERY = ROOT / "docs" / "scripts"
KEPT_W = 100
CAP_A = 16
FOLLOWED_WITHIN_S = 5
FLOOD = 20_000


@pytest.fixture
def broker(tmp_path):
    with mosquitto(tmp_path / "broker") as running:
        yield running


@contextmanager
def charger(tmp_path, script, **parameters):
    """Run a charger with one script of the gallery, a car that wants to charge at its plug."""
    with pair(tmp_path) as (simulator, daemon):
        home = Path(daemon.state_dir, "usr", "lua")
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(GALLERY / script / f"{script}.lua", home)
        (home / "init.lua").write_text(f'component.register(require("{script}"))\n')
        daemon.post("/config/script", {"enabled": True})
        eventually(lambda: daemon.get("/script/components"))
        wanted = [{"key": key, "value": value} for key, value in parameters.items()]
        daemon.post(f"/script/components/{script}", {"params": wanted})
        yield simulator, daemon


class House:
    """A roof, a grid and a meter between them that publishes."""

    def __init__(self, broker, daemon, simulator):
        self.broker, self.daemon, self.simulator = broker, daemon, simulator
        self.offers = []
        self._turn = itertools.count()

    def shine(self, roof_w):
        """Let the meter say once what the roof leaves over beside the car."""
        drawn_w = self.daemon.get("/state")["power"]
        self.broker.publish("grid/power", str(round(drawn_w - roof_w)).encode())
        self.offers.append(self.offered_a())

    def offered_a(self):
        """What the circuit tells the car."""
        return self.simulator.get()["pilot"]["offeredCurrent"]

    def seconds_until_offered(self, roof_w, amps):
        def offers():
            self.shine(roof_w)
            return abs(self.offered_a() - amps) < 0.35

        return milliseconds_until(offers) / 1000


def _amps(roof_w):
    return (roof_w - KEPT_W) / (3 * 230)


def test_the_car_gets_what_the_roof_leaves_over_within_seconds(tmp_path, broker):
    uri = broker.uri()
    with charger(tmp_path, "solar_surplus", uri=uri, phases=3, begin=1, finish=3, silence=20) as (
        simulator,
        daemon,
    ):
        daemon.post("/config/evse", {"maxChargingCurrent": CAP_A})
        simulator.set(vehicle="charging")
        house = House(broker, daemon, simulator)
        eventually(lambda: "SUBACK" in broker.log)
        house.shine(6000)
        eventually(lambda: house.shine(6000) or daemon.state() == "C2")
        times_s = [
            house.seconds_until_offered(roof_w, min(_amps(roof_w), CAP_A))
            for roof_w in (6000, 9000, 5000, 20000, 7000)
        ]
        house.seconds_until_offered(2000, 6)
        eventually(lambda: house.shine(2000) or not daemon.get("/state")["enabled"])
        eventually(lambda: not simulator.closed())
        assert max(times_s) < FOLLOWED_WITHIN_S
        assert max(house.offers) <= CAP_A + 0.1
        lines = daemon.ask("GET", "/script/output")[1]
        assert "solar: begin with" in lines
        assert "solar: pause, too little" in lines


def test_a_script_whose_broker_restarts_goes_on(tmp_path, broker):
    with charger(tmp_path, "fallback", uri=broker.uri(), silence=600) as (_, daemon):
        eventually(lambda: "SUBACK" in broker.log)
        broker.publish("evse/current", b"9.5")
        eventually(lambda: daemon.get("/state")["chargingCurrent"] == 9.5)
        broker.stop()
        seen = broker.log.count("Sending SUBACK")
        broker.start()
        eventually(lambda: broker.log.count("Sending SUBACK") > seen)
        broker.publish("evse/current", b"7.5")
        eventually(lambda: daemon.get("/state")["chargingCurrent"] == 7.5)


def test_switching_scripts_off_says_goodbye_to_the_broker(tmp_path, broker):
    with charger(tmp_path, "fallback", uri=broker.uri()) as (_, daemon):
        eventually(lambda: "SUBACK" in broker.log)
        name = broker.log.partition(" as evsed-")[2].partition(" ")[0]
        daemon.post("/config/script", {"enabled": False})
        eventually(lambda: f"Client evsed-{name} disconnected." in broker.log)
        assert daemon.get("/script/components") == []


def test_a_flood_of_messages_holds_no_client_up_and_ends_in_the_newest(tmp_path, broker):
    many = tmp_path / "many"
    many.write_text("8\n" * FLOOD)
    with charger(tmp_path, "fallback", uri=broker.uri()) as (simulator, daemon):
        simulator.set(vehicle="charging")
        eventually(simulator.closed)
        eventually(lambda: "SUBACK" in broker.log)
        slowest_s = 0.0
        with broker.flood("evse/current", many):
            while broker.log.count("Sending PUBLISH to evsed") < FLOOD:
                began = time.monotonic()
                daemon.get("/state")
                slowest_s = max(slowest_s, time.monotonic() - began)
        assert slowest_s < 1
        eventually(lambda: "messages dropped" in daemon.ask("GET", "/script/output")[1])
        broker.publish("evse/current", b"8.5")
        eventually(lambda: daemon.get("/state")["chargingCurrent"] == 8.5)
        eventually(simulator.closed)
