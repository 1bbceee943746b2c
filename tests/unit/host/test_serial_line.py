"""Opening a serial device: the line as it is set, locked and read back."""

import errno
import fcntl
import os
import struct
import termios
from pathlib import Path

import pytest
from pty_peer import PtyPeer

from evsed.errors import HardwareError
from evsed.host.serial_console import console_user
from evsed.host.serial_direction import Wiring
from evsed.host.serial_line import (
    DeviceBusyError,
    DeviceMissingError,
    Line,
    _hurry_adapter,
    _is_usb,
    open_line,
)

IFLAG, OFLAG, CFLAG, LFLAG, ISPEED, OSPEED, CC = range(7)


@pytest.fixture
def peer(tmp_path):
    peer = PtyPeer(tmp_path / "tty")
    yield peer
    peer.unplug()


class Driver:
    """The ioctls of a UART; a pseudo terminal has no transceiver and no modem lines."""

    def __init__(self, *, rs485=True, modem=True, clears=0, rate=None):
        self.rs485, self.modem, self.clears, self.rate = rs485, modem, clears, rate
        self.flags = None
        self.rts = []

    def __call__(self, fd, request, argument):
        if request in {0x542E, 0x542F}:
            return self._rs485(request, argument)
        if request in {termios.TIOCMBIS, termios.TIOCMBIC}:
            if not self.modem:
                raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
            assert struct.unpack("=I", argument)[0] == termios.TIOCM_RTS
            self.rts.append(request == termios.TIOCMBIS)
            return argument
        answer = fcntl.ioctl(fd, request, argument)
        if request == 0x802C542A and self.rate is not None:
            answer = answer[:-4] + struct.pack("=I", self.rate)
        return answer

    def _rs485(self, request, argument):
        if not self.rs485:
            raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        assert len(argument) == 32
        if request == 0x542F:
            self.flags = struct.unpack("=I28x", argument)[0] & ~self.clears
            return argument
        return struct.pack("=I28x", self.flags)


def _opened(peer, **line):
    return open_line(Line(device=str(peer.link), **line))


