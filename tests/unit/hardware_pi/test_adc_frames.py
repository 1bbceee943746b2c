"""Frames and millivolts of the four converters."""

import pytest

from evsed.board.description import Adc
from evsed.hardware.pi.adc import Decoder, request_frame


def chip(kind: str, **trim: float) -> Adc:
    return Adc(name="adc0", type=kind, bus=0, cs=0, vref_mv=3300, **trim)


@pytest.mark.parametrize(
    ("kind", "channel", "frame"),
    [
        ("mcp3208", 0, "060000"),
        ("mcp3208", 3, "06c000"),
        ("mcp3208", 5, "074000"),
        ("mcp3204", 2, "068000"),
        ("mcp3008", 0, "018000"),
        ("mcp3008", 7, "01f000"),
        ("mcp3004", 1, "019000"),
        ("sim", 7, "07c000"),
    ],
)
def test_a_request_names_the_channel_where_the_data_sheet_wants_it(kind, channel, frame):
    assert request_frame(chip(kind), channel).hex() == frame


@pytest.mark.parametrize(("kind", "steps"), [("mcp3208", 4096), ("mcp3008", 1024)])
def test_full_scale_is_one_step_below_the_reference(kind, steps):
    decoder = Decoder(chip(kind))
    assert decoder.millivolts([steps - 1, 0]) == [3300 * (steps - 1) / steps, 0.0]


def test_bits_before_the_result_do_not_count():
    assert Decoder(chip("mcp3208")).whole_millivolts([0xFFE800]) == [1650]
    assert Decoder(chip("mcp3008")).whole_millivolts([0xFFFA00]) == [1650]


def test_trim_is_applied_as_the_board_file_says():
    decoder = Decoder(chip("mcp3208", gain=1.02, offset_mv=-5.0))
    assert decoder.millivolts([2048]) == [pytest.approx(1650 * 1.02 - 5)]
    assert decoder.whole_millivolts([2048]) == [1678]


@pytest.mark.parametrize(("kind", "null_bit"), [("mcp3208", 0x1000), ("mcp3008", 0x0400)])
def test_a_missing_converter_is_known_by_its_null_bit(kind, null_bit):
    decoder = Decoder(chip(kind))
    assert decoder.answers([0, null_bit - 1, ~null_bit & 0xFFFFFF])
    assert not decoder.answers([0, null_bit])
    assert not decoder.answers([0xFFFFFF])


def test_a_data_line_held_low_is_silent():
    decoder = Decoder(chip("mcp3208"))
    assert decoder.silent([0, 0xFFF000, 0])
    assert not decoder.silent([0, 1])
