"""The lint of config.txt: link 6 of the fail-safe chain, and what else a board needs."""

from dataclasses import replace
from pathlib import Path

import pytest

from evsed.board.reader import find_board, read_board
from evsed.doctor.boot_config import check_config, find_config, settings
from evsed.doctor.finding import Verdict

ROOT = Path(__file__).parents[3]
MINIMAL = read_board(find_board("minimal-single-phase"))
FULL = read_board(find_board("full-three-phase"))
SYSFS = replace(MINIMAL, pilot=replace(MINIMAL.pilot, pwm="sysfs", pwm_chip=0, pwm_channel=0))
GOOD = """
# For more options see the documentation
dtparam=i2c_arm=on,spi=on
  # frees the PWM block
dtparam=audio=off
gpio=17,27=op,dl
dtparam=strict_gpiod
dtoverlay=w1-gpio
[pi5]
dtparam=audio=on
[all]
"""


def remedies(text, board=MINIMAL):
    return [one.remedy for one in check_config(settings(text), board) if one.remedy]


@pytest.mark.parametrize("board", [MINIMAL, FULL], ids=["minimal", "full"])
def test_a_good_file_has_nothing_to_mend(board):
    (finding,) = check_config(settings(GOOD), board)
    assert finding.verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("without", "remedy"),
    [
        (",spi=on", "dtparam=spi=on"),
        ("dtparam=audio=off\n", "dtparam=audio=off"),
        ("gpio=17,27=op,dl", "gpio=17=op,dl"),
        ("dtparam=strict_gpiod", "dtparam=strict_gpiod"),
    ],
)
def test_a_missing_line_is_named(without, remedy):
    assert without in GOOD
    assert remedies(GOOD.replace(without, "")) == [remedy]


@pytest.mark.parametrize(
    ("line", "held"),
    [
        ("gpio=17=op,dl", True),
        ("gpio=16-18=op,dl", True),
        ("gpio=17=dl,op", True),
        ("gpio=17=op,dl,pd", True),
        ("  gpio=17=op,dl  ", True),
        ("gpio=17=op,dl   # open from power-on", False),
        ("gpio=17 = op,dl", False),
        ("gpio=17=op,".ljust(98, "d") + "dl", False),
        ("gpio=17=op,dh", False),
        ("gpio=17=op", False),
        ("gpio=17=ip,pd", False),
        ("gpio=7=op,dl", False),
        ("gpio=17=op,dl\ngpio=17=op,dh", False),
        ("[pi5]\ngpio=17=op,dl", False),
        ("#gpio=17=op,dl", False),
    ],
)
def test_the_contactors_pin_is_held_open_from_power_on(line, held):
    text = GOOD.replace("gpio=17,27=op,dl", line + "\n[all]")
    assert ("gpio=17=op,dl" in remedies(text)) is not held


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("enable_uart=1   # the display", "enable_uart=1, and the comment on a line of its own"),
        ("enable_uart = 1", "enable_uart=1"),
    ],
)
def test_what_the_firmware_does_not_take_for_a_setting_is_named(line, remedy):
    assert remedies(GOOD + line + "\n") == [remedy]


@pytest.mark.parametrize("line", ["initramfs initramfs8 followkernel", "include more.txt", "a=b"])
def test_lines_of_other_forms_are_left_alone(line):
    assert not remedies(GOOD + line + "\n")


def test_the_settings_of_the_instructions_are_as_the_firmware_wants_them():
    text = (ROOT / "docs" / "installation.md").read_text().split("config.txt`:\n\n```\n")[1]
    text = text.split("```")[0]
    assert "strict_gpiod" in text
    assert not remedies(text)


def test_an_active_low_contactor_is_held_high():
    board = replace(MINIMAL, ac_relay=replace(MINIMAL.ac_relay, active_low=True))
    assert remedies(GOOD, board) == ["gpio=17=op,dh"]


def test_every_pole_that_is_not_held_is_named():
    assert remedies(GOOD.replace("gpio=17,27=op,dl", ""), FULL) == ["gpio=17,27=op,dl"]


def test_the_kernels_pwm_needs_its_overlay():
    assert remedies(GOOD, SYSFS) == ["dtoverlay=pwm,pin=18,func=2"]
    assert not remedies(GOOD + "dtoverlay=pwm,pin=18,func=2\n", SYSFS)


def test_pigpio_does_not_share_the_pilot_with_the_kernel():
    (remedy,) = remedies(GOOD + "dtoverlay=pwm-2chan\n")
    assert "remove dtoverlay=pwm-2chan" in remedy


@pytest.mark.parametrize(("line", "right"), [("w1-gpio", True), ("w1-gpio,gpiopin=22", False)])
def test_the_sensors_are_on_the_pin_of_their_bus(line, right):
    assert FULL.onewire is not None
    text = GOOD.replace("dtoverlay=w1-gpio", f"dtoverlay={line}")
    assert (not remedies(text, FULL)) is right


def test_the_file_is_found_where_it_is_now_and_where_it_was(tmp_path):
    assert find_config(tmp_path) is None
    (tmp_path / "boot/firmware").mkdir(parents=True)
    old, new = tmp_path / "boot/config.txt", tmp_path / "boot/firmware/config.txt"
    old.write_text("")
    assert find_config(tmp_path) == old
    new.write_text("")
    assert find_config(tmp_path) == new
