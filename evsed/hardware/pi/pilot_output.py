"""The control pilot through the pin daemon's hardware PWM."""

from typing import Final

from evsed.board.description import Pilot
from evsed.hardware.pi.link import Link

PILOT_HZ: Final = 1000  # Source: IEC 61851-1:2017 Annex A
ALWAYS_PPM: Final = 1_000_000


class PigpioPilotOutput:
    """A ``PilotOutput``; the daemon counts hardware duty in millionths, as we do.

    Duty 0 and 1 000 000 are steady levels with the channel running: no change of mode is needed.
    Source: platform.md section 9.1.
    """

    def __init__(self, link: Link, pilot: Pilot) -> None:
        self._link = link
        self._gpio = pilot.gpio
        self._inverted = pilot.inverted
        self.hold(high=False)

    def hold(self, *, high: bool) -> None:
        """Drive steady +12 V or -12 V."""
        self.pulse(ALWAYS_PPM if high else 0)

    def pulse(self, duty_ppm: int) -> None:
        """Drive 1 kHz; ``duty_ppm`` millionths of each period at +12 V."""
        ppm = ALWAYS_PPM - duty_ppm if self._inverted else duty_ppm
        with self._link.calls("control pilot", self._gpio):
            self._link.pi.hardware_PWM(self._gpio, PILOT_HZ, ppm)
