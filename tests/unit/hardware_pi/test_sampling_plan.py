"""What the sampler converts in which order, and the kernel's records for it."""

import ctypes
from pathlib import Path

import pytest

from evsed.board.description import Adc
from evsed.board.reader import read_board
from evsed.hardware.metering import Metering
from evsed.hardware.pi.sampling_plan import (
    Batch,
    direct_plan,
    extra_batches,
    fewest_hits,
    full_plan,
    pilot_pattern,
)
from evsed.hardware.pi.spi_port import Transfer, message_request

BOARDS = Path(__file__).parents[3] / "boards"
NAMES = ("sim", "minimal-single-phase", "full-three-phase", "pi-evse-hat")
CHIP = Adc(name="adc0", type="mcp3208", bus=0, cs=0, vref_mv=3300, speed_hz=900_000)


def plan_of(name, spacing_us=43.0):
    board = read_board(BOARDS / f"{name}.yaml")
    return board, full_plan(board, Metering(board.energy_meter).channels, spacing_us)


def pilot_slots(board, plan):
    pilot = board.pilot.adc_channel
    (batch,) = plan.batches
    return [place for place, slot in enumerate(batch.channels) if slot == pilot.channel]


def test_a_record_is_laid_out_as_the_kernel_has_it():
    offsets = {name: getattr(Transfer, name).offset for name, _ in Transfer._fields_}
    assert ctypes.sizeof(Transfer) == 32
    assert offsets == {
        "tx_buf": 0,
        "rx_buf": 8,
        "len": 16,
        "speed_hz": 20,
        "delay_usecs": 24,
        "bits_per_word": 26,
        "cs_change": 27,
        "tx_nbits": 28,
        "rx_nbits": 29,
        "word_delay_usecs": 30,
        "pad": 31,
    }


def test_the_request_number_carries_the_size_of_all_records():
    assert message_request(1) == 0x40206B00
    assert message_request(232) == 0x5D006B00


def test_records_carry_three_bytes_each_and_release_the_chip_after_each_but_the_last():
    batch = Batch(0, CHIP, [0, 5, 0])
    assert [record.len for record in batch.records] == [3, 3, 3]
    assert [record.cs_change for record in batch.records] == [1, 1, 0]
    assert {record.speed_hz for record in batch.records} == {900_000}
    sent = [ctypes.string_at(record.tx_buf, 3).hex() for record in batch.records]
    assert sent == ["060000", "074000", "060000"]


def test_answers_come_back_through_the_records_pointers_in_order():
    batch = Batch(0, CHIP, [0, 5, 0])
    for number, record in enumerate(batch.records):
        ctypes.memmove(record.rx_buf, bytes((0, 1, number)), 3)
    assert batch.words() == (0x100, 0x101, 0x102)
    assert list(batch.pick[0](batch.words())) == [0x100, 0x102]
    assert list(batch.pick[5](batch.words())) == [0x101]


@pytest.mark.parametrize("count", [0, 512])
def test_a_batch_the_kernel_would_refuse_cannot_be_built(count):
    with pytest.raises(ValueError, match=str(count)):
        Batch(0, CHIP, [0] * count)


@pytest.mark.parametrize(
    ("meter", "pattern"),
    [
        ([], [0]),
        ([1], [0, 0, 0, 0, 1]),
        ([1, 2], [0, 0, 0, 0, 1, 0, 0, 0, 0, 2]),
        ([2, 3, 4], [0, 0, 2, 0, 0, 3, 0, 0, 4]),
    ],
)
def test_pilot_readings_stand_before_each_of_the_meters(meter, pattern):
    assert pilot_pattern(0, meter) == pattern


@pytest.mark.parametrize("name", ["sim", "minimal-single-phase", "pi-evse-hat"])
def test_a_window_of_one_converter_is_one_batch_of_ten_periods_with_150_readings(name):
    board, plan = plan_of(name)
    assert len(pilot_slots(board, plan)) >= 150
    assert plan.slots * 43 == pytest.approx(10_000, rel=0.02)


def test_a_meter_of_its_own_is_asked_between_pilot_readings_out_of_step_with_the_pilot():
    _, plan = plan_of("full-three-phase")
    pilot, meter = plan.batches
    assert pilot.channels == (0,) * 20
    assert meter.channels == (0, 3, 1, 4, 2, 5)  # each current beside its voltage
    assert plan.window_us == 10_000
    turn_us = plan.slots * 43 + 60  # two calls and some Python
    times = [turn * turn_us + i * 43 for turn in range(9) for i in range(20)]
    assert len(times) >= 150
    assert fewest_hits(times) >= 5


@pytest.mark.parametrize("name", ["sim", "minimal-single-phase", "pi-evse-hat"])
@pytest.mark.parametrize("spacing_us", [20.0, 25.0, 34.0, 40.0, 41.667, 43.0, 47.6, 50.0, 62.5])
def test_no_plateau_is_missed_whatever_a_conversion_takes(name, spacing_us):
    board, plan = plan_of(name, spacing_us)
    step_us = spacing_us + plan.delay_us
    assert fewest_hits(place * step_us for place in pilot_slots(board, plan)) >= 5
    assert len(pilot_slots(board, plan)) >= 150


def test_a_spacing_that_divides_the_period_misses_plateaus_and_is_left():
    assert fewest_hits(i * 100.0 for i in range(100)) == 0
    _, plan = plan_of("minimal-single-phase", 50.0)
    assert plan.delay_us > 0
    assert {record.delay_usecs for record in plan.batches[0].records} == {plan.delay_us}


def test_hits_are_counted_in_the_worst_place():
    assert fewest_hits([0, 10, 20, 500], width_us=30) == 0
    assert fewest_hits(range(0, 1000, 10), width_us=82) == 8


@pytest.mark.parametrize("name", NAMES)
def test_a_steady_pilot_gets_eight_readings(name):
    board = read_board(BOARDS / f"{name}.yaml")
    (batch,) = direct_plan(board).batches
    assert batch.channels == (board.pilot.adc_channel.channel,) * 8


def test_proximity_gets_sixteen_readings_and_analog_inputs_one():
    batches = extra_batches(read_board(BOARDS / "full-three-phase.yaml"))
    assert [batch.channels for batch in batches] == [(1,) * 16 + (2,)]
    assert extra_batches(read_board(BOARDS / "minimal-single-phase.yaml")) == ()


def test_a_plan_knows_where_a_channel_comes_and_how_often():
    board, plan = plan_of("sim")
    meter = Metering(board.energy_meter).channels
    assert [plan.places[channel] for channel in meter] == [(2 + 3 * i, 18) for i in range(6)]
