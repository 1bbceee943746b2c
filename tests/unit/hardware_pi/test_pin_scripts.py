"""Texts and bytes the pin daemon gets for the day when this process cannot speak any more."""

from dataclasses import replace
from pathlib import Path

import pytest

from evsed.board.reader import read_board
from evsed.hardware.pi.dead_man import dead_man_text, refresh_ms
from evsed.hardware.pi.heartbeat import burst_text
from evsed.hardware.pi.safe_off import safe_frames

BOARDS = Path(__file__).parents[3] / "boards"
FULL = read_board(BOARDS / "full-three-phase.yaml")


def board_with(**pilot):
    return replace(FULL, pilot=replace(FULL.pilot, **pilot))


def test_the_dead_man_opens_every_pole_and_holds_the_pilot_low_after_250_ms():
    assert dead_man_text(FULL) == (
        "ld v0 p0 ld v1 12 "
        "tag 0 mils 20 lda p0 cmp v0 jz 1 sta v0 ld v1 12 jmp 0 "
        "tag 1 dcr v1 jnz 0 w 17 0 w 27 0 hp 12 1000 0 w 12 0 halt"
    )


def test_the_dead_man_knows_inverted_drivers():
    board = board_with(inverted=True)
    board = replace(board, ac_relay=replace(board.ac_relay, active_low=True))
    assert "w 17 1 w 27 1 hp 12 1000 1000000 w 12 1 halt" in dead_man_text(board)


def test_the_dead_man_leaves_a_pilot_alone_that_the_kernel_drives():
    text = dead_man_text(board_with(pwm="sysfs", pwm_chip=0, pwm_channel=0))
    assert text.endswith("w 17 0 w 27 0 halt")


@pytest.mark.parametrize("deadman_ms", [100, 250, 500, 2000])
def test_refreshes_come_at_least_twice_in_the_dead_mans_time_even_on_a_20_ms_grid(deadman_ms):
    pause_ms = refresh_ms(deadman_ms)
    on_grid_ms = -(-pause_ms // 20) * 20
    assert on_grid_ms <= 60
    assert 2 * on_grid_ms <= deadman_ms


def test_a_heartbeat_burst_is_two_passes_long_at_the_wanted_frequency():
    text = burst_text(4, 2000)
    assert "ld v1 80 " in text
    assert "w 4 1 mics 250 w 4 0 mics 250 " in text


def test_safe_off_opens_every_pole_before_it_touches_the_pilot():
    assert [frame.hex() for frame in safe_frames(FULL)] == [
        "04000000110000000000000000000000",
        "040000001b0000000000000000000000",
        "560000000c000000e80300000400000000000000",
    ]


def test_safe_off_knows_inverted_drivers():
    board = board_with(inverted=True)
    relay, _, pilot = safe_frames(replace(board, ac_relay=replace(FULL.ac_relay, active_low=True)))
    assert relay.hex() == "04000000110000000100000000000000"
    assert pilot.hex().endswith("40420f00")
