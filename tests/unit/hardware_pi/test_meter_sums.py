"""The meter's arithmetic on its own thread."""

import threading
from pathlib import Path

import pytest
from pi_world import eventually

from evsed.board.reader import read_board
from evsed.hardware.pi.adc import Decoder
from evsed.hardware.pi.meter_sums import MeterSums, Turn
from evsed.hardware.pi.sampling_plan import full_plan

BOARD = read_board(Path(__file__).parents[3] / "boards" / "sim.yaml")


class Feed:
    def __init__(self):
        self.added = []
        self.open = threading.Event()
        self.open.set()
        meter = BOARD.energy_meter
        self.channels = (*meter.current.adc_channels, *meter.voltage.adc_channels)

    def add(self, plan, readings, exchanges):
        self.open.wait()
        if exchanges is None:
            raise ArithmeticError("a fault of the program")
        self.added.append((plan, readings, exchanges))


@pytest.fixture
def feed():
    return Feed()


@pytest.fixture
def sums(feed):
    sums = MeterSums(feed, [Decoder(adc) for adc in BOARD.adcs])
    yield sums
    feed.open.set()
    sums.close()
    assert sums.ended


def turn(plan, exchanges=((0, 10_000),)):
    return Turn([tuple(range(plan.slots))], exchanges)


def test_readings_of_every_channel_arrive_in_mv_with_their_times(sums, feed):
    plan = full_plan(BOARD, feed.channels)
    sums.give(plan, [turn(plan), turn(plan, ((10_100, 20_100),))])
    eventually(lambda: len(feed.added) == 2)
    given, readings, exchanges = feed.added[1]
    assert given is plan
    assert exchanges == ((10_100, 20_100),)
    assert set(readings) == set(feed.channels)
    first = feed.channels[0]
    place, step = plan.places[first]
    assert readings[first][:2] == [(place + step * n) * 3300 / 4096 for n in range(2)]


def test_whoever_gives_never_waits_and_what_is_too_much_is_left_out(sums, feed):
    plan = full_plan(BOARD, feed.channels)
    feed.open.clear()
    for _ in range(100):
        sums.give(plan, [turn(plan)])
    feed.open.set()
    sums.close()
    assert 48 <= len(feed.added) <= 50


def test_a_fault_in_the_arithmetic_ends_the_thread(sums, feed, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    plan = full_plan(BOARD, feed.channels)
    sums.give(plan, [turn(plan, None)])
    eventually(lambda: sums.ended)
