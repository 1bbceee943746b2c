"""Opens a serial device and sets its line. Blocks for some milliseconds: run it on a worker thread.

Source: serial.md sections 3, 5 and 6.
"""

import contextlib
import errno
import fcntl
import logging
import os
import struct
import termios
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import serial

from evsed.errors import HardwareError
from evsed.host.serial_direction import Direction, Wiring, direction_of

Ioctl = Callable[[int, int, Any], Any]

_TCGETS2: Final = 0x802C542A
_TCSETS2: Final = 0x402C542B
#: struct termios2: four words of flags, the discipline, 19 control characters, two rates
_TERMIOS2: Final = struct.Struct("=4IB19s2I")
_BOTHER: Final = 0o010000
_CBAUD: Final = 0o010017
#: the input rate's own bits; 0: as the output's
_CIBAUD: Final = _CBAUD << 16
_DATA_BITS: Final = {"5": termios.CS5, "6": termios.CS6, "7": termios.CS7, "8": termios.CS8}
_PARITIES: Final = {
    "disable": 0,
    "even": termios.PARENB,
    "odd": termios.PARENB | termios.PARODD,
}
_RATE_TOLERANCE: Final = 0.02

_log = logging.getLogger(__name__)


class DeviceMissingError(HardwareError):
    """There is no such device at the moment."""


class DeviceBusyError(HardwareError):
    """Another program has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A device and how its line is to be set.

    Args:
        device: path below /dev.
        baud_rate: 300 to 1000000.
        data_bits: 5 to 8.
        stop_bits: 1, 1.5 or 2.
        parity: disable, even or odd.
        wiring: how an RS-485 transceiver is switched; None for a UART.
    """

    device: str
    baud_rate: int = 115200
    data_bits: str = "8"
    stop_bits: str = "1"
    parity: str = "disable"
    wiring: Wiring | None = None

    @property
    def bits_per_character(self) -> int:
        """Start, data, parity and stop bits together; half a bit is rounded up."""
        stop_bits = 1 if self.stop_bits == "1" else 2
        return 1 + int(self.data_bits) + (self.parity != "disable") + stop_bits

    def __str__(self) -> str:
        letter = {"disable": "N", "even": "E", "odd": "O"}[self.parity]
        return f"{self.device} {self.baud_rate} {self.data_bits}{letter}{self.stop_bits}"


@dataclass(slots=True)
class OpenLine:
    """An open device, locked and set."""

    line: Line
    port: serial.Serial
    fd: int
    #: an adapter that delivers late
    usb: bool
    #: a pseudo terminal: nothing takes time on it
    pseudo: bool
    direction: Direction | None
    ioctl: Ioctl

    def set_baud_rate(self, baud_rate: int) -> None:
        """Change the rate at once.

        Raises:
            HardwareError: the device cannot do it.
        """
        self.line = replace(self.line, baud_rate=baud_rate)
        _set(self.fd, self.line, self.ioctl)

    def unsent(self) -> int:
        """Return how many bytes the driver has not sent yet."""
        word = struct.pack("=i", 0)
        try:
            return int(struct.unpack("=i", self.ioctl(self.fd, termios.TIOCOUTQ, word))[0])
        except OSError:
            return 0

    def close(self) -> None:
        """Give the device back; what was not sent by now is thrown away."""
        if self.direction is not None:
            self.direction.close()
        if not self.pseudo:
            # Otherwise closing would wait for it, up to 30 s. (On a pseudo terminal closing
            # never waits, and this would take away what the other side has not read yet.)
            with contextlib.suppress(termios.error):
                termios.tcflush(self.fd, termios.TCOFLUSH)
        with contextlib.suppress(OSError):
            self.port.close()


def open_line(line: Line, ioctl: Ioctl = fcntl.ioctl) -> OpenLine:
    """Open, lock and set a device.

    Raises:
        DeviceMissingError: there is none.
        DeviceBusyError: another program has it.
        HardwareError: it cannot be opened or set.
    """
    port = _opened(line)
    try:
        fd = port.fileno()
        ioctl(fd, termios.TIOCEXCL, 0)
        in_force = _set(fd, line, ioctl)
        real = os.path.realpath(line.device)
        pseudo = real.startswith("/dev/pts/")
        _compare(line, in_force)
        _hurry_adapter(Path(real).name)
        direction = None
        if line.wiring is not None:
            direction = direction_of(fd, line.wiring, line.device, ioctl)
    except (OSError, HardwareError) as error:
        port.close()
        if isinstance(error, HardwareError):
            raise
        raise HardwareError(f"{line.device}: {error.strerror}") from error
    return OpenLine(
        line=line,
        port=port,
        fd=fd,
        usb=_is_usb(Path(real).name),
        pseudo=pseudo,
        direction=direction,
        ioctl=ioctl,
    )


