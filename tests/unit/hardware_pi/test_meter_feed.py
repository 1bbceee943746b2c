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
        self.feed = MeterFeed(board.energy_meter)
        self.plan = full_plan(board, self.feed.channels)
        self.turn_us = turn_us
        self.now_us = 0
        self.readings = []

    def turn(self):
        slot_us = self.turn_us / self.plan.slots
        taken = {}
        for place, channel in enumerate(self.feed.channels):
            first, step = self.plan.places[channel]
            peak_mv = math.sqrt(2) * (10 * AMPERE_MV if place < 3 else 230 * VOLT_MV)
            count = 1 + (self.plan.slots - 1 - first) // step
            taken[channel] = [
                1650 + peak_mv * math.sin(2 * math.pi * 50e-6 * (self.now_us + slot * slot_us))
                for slot in range(first, first + step * count, step)
            ]
        self.feed.add(self.plan, taken, self.now_us, self.now_us + self.turn_us)
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


def test_short_turns_with_a_pause_between_are_not_joined():
    mains = Mains("full-three-phase", 1_118)
    while len(mains.readings) < 2:
        mains.turn()
    for _ in range(20):
        mains.turn()
    mains.now_us += 1_000  # proximity was read
    for _ in range(20):
        mains.turn()
    mains.now_us += 1_000
    assert len(mains.readings) == 2
    for _ in range(40):
        mains.turn()
    assert len(mains.readings) == 3


def test_there_is_no_reading_before_the_zero_line_is_known():
    mains = Mains("sim", 10_060)
    for _ in range(4):
        mains.turn()
    assert mains.feed.newest is None
