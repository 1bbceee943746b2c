"""Plain output and input lines: gpiozero devices that speak in words, not levels."""

from typing import Final

import gpiozero

from evsed.board.description import Pull
from evsed.hardware.pi.link import Link

#: these two have resistors of their own. Source: board.md section 4.
_FIXED_PULL_UP: Final = frozenset({2, 3})
_PULLS: Final = {"up": True, "down": False, "none": None}


class OutputLine:
    """One output; starts off."""

    def __init__(
        self, link: Link, device: str, gpio: int, *, active_low: bool = False, on: bool = False
    ) -> None:
        self.gpio = gpio
        self._link = link
        self._device = device
        with link.calls(device, gpio):
            # without this the pin shows its last level while gpiozero makes it an output
            link.pi.write(gpio, int(on != active_low))
            self._line = gpiozero.DigitalOutputDevice(
                gpio, active_high=not active_low, initial_value=on, pin_factory=link.factory
            )
        link.adopt(self._line)

    def set(self, *, on: bool) -> None:
        """Drive the line."""
        with self._link.calls(self._device, self.gpio):
            if on:
                self._line.on()
            else:
                self._line.off()


class InputLine:
    """One input."""

    def __init__(
        self, link: Link, device: str, gpio: int, *, pull: Pull, active_low: bool = False
    ) -> None:
        self.gpio = gpio
        self.active_low = active_low
        self._link = link
        self._device = device
        pull_up = True if gpio in _FIXED_PULL_UP else _PULLS[pull]
        with link.calls(device, gpio):
            line = gpiozero.InputDevice(
                gpio,
                pull_up=pull_up,
                active_state=True if pull_up is None else None,
                pin_factory=link.factory,
            )
        link.adopt(line)

    def active(self) -> bool:
        """Return whether the line is active, at most 5 ms ago."""
        return self._link.level(self._device, self.gpio) != self.active_low

    def active_now(self) -> bool:
        """Return whether the line is active, asked this moment."""
        with self._link.calls(self._device, self.gpio):
            return bool(self._link.pi.read(self.gpio)) != self.active_low
