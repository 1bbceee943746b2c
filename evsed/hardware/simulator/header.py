"""The pin header: modes, latches, pulls, outside levels and hardware PWM. Pure.

Source: pigpiod-protocol.md sections 3 and 5.
"""

from dataclasses import dataclass, replace

PINS = 54
FULL_PPM = 1_000_000
INPUT, OUTPUT = 0, 1
PULL_OFF, PULL_DOWN, PULL_UP = 0, 1, 2
#: PWM channel of each pin that can have hardware PWM, and the mode that connects it
PWM_CHANNELS = {12: 0, 18: 0, 13: 1, 19: 1}
PWM_MODES = {12: 4, 13: 4, 18: 2, 19: 2}
#: pins 0-8 wake up with pull-ups, the others with pull-downs  # Source: board.md section 4
_LAST_PULLED_UP = 8


@dataclass(frozen=True, slots=True)
class Pulses:
    """One running PWM channel; ``origin_us`` is the start of one of its periods."""

    hz: int
    duty_ppm: int
    origin_us: int = 0

    def level(self, now_us: int) -> int:
        """Return the level at one moment."""
        period_us = 1_000_000 / self.hz
        phase_us = (now_us - self.origin_us) % period_us
        return int(phase_us * FULL_PPM < self.duty_ppm * period_us)


@dataclass(slots=True)
class _Pin:
    pull: int
    mode: int = INPUT
    latch: int = 0
    driven: int | None = None
    floating: int = 0


class Header:
    """Every pin of the Pi. Edges of plain levels are collected until ``take_edges``."""

    def __init__(self) -> None:
        self._pins = [
            _Pin(PULL_UP if gpio <= _LAST_PULLED_UP else PULL_DOWN) for gpio in range(PINS)
        ]
        self._pulses: list[Pulses | None] = [None, None]
        self._levels = [self.level(gpio, 0) for gpio in range(PINS)]
        self._edges: list[tuple[int, int]] = []

    def mode(self, gpio: int) -> int:
        """Return the mode number of pigpiod's MODEG."""
        return self._pins[gpio].mode

    def set_mode(self, gpio: int, mode: int) -> None:
        """Connect the pin to its latch, to nothing, or to one of its functions."""
        self._pins[gpio].mode = mode
        self._note(gpio)

    def set_pull(self, gpio: int, pull: int) -> None:
        """Switch the pull resistor: 0 off, 1 down, 2 up."""
        pin = self._pins[gpio]
        pin.floating = self._levels[gpio]
        pin.pull = pull
        self._note(gpio)

    def write(self, gpio: int, level: int) -> None:
        """Make the pin an output of this level, whatever it was before."""
        pin = self._pins[gpio]
        pin.latch = level
        pin.mode = OUTPUT
        self._note(gpio)

    def drive(self, gpio: int, level: int) -> None:
        """Put a level on the pin from outside; it shows while the pin is an input."""
        if self._pins[gpio].driven != level:
            self._pins[gpio].driven = level
            self._note(gpio)

    def set_pwm(self, gpio: int, hz: int, duty_ppm: int, now_us: int) -> None:
        """Run the pin's PWM channel and connect the pin to it; frequency 0 stops it."""
        channel = PWM_CHANNELS[gpio]
        if hz == 0:
            self._pulses[channel] = None
            self.write(gpio, 0)
            return
        running = self._pulses[channel]
        if running is not None and running.hz == hz:
            self._pulses[channel] = replace(running, duty_ppm=duty_ppm)
        else:
            self._pulses[channel] = Pulses(hz, duty_ppm, now_us)
        self._pins[gpio].mode = PWM_MODES[gpio]
        for other, shared in PWM_CHANNELS.items():
            if shared == channel:
                self._note(other)

    def pulses(self, gpio: int) -> Pulses | None:
        """Return the PWM that is on the pin now."""
        if self._pins[gpio].mode != PWM_MODES.get(gpio):
            return None
        return self._pulses[PWM_CHANNELS[gpio]]

    def level(self, gpio: int, now_us: int) -> int:
        """Return the level of a pin as READ sees it."""
        pin = self._pins[gpio]
        if pin.mode == OUTPUT:
            return pin.latch
        pulses = self.pulses(gpio)
        if pulses is not None:
            return pulses.level(now_us)
        if pin.driven is not None:
            return pin.driven
        return int(pin.pull == PULL_UP) if pin.pull else pin.floating

    def take_edges(self) -> list[tuple[int, int]]:
        """Return the pins that changed since the last call and their new levels, in order."""
        edges, self._edges = self._edges, []
        return edges

    def _note(self, gpio: int) -> None:
        pulses = self.pulses(gpio)
        if pulses is not None and 0 < pulses.duty_ppm < FULL_PPM:
            return  # a square wave is no edge; a thousand reports a second help nobody
        level = self.level(gpio, 0)
        if level != self._levels[gpio]:
            self._levels[gpio] = level
            self._edges.append((gpio, level))
