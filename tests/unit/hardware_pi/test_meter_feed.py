"""Turns of the sampler become meter readings over whole mains periods."""

import math
from pathlib import Path

import pytest

from evsed.board.reader import read_board
from evsed.hardware.pi.meter_feed import MeterFeed
from evsed.hardware.pi.sampling_plan import full_plan

BOARDS = Path(__file__).parents[3] / "boards"
VOLT_MV = 1 / 0.47
AMPERE_MV = 1 / 0.090909


class Mains:
    """230 V and 10 A at 50 Hz on every phase, sampled as a plan says."""

    def __init__(self, name, turn_us):
        board = read_board(BOARDS / f"{name}.yaml")
        self.currents = board.energy_meter.current.adc_channels
        self.feed = MeterFeed(board.energy_meter)
        self.plan = full_plan(board, self.feed.channels)
        self.turn_us = turn_us
        self.now_us = 0
        self.readings = []

    def turn(self):
        slot_us = self.turn_us / self.plan.slots
        taken = {}
        for channel in self.feed.channels:
            first, step = self.plan.places[channel]
            current = channel in self.currents
            peak_mv = math.sqrt(2) * (10 * AMPERE_MV if current else 230 * VOLT_MV)
            count = 1 + (self.plan.slots - 1 - first) // step
            taken[channel] = [
                1650 + peak_mv * math.sin(2 * math.pi * 50e-6 * (self.now_us + slot * slot_us))
                for slot in range(first, first + step * count, step)
            ]
        exchanges = []
        began_us = self.now_us
        for batch in self.plan.batches:
            ended_us = began_us + round(slot_us * len(batch.channels))
            exchanges.append((began_us, ended_us))
            began_us = ended_us
        self.feed.add(self.plan, taken, exchanges)
        self.now_us += self.turn_us
        if self.feed.newest and self.feed.newest not in self.readings:
            self.readings.append(self.feed.newest)


@pytest.mark.parametrize(
    ("name", "turn_us"),
    [
        ("sim", 10_060),
        ("full-three-phase", 1_118),
        ("full-three-phase", 1_181),
        ("full-three-phase", 1_743),
    ],
)
def test_readings_are_right_whatever_a_turn_takes(name, turn_us):
    mains = Mains(name, turn_us)
    while len(mains.readings) < 5:
        mains.turn()
    for reading in mains.readings:
        assert reading.voltages_v == pytest.approx([230] * 3, rel=0.01)
        assert reading.currents_a == pytest.approx([10] * 3, rel=0.01)
        assert reading.real_power_w == pytest.approx(6900, rel=0.02)


def test_a_pause_between_short_turns_is_bridged():
    mains = Mains("full-three-phase", 1_118)
    for _ in range(100):
        for _ in range(7):
            mains.turn()
        mains.now_us += 1_000  # proximity was read
    assert len(mains.readings) > 15
    for reading in mains.readings:
        assert reading.voltages_v == pytest.approx([230] * 3, rel=0.03)
    mean = sum(reading.real_power_w for reading in mains.readings) / len(mains.readings)
    assert mean == pytest.approx(6900, rel=0.002)


def test_there_is_no_reading_before_the_zero_line_is_known():
    mains = Mains("sim", 10_060)
    for _ in range(4):
        mains.turn()
    assert mains.feed.newest is None
