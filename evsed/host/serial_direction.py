"""Who switches an RS-485 transceiver between sending and listening. Source: serial.md section 5."""

import logging
import struct
import termios
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from evsed.errors import HardwareError

_TIOCGRS485: Final = 0x542E
_TIOCSRS485: Final = 0x542F
#: struct serial_rs485: flags, two delays in ms, padding
_RS485: Final = struct.Struct("=3I20x")
_ENABLED, _RTS_ON_SEND, _RTS_AFTER_SEND = 1, 2, 4

_log = logging.getLogger(__name__)

#: Drives an output pin: GPIO number, level; and what gives the pin back.
OpenPin = Callable[[int, bool], "Pin"]


class Pin(Protocol):
    """An output pin."""

    def drive(self, *, high: bool) -> None:
        """Set its level.

        Raises:
            HardwareError: it does not obey.
        """

    def close(self) -> None:
        """Give it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """How a transceiver is switched.

    Args:
        direction: auto (by itself), kernel (by the UART's driver), rts or gpio (by us).
        gpio: the pin for ``gpio``.
        active_low: sending is the low level.
        open_pin: what opens a pin; None where there are no pins.
    """

    direction: str = "auto"
    gpio: int | None = None
    active_low: bool = False
    open_pin: OpenPin | None = None


class Direction(Protocol):
    """A transceiver we switch ourselves."""

    def switch(self, *, sending: bool) -> None:
        """Send or listen.

        Raises:
            OSError, HardwareError: the line does not obey.
        """

    def close(self) -> None:
        """Listen, and give back what it took."""


def direction_of(
    fd: int, wiring: Wiring, device: str, ioctl: Callable[[int, int, Any], Any]
) -> Direction | None:
    """Return what we have to switch ourselves; None when somebody else does it.

    What the device cannot do is a warning: the port is then used as if the transceiver switched
    by itself.
    """
    try:
        match wiring.direction:
            case "kernel":
                _enable_in_driver(fd, wiring, ioctl)
            case "rts":
                return _listening(RtsDirection(fd, wiring, ioctl))
            case "gpio":
                return _listening(PinDirection(wiring))
    except (OSError, HardwareError) as error:
        _log.warning(
            "serial: %s: direction %s is not possible (%s); the transceiver must switch by itself",
            device,
            wiring.direction,
            error,
        )
    return None


class RtsDirection:
    """The RTS line switches."""

    def __init__(self, fd: int, wiring: Wiring, ioctl: Callable[[int, int, Any], Any]) -> None:
        self._fd, self._active_low, self._ioctl = fd, wiring.active_low, ioctl

    def switch(self, *, sending: bool) -> None:
        """Send or listen."""
        set_line = sending != self._active_low
        request = termios.TIOCMBIS if set_line else termios.TIOCMBIC
        self._ioctl(self._fd, request, struct.pack("=I", termios.TIOCM_RTS))

    def close(self) -> None:
        """Listen."""
        try:
            self.switch(sending=False)
        except OSError as error:
            _log.debug("serial: RTS: %s", error)


class PinDirection:
    """An output pin switches."""

    def __init__(self, wiring: Wiring) -> None:
        if wiring.open_pin is None or wiring.gpio is None:
            raise HardwareError("there are no output pins")
        self._active_low = wiring.active_low
        self._pin = wiring.open_pin(wiring.gpio, wiring.active_low)

    def switch(self, *, sending: bool) -> None:
        """Send or listen."""
        self._pin.drive(high=sending != self._active_low)

    def close(self) -> None:
        """Listen, and give the pin back."""
        try:
            self.switch(sending=False)
        except HardwareError as error:
            _log.debug("serial: direction pin: %s", error)
        self._pin.close()


def _listening(direction: Direction) -> Direction:
    direction.switch(sending=False)
    return direction


def _enable_in_driver(fd: int, wiring: Wiring, ioctl: Callable[[int, int, Any], Any]) -> None:
    level = _RTS_AFTER_SEND if wiring.active_low else _RTS_ON_SEND
    ioctl(fd, _TIOCSRS485, _RS485.pack(_ENABLED | level, 0, 0))
    flags, _, _ = _RS485.unpack(ioctl(fd, _TIOCGRS485, bytes(_RS485.size)))
    if flags & (_ENABLED | _RTS_ON_SEND | _RTS_AFTER_SEND) != _ENABLED | level:
        raise HardwareError(f"the driver took flags {flags:#x}")