def test_the_line_is_raw_and_as_asked(peer):
    line = _opened(peer, baud_rate=19200, stop_bits="2")
    found = peer.attributes()
    assert found[OSPEED] == found[ISPEED] == termios.B19200
    assert found[CFLAG] & termios.CSIZE == termios.CS8
    assert found[CFLAG] & termios.CSTOPB
    assert found[CFLAG] & termios.CLOCAL
    assert found[CFLAG] & termios.CREAD
    assert not found[CFLAG] & (termios.HUPCL | termios.CRTSCTS)
    assert found[IFLAG] & termios.INPCK
    assert found[IFLAG] & termios.IGNPAR
    translations = termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP
    assert not found[IFLAG] & (translations | termios.IXON | termios.IXOFF | termios.PARMRK)
    assert not found[OFLAG] & termios.OPOST
    assert not found[LFLAG] & (termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
    assert (found[CC][termios.VMIN], found[CC][termios.VTIME]) in {(0, 0), (b"\0", b"\0")}
    line.close()


@pytest.mark.parametrize("baud_rate", [300, 1200, 9600, 57600, 115200, 230400, 921600, 1_000_000])
def test_usual_rates_have_their_own_code(peer, baud_rate):
    line = _opened(peer, baud_rate=baud_rate)
    assert peer.attributes()[OSPEED] == getattr(termios, f"B{baud_rate}")
    line.close()


@pytest.mark.parametrize("baud_rate", [301, 14400, 31250, 250_000, 999_999])
def test_any_other_rate_is_set_as_well(peer, baud_rate):
    line = _opened(peer, baud_rate=baud_rate)
    found = fcntl.ioctl(line.fd, 0x802C542A, bytes(44))
    assert struct.unpack("=2I", found[-8:]) == (baud_rate, baud_rate)
    line.close()


def test_a_rate_is_changed_while_open(peer):
    line = _opened(peer)
    line.set_baud_rate(9600)
    assert line.line.baud_rate == 9600
    assert peer.attributes()[OSPEED] == termios.B9600
    line.close()


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(("data_bits", "parity"), [("8", "even"), ("7", "disable"), ("5", "odd")])
def test_what_a_pseudo_terminal_drops_is_a_warning(peer, caplog, data_bits, parity, again):
    if again:
        _opened(peer).close()
        caplog.clear()
    line = _opened(peer, data_bits=data_bits, parity=parity)
    assert "in force: 115200 8N1" in caplog.text
    assert peer.attributes()[CFLAG] & termios.CSIZE == termios.CS8
    line.close()


def test_one_and_a_half_stop_bits_are_two_and_a_warning(peer, caplog):
    line = _opened(peer, stop_bits="1.5")
    assert peer.attributes()[CFLAG] & termios.CSTOPB
    assert "no 1.5 stop bits" in caplog.text
    line.close()


def test_bits_of_a_character():
    assert Line(device="").bits_per_character == 10
    assert Line(device="", parity="even", stop_bits="2").bits_per_character == 12
    assert Line(device="", data_bits="5", stop_bits="1.5").bits_per_character == 8


def test_a_rate_out_of_the_devices_reach_is_refused(peer):
    wanted = Line(device=str(peer.link), baud_rate=115200)
    with pytest.raises(HardwareError, match="115200 baud is out of reach, 111111 came of it"):
        open_line(wanted, Driver(rate=111_111))
    open_line(wanted, Driver(rate=114_000)).close()


def test_a_missing_device_says_so(tmp_path):
    with pytest.raises(DeviceMissingError, match="is missing"):
        open_line(Line(device=str(tmp_path / "nothing")))


def test_a_device_that_is_no_terminal_is_refused():
    with pytest.raises(HardwareError, match="not a serial device"):
        open_line(Line(device="/dev/null"))


def test_a_locked_device_is_busy_until_it_is_free(peer):
    holder = os.open(peer.link, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with pytest.raises(DeviceBusyError, match="in use"):
        _opened(peer)
    os.close(holder)
    _opened(peer).close()


def test_an_open_device_is_locked(peer):
    line = _opened(peer)
    other = os.open(peer.link, os.O_RDWR | os.O_NOCTTY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    line.close()
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_opening_and_closing_leaves_no_descriptor(peer):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        _opened(peer).close()
        with pytest.raises(HardwareError):
            open_line(Line(device=str(peer.link)), Driver(rate=1))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def _rs485(peer, driver, **wiring):
    line = Line(device=str(peer.link), wiring=Wiring(**wiring))
    return open_line(line, driver)


@pytest.mark.parametrize(("active_low", "flags"), [(False, 0b011), (True, 0b101)])
def test_the_driver_switches_the_transceiver(peer, active_low, flags):
    driver = Driver()
    line = _rs485(peer, driver, direction="kernel", active_low=active_low)
    assert driver.flags == flags
    assert line.direction is None
    line.close()


@pytest.mark.parametrize("driver", [Driver(rs485=False), Driver(clears=1), Driver(clears=2)])
def test_a_driver_that_cannot_is_a_warning_and_the_port_works(peer, caplog, driver):
    line = _rs485(peer, driver, direction="kernel")
    assert "direction kernel is not possible" in caplog.text
    line.close()


@pytest.mark.parametrize("active_low", [False, True])
def test_rts_listens_from_the_start_and_at_the_end(peer, active_low):
    driver = Driver()
    line = _rs485(peer, driver, direction="rts", active_low=active_low)
    line.direction.switch(sending=True)
    line.direction.switch(sending=False)
    line.close()
    listen = active_low
    assert driver.rts == [listen, not listen, listen, listen]


def test_a_line_without_rts_is_a_warning(peer, caplog):
    line = _rs485(peer, Driver(modem=False), direction="rts")
    assert line.direction is None
    assert "direction rts is not possible" in caplog.text
    line.close()


def test_the_device_is_used_without_a_transceiver_of_ours(peer):
    driver = Driver()
    line = _rs485(peer, driver, direction="auto")
    assert (driver.flags, driver.rts, line.direction) == (None, [], None)
    line.close()


class Pin:
    def __init__(self):
        self.levels, self.open = [], True

    def drive(self, *, high):
        self.levels.append(high)

    def close(self):
        self.open = False


@pytest.mark.parametrize("active_low", [False, True])
def test_an_output_pin_switches(peer, active_low):
    pin, asked = Pin(), []

    def open_pin(gpio, high):
        asked.append((gpio, high))
        return pin

    line = _rs485(
        peer, Driver(), direction="gpio", gpio=12, active_low=active_low, open_pin=open_pin
    )
    line.direction.switch(sending=True)
    line.close()
    assert asked == [(12, active_low)]
    assert pin.levels == [active_low, not active_low, active_low]
    assert not pin.open


def test_a_pin_nobody_can_open_is_a_warning(peer, caplog):
    line = _rs485(peer, Driver(), direction="gpio", gpio=12)
    assert "direction gpio is not possible (there are no output pins)" in caplog.text
    line.close()


def test_the_systems_console_is_not_taken(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/consoles").write_text("ttyS0  -W- (EC p  )    4:64\ntty0 -WU (E )  4:7\n")
    assert "console=ttyS0" in console_user("/dev/ttyS0", tmp_path)
    assert console_user("/dev/ttyS1", tmp_path) is None


def test_a_login_prompt_keeps_its_device(tmp_path):
    prompts = tmp_path / "sys/fs/cgroup/system.slice/system-serial\\x2dgetty.slice"
    (prompts / "serial-getty@ttyAMA0.service").mkdir(parents=True)
    found = console_user("/dev/ttyAMA0", tmp_path)
    assert "systemctl disable --now serial-getty@ttyAMA0.service" in found
    assert console_user("/dev/ttyAMA1", tmp_path) is None


def test_usb_adapters_are_known_and_told_to_hurry(tmp_path):
    assert _is_usb("ttyUSB0")
    assert _is_usb("ttyACM1")
    assert not _is_usb("ttyAMA0")
    adapter = tmp_path / "sys/bus/usb-serial/devices/ttyUSB0"
    adapter.mkdir(parents=True)
    (adapter / "latency_timer").write_text("16")
    _hurry_adapter("ttyUSB0", tmp_path)
    assert (adapter / "latency_timer").read_text() == "1"
    _hurry_adapter("ttyUSB9", tmp_path)
