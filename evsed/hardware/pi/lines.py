"""Plain output and input lines of the pin daemon, which speak in words, not levels."""

from typing import Final

import pigpio

from evsed.board.description import Pull
from evsed.errors import HardwareError
from evsed.hardware.pi.link import Link

#: these two have resistors of their own. Source: board.md section 4.
_FIXED_PULL_UP: Final = frozenset({2, 3})
_PULLS: Final = {"up": pigpio.PUD_UP, "down": pigpio.PUD_DOWN, "none": pigpio.PUD_OFF}


class OutputLine:
    """One output; starts off."""

    def __init__(
        self, link: Link, device: str, gpio: int, *, active_low: bool = False, on: bool = False
    ) -> None:
        self.gpio = gpio
        self._link = link
        self._device = device
        self._active_low = active_low
        with link.calls(device, gpio):
            # The level first, or the pin shows its last one while it becomes an output.
            link.pi.write(gpio, int(on != active_low))
            link.pi.set_mode(gpio, pigpio.OUTPUT)
            link.pi.set_pull_up_down(gpio, pigpio.PUD_OFF)

    def set(self, *, on: bool) -> None:
        """Drive the line.

        Raises:
            HardwareError: somebody else has made it an input; or as ``Link.calls``.
        """
        with self._link.calls(self._device, self.gpio):
            # Asked first: a write would make it an output again, over somebody's head.
            if self._link.pi.get_mode(self.gpio) == pigpio.INPUT:
                raise HardwareError(f"{self._device} on GPIO {self.gpio}: made an input by another")
            self._link.pi.write(self.gpio, int(on != self._active_low))


class InputLine:
    """One input."""

    def __init__(
        self, link: Link, device: str, gpio: int, *, pull: Pull, active_low: bool = False
    ) -> None:
        self.gpio = gpio
        self.active_low = active_low
        self._link = link
        self._device = device
        with link.calls(device, gpio):
            link.pi.set_mode(gpio, pigpio.INPUT)
            link.pi.set_pull_up_down(gpio, _PULLS["up" if gpio in _FIXED_PULL_UP else pull])
            link.pi.set_glitch_filter(gpio, 0)

    def active(self) -> bool:
        """Return whether the line is active, at most 5 ms ago."""
        return self._link.level(self._device, self.gpio) != self.active_low

    def active_now(self) -> bool:
        """Return whether the line is active, asked this moment."""
        with self._link.calls(self._device, self.gpio):
            return bool(self._link.pi.read(self.gpio)) != self.active_low
