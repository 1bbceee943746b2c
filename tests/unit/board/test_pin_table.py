"""The resolved pin table of a board."""

from pathlib import Path

import pytest
from board_texts import changed, full_document, write

from evsed.board.pin_table import pin_table
from evsed.board.reader import find_board, read_board


def test_every_connection_of_the_full_board_is_listed_once():
    table = pin_table(read_board(find_board("full-three-phase")))
    pins = [pin for pin, _, _ in table]
    assert len(set(pins)) == len(pins) == 33
    assert set(pins) >= {f"GPIO {gpio}" for gpio in range(4, 28)}


@pytest.mark.parametrize(
    "row",
    [
        ("GPIO 12", "PWM 1 kHz", "control pilot"),
        ("GPIO 17", "output", "contactor 1"),
        ("GPIO 22", "input, pull up, active low", "contactor feedback 1"),
        ("GPIO 9", "SPI", "SPI0 MISO"),
        ("GPIO 14", "UART", "UART0 TXD"),
        ("GPIO 18", "output", "aux output FAN"),
        ("GPIO 4", "1-wire", "temperature sensors"),
        ("cp:0", "analog input", "control pilot sense"),
        ("cp:2", "analog input", "aux analog input AIN1"),
        ("em:5", "analog input", "voltage L3"),
    ],
)
def test_a_row_says_pin_function_and_use(row):
    assert row in pin_table(read_board(find_board("full-three-phase")))


def test_an_inverted_pilot_and_a_missing_button_are_shown(tmp_path: Path):
    document = changed(full_document(), "pilot.inverted", True)
    document = changed(document, "button.gpio", -1)
    table = pin_table(read_board(write(tmp_path, document)))
    assert ("GPIO 18", "PWM 1 kHz, inverted", "control pilot") in table
    assert not any(use == "button" for _, _, use in table)


def test_gpios_come_first_and_in_order():
    pins = [pin for pin, _, _ in pin_table(read_board(find_board("sim")))]
    gpios = [int(pin.split()[1]) for pin in pins if pin.startswith("GPIO")]
    assert gpios == sorted(gpios)
    assert [pin for pin in pins if pin.startswith("GPIO")] == pins[: len(gpios)]


def test_a_single_phase_meter_has_one_row(tmp_path: Path):
    table = pin_table(read_board(find_board("minimal-single-phase")))
    assert [use for _, _, use in table if use.startswith("current")] == ["current L1"]


def test_pull_none_is_not_worth_a_word():
    table = pin_table(read_board(find_board("sim")))
    assert ("GPIO 26", "input", "socket lock contact") in table
