"""Proximity and analog inputs are read in the gaps, and not while the pilot is being judged."""

import itertools
from pathlib import Path

import pytest

from evsed.board.reader import read_board
from evsed.errors import HardwareError
from evsed.hardware.pi.adc import Decoder
from evsed.hardware.pi.side_inputs import SideInputs

BOARD = read_board(Path(__file__).parents[3] / "boards" / "sim.yaml")
STEADY_US = -1_000_000


class Bus:
    def __init__(self):
        self.done = []
        self.broken = False
        self.side = SideInputs(BOARD, [Decoder(adc) for adc in BOARD.adcs], self.convert)

    def convert(self, batch):
        if self.broken:
            raise HardwareError("no answer")
        self.done.append(batch.adc)
        return [1000 + batch.adc] * len(batch.channels)


@pytest.fixture
def bus():
    return Bus()


def raw_mv(raw):
    return round(raw * 3300 / 4096)


def test_with_a_steady_pilot_everything_due_is_read_at_once(bus):
    bus.side.read_all(0, -10_000_000)
    assert bus.done == [0, 1]
    assert bus.side.proximity.mv == raw_mv(1000)
    assert bus.side.proximity.taken_ms == 0
    assert bus.side.analog_mv == {"AUX_AN1": raw_mv(1001)}
    bus.side.read_all(69_999, -10_000_000)
    assert bus.done == [0, 1]
    bus.side.read_all(70_000, -10_000_000)
    assert bus.done == [0, 1, 0, 1]


def test_a_vehicle_that_comes_has_its_cable_read_more_often(bus):
    bus.side.read_all(0, -10_000_000)
    bus.side.read_all(29_999, moved_us=20_000)
    assert bus.done == [0, 1]
    bus.side.read_all(30_000, moved_us=20_000)
    assert bus.done == [0, 1] * 2
    bus.side.read_all(60_000, moved_us=20_000)
    assert bus.done == [0, 1] * 3


def test_between_windows_one_converter_is_read_in_each_gap(bus):
    bus.side.read_some(0, STEADY_US)
    assert (bus.done, bus.side.proximity) == ([0], None)
    bus.side.read_some(5_000, STEADY_US)
    assert bus.done == [0, 1]
    assert bus.side.proximity.taken_ms == 5
    bus.side.read_some(10_000, STEADY_US)
    assert bus.done == [0, 1]


def test_a_pilot_that_has_just_moved_comes_first(bus):
    for now_us in range(0, 25_001, 5_000):
        bus.side.read_some(now_us, moved_us=now_us - 5_000)
        assert bus.done == []
    bus.side.read_some(26_000, moved_us=25_000)
    assert bus.done == [0]


def test_a_pilot_that_never_rests_does_not_keep_the_proximity_contact_from_being_read(bus):
    taken = set()
    for now_us in range(0, 2_000_000, 5_500):
        bus.side.read_some(now_us, moved_us=now_us)
        if bus.side.proximity is not None:
            taken.add(bus.side.proximity.taken_ms)
    ages = [b - a for a, b in itertools.pairwise(sorted(taken))]
    assert max(ages) <= 110


def test_a_steady_one_is_read_about_every_75_ms(bus):
    taken = set()
    for now_us in range(0, 2_000_000, 5_500):
        bus.side.read_some(now_us, STEADY_US)
        if bus.side.proximity is not None:
            taken.add(bus.side.proximity.taken_ms)
    ages = [b - a for a, b in itertools.pairwise(sorted(taken))]
    assert max(ages) <= 85


def test_what_failed_is_read_again(bus):
    bus.broken = True
    with pytest.raises(HardwareError):
        bus.side.read_some(0, STEADY_US)
    bus.broken = False
    bus.side.read_some(5_000, STEADY_US)
    bus.side.read_some(10_000, STEADY_US)
    assert bus.done == [0, 1]
