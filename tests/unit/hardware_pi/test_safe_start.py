"""A contactor that was left closed is opened before the program is loaded."""

import subprocess
import sys

import pigpio
import pytest

from evsed import safe_start
from evsed.safe_start import open_what_was_left_closed
from evsed.sole_driver import SecondDaemonError


def pins(world):
    """Return the levels of everything that switches the contactor, and what the pilot does."""
    found = world.get()
    return found["contactor"]["commanded"], found["pilot"]["mode"]


def nobody_else():
    """Return: there is no other daemon."""


def somebody_else():
    """Raise: there is another daemon."""
    raise SecondDaemonError("another evsed")


@pytest.fixture
def left_closed(world):
    """Close the contactor as a process that died would have left it."""
    relay = world.board.ac_relay
    client = pigpio.pi("127.0.0.1", world.port, show_errors=False)
    for gpio in relay.gpios:
        client.write(gpio, int(not relay.active_low))
    client.hardware_PWM(world.board.pilot.gpio, 1000, 500_000)
    client.stop()
    assert pins(world) == (True, "pwm")
    return world


def test_contactor_and_pilot_are_made_safe(left_closed):
    assert open_what_was_left_closed(
        str(left_closed.board_file), None, left_closed.folder, nobody_else
    )
    assert pins(left_closed) == (False, "low")


def test_the_board_may_be_the_administrators(left_closed, tmp_path):
    config = tmp_path / "evsed.yaml"
    config.write_text(f"board: {left_closed.board_file}\n")
    assert open_what_was_left_closed(None, config, left_closed.folder, nobody_else)
    assert pins(left_closed) == (False, "low")


def test_real_pins_are_reached_through_the_pin_daemon_of_this_machine(
    left_closed, tmp_path, monkeypatch
):
    board = tmp_path / "board.yaml"
    text = (left_closed.board_file.parent / "minimal-single-phase.yaml").read_text()
    board.write_text(text)
    monkeypatch.setattr(safe_start, "PIN_DAEMON", ("127.0.0.1", left_closed.port))
    asked = []
    assert open_what_was_left_closed(str(board), None, None, lambda: asked.append(True))
    assert asked


def test_pins_another_daemon_drives_are_left_alone(left_closed, monkeypatch):
    monkeypatch.setattr(safe_start, "PIN_DAEMON", ("127.0.0.1", left_closed.port))
    for board in ("minimal-single-phase", "nowhere"):
        with pytest.raises(SecondDaemonError):
            open_what_was_left_closed(board, None, None, somebody_else)
    assert pins(left_closed) == (True, "pwm")


@pytest.mark.parametrize("trouble", ["no board", "bad board", "no config", "no simulator"])
def test_whatever_is_wrong_is_left_to_who_builds_the_daemon(tmp_path, trouble):
    bad = tmp_path / "bad.yaml"
    bad.write_text("][")
    board = {"no board": "nowhere", "bad board": str(bad), "no config": None}.get(trouble, "sim")
    assert not open_what_was_left_closed(
        board, tmp_path / "none.yaml", tmp_path / "nobody", nobody_else
    )


def test_a_simulator_that_is_only_begun_has_nothing_to_open():
    assert open_what_was_left_closed("sim", None, None, somebody_else)


def test_nothing_large_is_loaded_before():
    program = "import sys, evsed.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "evsed" in loaded
    assert not loaded & {"aiohttp", "asyncio", "zeroconf", "dbus_fast", "lupa", "paho", "sqlite3"}
