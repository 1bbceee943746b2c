"""The document for Home Assistant, against the rules recorded from Home Assistant itself.

``tests/homeassistant/record_rules.py`` records them; ``make test-homeassistant`` asks the program.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from scenarios.street import SIM_BOARD

from evsed.host.clock import ShiftedClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.services.mqtt.commands import COMMANDS
from evsed.services.mqtt.home_assistant import config_topic, document
from evsed.services.mqtt.topics import TOPICS, payload
from evsed.settings.store import SettingsStore
from evsed.station.station import ParkedStation

RULES = json.loads(Path(__file__).with_name("home_assistant_rules.json").read_text())
PLATFORM_KEYS = {"platform", "unique_id", "name"}
HOSTILE = ("Carport", "{{ 1/0 }}", '"\\', "a/+/#", "é🚗", "-" * 63)


@pytest.fixture
def picture(tmp_path):
    def made(board=SIM_BOARD, **evse):
        store = SettingsStore(tmp_path, board)
        store.load()
        shown = Operations(
            station=ParkedStation("nothing fitted"),
            settings=store,
            board=board,
            machine=Machine(simulated=True),
            network=UnmanagedNetwork(),
            clock=ShiftedClock(),
        ).picture()
        settings = replace(shown.settings, evse=replace(shown.settings.evse, **evse))
        return replace(shown, settings=settings)

    return made


def told(picture, *, read_only=False):
    made = document(picture, "evsed/abc", "abc", read_only=read_only, url="http://evse.local")
    return json.loads(payload(made))


BARE = replace(SIM_BOARD, socket_lock=None, onewire=None)
BOARDS = {"fitted": SIM_BOARD, "bare": BARE}


@pytest.fixture(params=BOARDS)
def components(request, picture):
    return told(picture(BOARDS[request.param], energy_meter_three_phases=True))["components"]


def test_every_key_is_one_home_assistant_knows(components):
    for key, one in components.items():
        rules = RULES["platforms"][one["platform"]]
        assert one.keys() <= {*rules["keys"], "platform"}, key
        assert {*rules["required"], "unique_id", "name"} <= one.keys(), key


def test_classes_units_and_categories_fit_together(components):
    for key, one in components.items():
        platform, kind = one["platform"], one.get("device_class")
        if kind is not None:
            assert kind in RULES["device_classes"][platform], key
            wanted = RULES["units"].get(platform, {}).get(kind)
            if wanted is not None and kind != "enum":
                assert one["unit_of_measurement"] in wanted, key
        if "state_class" in one and kind is not None:
            assert one["state_class"] in RULES["state_classes"][kind], key
        assert one.get("entity_category") in {None, *RULES["categories"]}, key


def test_the_device_is_described_as_it_has_to_be(picture):
    found = told(picture())
    assert found["device"].keys() <= set(RULES["document"]["device"]["keys"])
    assert found["origin"].keys() == {"name", "sw_version"}
    assert re.fullmatch(
        r"homeassistant/device/[A-Za-z0-9_-]+/config", config_topic("homeassistant", "abc")
    )


def test_identities_are_unique_and_topics_are_of_the_tables(components):
    assert len({one["unique_id"] for one in components.values()}) == len(components)
    values = {f"evsed/abc/{topic.name}" for topic in TOPICS}
    commands = {f"evsed/abc/set/{name}" for name in COMMANDS}
    for one in components.values():
        assert {one["state_topic"]} <= values if "state_topic" in one else True
        assert {one["command_topic"]} <= commands if "command_topic" in one else True


def test_energy_is_ready_for_the_dashboard(components):
    for key in ("totalConsumption", "consumption"):
        one = components[key]
        assert (one["unit_of_measurement"], one["device_class"]) == ("kWh", "energy")
        assert one["state_class"] == "total_increasing"


def test_what_is_not_fitted_is_not_announced(picture):
    bare = told(picture(BARE, energy_meter_three_phases=False))["components"]
    whole = told(picture(SIM_BOARD, energy_meter_three_phases=True))["components"]
    more = {"temperatureHigh", "locked", "currentL2", "currentL3", "voltageL2", "voltageL3"}
    assert whole.keys() - bare.keys() == more


def test_the_slider_ends_where_the_charger_does(picture):
    one = told(picture(max_charging_current_a=13))["components"]["chargingCurrent"]
    assert (one["min"], one["max"]) == (6, 13)


def test_without_commands_nothing_can_be_switched(picture):
    found = told(picture(), read_only=True)["components"]
    assert {one["platform"] for one in found.values()} == {"sensor", "binary_sensor"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_a_name(picture, name):
    now = picture()
    discovery = replace(now.settings.discovery, instance_name=name)
    plain, odd = told(now), told(replace(now, settings=replace(now.settings, discovery=discovery)))
    assert odd["device"].pop("name") == name
    plain["device"].pop("name")
    assert odd == plain