def _opened(line: Line) -> serial.Serial:
    """Open and lock; pyserial also makes it raw: no echo, no translation, no flow control."""
    port = serial.Serial(exclusive=True)
    port.port = line.device
    # The line that switches a transceiver must not begin with sending.
    port.rts = line.wiring is None
    try:
        port.open()
    except (OSError, termios.error) as error:
        number = error.errno if isinstance(error, OSError) else error.args[0]
        raise _refusal(line.device, number) from error
    return port


def _refusal(device: str, number: int | None) -> HardwareError:
    if number in {errno.ENOENT, errno.ENXIO, errno.ENODEV}:
        return DeviceMissingError(f"{device} is missing")
    if number in {errno.EBUSY, errno.EWOULDBLOCK}:
        return DeviceBusyError(f"{device} is in use by another program")
    why = "is not a serial device" if number is None else os.strerror(number)
    return HardwareError(f"{device}: {why}")


def _set(fd: int, line: Line, ioctl: Ioctl) -> tuple[int, int]:
    """Set the line in one step; return the flags and the rate then in force.

    The kernel's own call takes any rate and never fails for a pseudo terminal, which drops
    parity and data bits silently, where the C library would.

    Raises:
        HardwareError: the rate is out of the device's reach.
    """
    before = ioctl(fd, _TCGETS2, bytes(_TERMIOS2.size))
    iflag, oflag, cflag, lflag, discipline, characters, _, _ = _TERMIOS2.unpack(before)
    cleared = termios.CSIZE | termios.CSTOPB | termios.PARENB | termios.PARODD
    cflag &= ~(cleared | termios.HUPCL | termios.CRTSCTS | _CBAUD | _CIBAUD)
    cflag |= termios.CLOCAL | termios.CREAD
    cflag |= _DATA_BITS[line.data_bits] | _PARITIES[line.parity]
    cflag |= 0 if line.stop_bits == "1" else termios.CSTOPB
    cflag |= serial.Serial.BAUDRATE_CONSTANTS.get(line.baud_rate, _BOTHER)
    # A damaged byte vanishes; the check of the protocol notices.
    iflag = (iflag | termios.IGNPAR | termios.INPCK) & ~(termios.BRKINT | termios.PARMRK)
    rate = line.baud_rate
    wanted = _TERMIOS2.pack(iflag, oflag, cflag, lflag, discipline, characters, rate, rate)
    ioctl(fd, _TCSETS2, wanted)
    found = _TERMIOS2.unpack(ioctl(fd, _TCGETS2, bytes(_TERMIOS2.size)))
    if abs(found[7] - rate) > rate * _RATE_TOLERANCE:
        raise HardwareError(f"{line.device}: {rate} baud is out of reach, {found[7]} came of it")
    return found[2], found[7]


def _compare(line: Line, in_force: tuple[int, int]) -> None:
    """Say so when the driver did not take everything."""
    cflag, rate = in_force
    flags = termios.CSIZE | termios.PARENB | termios.PARODD
    wanted = _DATA_BITS[line.data_bits] | _PARITIES[line.parity]
    if cflag & flags != wanted or bool(cflag & termios.CSTOPB) != (line.stop_bits != "1"):
        _log.warning("serial: %s asked for, in force: %s", line, _shown(cflag, rate))
    if line.stop_bits == "1.5":
        _log.warning("serial: %s: there are no 1.5 stop bits here, 2 are sent", line.device)


def _shown(cflag: int, rate: int) -> str:
    bits = next(name for name, flag in _DATA_BITS.items() if cflag & termios.CSIZE == flag)
    parity = "N"
    if cflag & termios.PARENB:
        parity = "O" if cflag & termios.PARODD else "E"
    return f"{rate} {bits}{parity}{2 if cflag & termios.CSTOPB else 1}"


def _is_usb(name: str, root: Path = Path("/")) -> bool:
    """Return whether a terminal belongs to a USB adapter."""
    device = root / "sys/class/tty" / name / "device"
    return name.startswith(("ttyUSB", "ttyACM")) or "/usb" in os.path.realpath(device)


def _hurry_adapter(name: str, root: Path = Path("/")) -> None:
    """Have an FTDI adapter deliver after 1 ms instead of 16, where that is permitted."""
    with contextlib.suppress(OSError):
        (root / "sys/bus/usb-serial/devices" / name / "latency_timer").write_text("1")
