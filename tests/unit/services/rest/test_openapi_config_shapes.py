from dataclasses import replace
from pathlib import Path

import pytest
from openapi_schema_validator import OAS31Validator

from evsed.board.reader import read_board
from evsed.errors import RejectedError
from evsed.services.rest.config_schemas import config_shapes
from evsed.settings.sections import SECTIONS, default_settings

BOARDS = Path(__file__).parents[4] / "boards"
FULL = read_board(BOARDS / "sim.yaml")
BARE = replace(read_board(BOARDS / "minimal-single-phase.yaml"), rcm=None, proximity=None)
NAMES = ("evse", "wifi", "discovery", "serial", "modbus", "script", "scheduler")


def fits(value, schema):
    return OAS31Validator(schema).is_valid(value)


@pytest.mark.parametrize("board", [FULL, BARE], ids=["full", "bare"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_fits_its_schema(board, name):
    section = SECTIONS[name]
    shown = section.shown(getattr(default_settings(board), name))
    schema = config_shapes(board)[name].shown
    OAS31Validator(schema).validate(shown)
    if isinstance(shown, dict):
        assert set(shown) == set(schema["properties"])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_may_be_sent_back(name):
    section = SECTIONS[name]
    shown = section.shown(getattr(default_settings(FULL), name))
    assert fits(shown, config_shapes(FULL)[name].written)


def test_every_key_of_the_settings_says_what_it_means():
    for name, shapes in config_shapes(FULL).items():
        entry = shapes.shown.get("items", shapes.shown)
        for key, schema in entry["properties"].items():
            assert schema.get("description"), f"{name}.{key}"


@pytest.mark.parametrize(
    "value",
    [
        {"maxChargingCurrent": 5},
        {"maxChargingCurrent": 64},
        {"maxChargingCurrent": 16.5},
        {"defaultChargingCurrent": 5.9},
        {"temperatureThreshold": 39},
        {"energyMeterMode": "foo"},
        {"socketLockBreakTime": FULL.socket_lock.min_break_time_ms - 1},
        {"energyMeterAcVoltage": 301},
        {"energyMeterThreePhases": 2},
        {"requireAuth": 1},
        {"foo": 1},
        {},
    ],
)
def test_what_the_schema_refuses_is_refused(value):
    section = SECTIONS["evse"]
    assert not fits(value, config_shapes(FULL)["evse"].written)
    with pytest.raises(RejectedError):
        section.patched(default_settings(FULL).evse, value, FULL)


@pytest.mark.parametrize(
    "value", [{"socketOutlet": True}, {"rcm": True}, {"energyMeterMode": "cur_vlt"}]
)
def test_the_schema_is_as_narrow_as_the_board(value):
    assert fits(value, config_shapes(FULL)["evse"].written)
    assert not fits(value, config_shapes(BARE)["evse"].written)
    with pytest.raises(RejectedError):
        SECTIONS["evse"].patched(default_settings(BARE).evse, value, BARE)


def test_as_many_serial_entries_as_the_board_has_ports():
    schema = config_shapes(FULL)["serial"].written
    one = {"mode": "none"}
    assert fits([one] * len(FULL.serials), schema)
    assert not fits([one] * (len(FULL.serials) + 1), schema)
    assert fits([one, {}], schema)
    assert not fits([{}, {}], schema)
    assert fits([], config_shapes(replace(FULL, serials=()))["serial"].written)


@pytest.mark.parametrize(
    ("section", "key", "good", "bad"),
    [
        ("wifi", "staticIp", ["", "192.168.1.20", "10.0.0.1"], ["1.2.3", "1.2.3.256", "01.2.3.4"]),
        ("wifi", "password", ["", "a" * 8, "a" * 63, "0" * 64], ["a" * 7, "x" * 64, "\u00e4" * 8]),
        ("discovery", "hostname", ["a", "Garage-2"], ["", "-a", "a-", "a b", "a" * 32]),
    ],
)
def test_texts_are_judged_by_the_schema_as_by_the_settings(section, key, good, bad):
    schema = config_shapes(FULL)[section].written
    before = getattr(default_settings(FULL), section)
    for value in good:
        assert fits({key: value}, schema)
        SECTIONS[section].patched(before, {key: value}, FULL)
    for value in bad:
        assert not fits({key: value}, schema)
        with pytest.raises(RejectedError):
            SECTIONS[section].patched(before, {key: value}, FULL)


def test_a_password_is_taken_and_never_shown():
    shapes = config_shapes(FULL)["wifi"]
    assert "password" not in shapes.shown["properties"]
    assert shapes.written["properties"]["password"]["writeOnly"] is True
