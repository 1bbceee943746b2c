"""What safe-off believes of the file it is given; root runs it, and a user's process writes it."""

import ast
import errno
import os
import socket
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from evsed.board.reader import find_board, read_board
from evsed.hardware.pi.pins_file import pins_text, write_pins

ROOT = Path(__file__).parents[3]


def _load(name):
    path = ROOT / "systemd" / "failsafe" / f"{name}.py"
    module = ModuleType(name)
    module.__file__ = str(path)
    SourceFileLoader(name, str(path)).exec_module(module)
    return module


safe_off = _load("safe_off")


def pins_of(tmp_path, text):
    file = tmp_path / "pins"
    file.write_text(text)
    return safe_off.read_pins(str(file))


def written(*lines):
    return "\n".join(["evsed-pins 1", *lines, "end", ""])


def test_what_the_daemon_writes_is_understood(tmp_path):
    board = read_board(find_board("full-three-phase"))
    write_pins(tmp_path / "pins", pins_text(board, ("localhost", 8888), Path("/sys/class/pwm")))
    pins = safe_off.read_pins(str(tmp_path / "pins"))
    assert pins.contactor == [(gpio, 0) for gpio in board.ac_relay.gpios]
    assert pins.pilot == [(board.pilot.gpio, 0)]
    assert pins.pigpiod == ("localhost", 8888)
    assert pins.kernel
    assert not pins.pwm


def test_the_pins_of_a_simulated_board_are_not_those_of_the_computer(tmp_path):
    text = pins_text(read_board(find_board("sim")), ("127.0.0.1", 4711), Path("/sys/class/pwm"))
    assert not pins_of(tmp_path, text).kernel


def test_a_pilot_on_the_kernels_pwm_is_a_duty_cycle(tmp_path):
    pins = pins_of(tmp_path, written("pwm /sys/class/pwm/pwmchip0/pwm2/duty_cycle 1000000"))
    assert pins.pwm == [("/sys/class/pwm/pwmchip0/pwm2/duty_cycle", 1_000_000)]
    assert not pins.pilot


@pytest.mark.parametrize(
    "text",
    [
        "",
        "evsed-pins 2\nend\n",
        "evsed-pins 1\ncontactor 17 0\n",
        written("contactor 17"),
        written("contactor 54 0"),
        written("contactor 17 2"),
        written("contactor -1 0"),
        written("contactor 1" + "7" * 500 + " 0"),
        written("pwm /etc/passwd 0"),
        written("pwm /sys/class/pwm/pwmchip0/pwm0/../../../../../etc/passwd 0"),
        written("pwm /sys/class/pwm/pwmchip0/pwm0/duty_cycle 1000001"),
        written("pigpiod evil.example 8888"),
        written("pigpiod localhost 65536"),
        written("shutdown now"),
        written(""),
        written("contactor 17 0\0"),
        written(*["contactor 17 0"] * 1000),
    ],
)
def test_what_the_daemon_would_not_write_is_refused(tmp_path, text):
    with pytest.raises(safe_off.BadPinsError):
        pins_of(tmp_path, text)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "pins").write_bytes(b"evsed-pins 1\n\xff\xfe\nend\n")
    with pytest.raises(safe_off.BadPinsError):
        safe_off.read_pins(str(tmp_path / "pins"))


def test_a_link_to_another_file_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text(written("contactor 17 0"))
    (tmp_path / "pins").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        safe_off.read_pins(str(tmp_path / "pins"))


def test_a_folder_is_not_read(tmp_path):
    with pytest.raises(safe_off.BadPinsError):
        safe_off.read_pins(str(tmp_path))


@pytest.mark.parametrize("name", ["safe_off", "guard"])
def test_the_helpers_need_nothing_but_the_standard_library(name):
    tree = ast.parse((ROOT / "systemd" / "failsafe" / f"{name}.py").read_text())
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported
    assert imported <= set(sys.stdlib_module_names)


class _Loopback:
    """A socket of a computer on which pigpio's daemon listens in one place."""

    listening = ("", 0)
    families: tuple = ()

    def __init__(self, family):
        if family not in self.families:
            raise OSError(97, "Address family not supported by protocol")
        self.family, self.closed = family, False

    def settimeout(self, seconds):
        assert 0 < seconds <= 0.3

    def connect(self, address):
        host, port = address
        assert isinstance(host, bytes), "a text is looked up in a way that loads code"
        number = host.decode()
        socket.inet_pton(self.family, number)  # a name would raise
        if (number, port) != self.listening:
            raise ConnectionRefusedError(111, "Connection refused")

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("noted", "listening", "families"),
    [
        # pigpiod -l, as the service of Raspberry Pi OS has it
        ("localhost", "::1", (socket.AF_INET, socket.AF_INET6)),
        # pigpiod -n 127.0.0.1, or a kernel without IPv6
        ("localhost", "127.0.0.1", (socket.AF_INET, socket.AF_INET6)),
        ("localhost", "127.0.0.1", (socket.AF_INET,)),
        ("127.0.0.1", "127.0.0.1", (socket.AF_INET, socket.AF_INET6)),
        ("::1", "::1", (socket.AF_INET6,)),
    ],
)
def test_the_pin_daemon_is_found_on_either_loopback_and_by_number(
    monkeypatch, noted, listening, families
):
    monkeypatch.setattr(_Loopback, "listening", (listening, 8888))
    monkeypatch.setattr(_Loopback, "families", families)
    monkeypatch.setattr(safe_off.socket, "socket", _Loopback)
    assert safe_off._connected(noted, 8888).family in families


def test_a_pin_daemon_that_is_gone_is_an_error(monkeypatch):
    monkeypatch.setattr(_Loopback, "families", (socket.AF_INET6, socket.AF_INET))
    monkeypatch.setattr(safe_off.socket, "socket", _Loopback)
    with pytest.raises(ConnectionRefusedError):
        safe_off._connected("localhost", 8888)


class _Chip:
    """The kernel's GPIO device: another helper holds the line for a while."""

    def __init__(self, busy_times, folder):
        self.busy_times, self.folder, self.levels, self.asked = busy_times, folder, {}, 0

    def ioctl(self, _file, request, data):
        if request == safe_off._GET_LINE:
            self.asked += 1
            if self.asked <= self.busy_times:
                raise OSError(errno.EBUSY, "Device or resource busy")
            self.gpio = int.from_bytes(data[:4], sys.byteorder)
            self.levels[self.gpio] = data[328] & 1  # the first attribute's value, linux/gpio.h
            line = os.open(self.folder, os.O_RDONLY)
            data[-4:] = line.to_bytes(4, sys.byteorder)
        else:
            assert request == safe_off._GET_VALUES
            data[0] = self.levels[self.gpio]


@pytest.mark.parametrize("level", [0, 1])
def test_a_line_another_helper_holds_for_a_moment_is_waited_for(monkeypatch, tmp_path, level):
    chip = _Chip(2, tmp_path)
    monkeypatch.setattr(safe_off.fcntl, "ioctl", chip.ioctl)
    safe_off._drive(-1, 17, level)
    assert chip.levels == {17: level}


def test_a_line_that_stays_taken_is_an_error_soon(monkeypatch, tmp_path):
    chip = _Chip(1000, tmp_path)
    monkeypatch.setattr(safe_off.fcntl, "ioctl", chip.ioctl)
    with pytest.raises(OSError, match="busy"):
        safe_off._drive(-1, 17, 0)
    assert chip.asked <= 10  # what comes after it does not wait long
