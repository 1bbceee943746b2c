"""Windows that begin every half window: what counts as two in a row (decision 0049)."""

import itertools
import random
from dataclasses import replace

import pytest
from scenarios.street import Street, quick_board
from scenarios.test_street_reaction import EVENTS, charge_again

from evsed.hardware.pi.pilot_halves import Half, PilotHalves
from evsed.hardware.simulator.hat_sampler import InputReader
from evsed.station.control_pass import ControlPass

HALF_US = 5_000
SPACING_US = 43


class HalvesSampler:
    """Full windows as the Pi's sampler takes them, half a window at a time; short ones as ever."""

    def __init__(self, circuit, steady):
        self.circuit, self.steady = circuit, steady
        self.reader, self.halves = InputReader(circuit), PilotHalves()
        self.swinging = self.energized = False
        self.start_us = circuit.now_us
        #: that do not share readings with the one before, and that do
        self.apart = self.shared = 0

    def expect(self, *, square_wave, energized):
        self.steady.expect(square_wave=square_wave, energized=energized)
        if not self.swinging:
            self.start_us = self.circuit.now_us
        self.swinging, self.energized = square_wave or energized, energized

    def on_window(self, _action):
        return False

    def take_windows(self):
        taken = self.steady.take_windows()
        if not self.swinging:
            self.halves.forget()
            return taken
        return list(self.full_windows())

    def full_windows(self):
        channel = self.circuit.board.pilot.adc_channel
        while self.start_us + HALF_US <= self.circuit.now_us:
            count = HALF_US // SPACING_US
            readings = self.reader.readings_mv(channel, count, self.start_us, SPACING_US)
            half = Half(self.start_us, self.start_us + HALF_US, [round(one) for one in readings])
            self.start_us += HALF_US
            window = self.halves.add(half, overlapping=self.energized)
            if window is not None:
                self.apart += not window.overlapping
                self.shared += window.overlapping
                yield window


@pytest.fixture
def street():
    street = Street(quick_board(), rcm=True)
    steady = street.hat.sampler
    street.sampler = HalvesSampler(street.circuit, steady)
    street.hat = replace(street.hat, sampler=street.sampler)
    street.station = ControlPass(
        street.hat, street.station.memory, street.mailbox, lambda: street.circuit.now_us // 1000
    )
    return street.start()


def spoil(street, from_us, for_us):
    """Let S2 open for so long, so long after a half of a window has begun."""
    street.wait_us((street.sampler.start_us - street.circuit.now_us) % HALF_US + from_us)
    street.vehicle.open_s2()
    street.wait_us(for_us)
    street.vehicle.close_s2()


def openings(street):
    return sum(not on for _, on in street.switched)


def test_windows_overlap_only_while_current_may_flow(street):
    street.set(vehicle="connected").wait_s(4).expect(state="B2")
    street.sampler.apart = street.sampler.shared = 0
    street.wait_s(1)
    assert 95 <= street.sampler.apart <= 100
    assert street.sampler.shared == 0
    before = street.sampler.apart
    street.charge()
    street.sampler.shared = 0
    street.wait_s(1).expect(contactor=True)
    assert 190 <= street.sampler.shared <= 210
    assert street.sampler.apart - before < 60


def test_a_bad_window_that_shares_readings_with_another_is_no_second_one(street):
    street.charge()
    for place_us in range(0, HALF_US, 500):
        # both windows it lies in are bad, the ones before and after are not
        spoil(street, place_us, 7_000)
        street.wait_ms(500).expect(state="C2", contactor=True)
    assert openings(street) == 0


def test_two_bad_windows_in_a_row_open_wherever_they_begin(street):
    street.charge()
    for place_us in range(0, HALF_US, 500):
        spoil(street, place_us, 20_000)
        street.wait_ms(15)
        assert openings(street) == 1, place_us
        street.switched.clear()
        charge_again(street)


@pytest.mark.parametrize("event", EVENTS)
def test_the_contactor_is_told_to_open_within_26_ms(street, event):
    """Half a window sooner than with windows end to end; the looks of the street are 5 ms apart."""
    dice = random.Random(event)  # noqa: S311 - phases, no secrets
    street.charge()
    for _ in range(60):
        street.shift_grid(dice.randrange(5000))
        street.wait_us(dice.randrange(20_000))
        happened_us = street.circuit.now_us
        EVENTS[event](street)
        street.until(contactor=False, within_ms=200)
        assert street.opened_after_ms(happened_us) <= 26
        street.switched.clear()
        charge_again(street)


def test_energy_is_asked_for_only_by_windows_end_to_end(street):
    """Windows seen by the rules never share readings while all is well."""
    seen = []
    run = street.station._collect

    def noted(*args):
        inputs = run(*args)
        seen.extend(inputs.windows)
        return inputs

    street.charge()
    street.station._collect = noted
    street.wait_s(1).expect(contactor=True)
    assert 95 <= len(seen) <= 101
    assert all(b.started_ms >= a.ended_ms for a, b in itertools.pairwise(seen))
