"""The sections of metering: what the board can then do, and what is refused."""

from dataclasses import replace

import pytest
import yaml
from board_texts import complaints, full_document

from evsed.board.description import ExternalMeter
from evsed.board.reader import find_board, read_board

SIM = read_board(find_board("sim"))


def with_meter(**keys):
    document = full_document()
    document["externalMeter"] = {"model": "sdm630", **keys}
    return document


@pytest.mark.parametrize(
    ("model", "three"), [("sdm120", False), ("sdm630", True), ("sunspec", True)]
)
def test_an_external_meter_makes_a_board_measure_everything(model, three):
    bare = replace(SIM, energy_meter=None)
    assert bare.energy_meter_mode == "none"
    board = replace(bare, external_meter=ExternalMeter(model=model, host="meter"))
    assert board.energy_meter_mode == "cur_vlt"
    assert board.energy_meter_three_phases is three


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "externalMeter: host (Modbus TCP) or serial (name of a serial port) is needed"),
        ({"host": "a", "serial": "RS485"}, "host (Modbus TCP) or serial"),
        ({"serial": "nowhere"}, "there is no serial port of the name nowhere"),
        ({"serial": "RS485", "port": 502}, "externalMeter.port: permitted only with host"),
        ({"host": "a b"}, "a name or an address"),
    ],
)
def test_an_external_meter_that_cannot_be_found_is_refused(tmp_path, keys, words):
    assert any(words in line for line in complaints(tmp_path, with_meter(**keys)))


def test_a_meter_on_a_serial_port_and_one_by_address_are_good(tmp_path):
    document = with_meter(serial=full_document()["serials"][0]["name"])
    assert complaints(tmp_path, document) == []
    assert complaints(tmp_path, with_meter(host="fd00::7")) == []


def test_falling_back_to_channels_that_are_not_there_is_refused(tmp_path):
    document = with_meter(host="a", fallback="board")
    del document["energyMeter"]
    found = complaints(tmp_path, yaml.safe_dump(document))
    assert any("fallback: board needs the section energyMeter" in line for line in found)
