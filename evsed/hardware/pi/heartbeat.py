"""The line that feeds a charge pump or supervisor on the board.

A pulse train (``heartbeatHz``) is made by a script in the pin daemon that sends one finite burst
for each beat; it stops by itself when the passes stop. Not by a wave, as decision 26 has it:
starting a wave takes the PWM block away from the control pilot (board.md section 7.6, row D).
"""

from pathlib import Path
from typing import Final

from evsed.hardware.pi.kept_script import HEARTBEAT, KeptScript
from evsed.hardware.pi.link import Link

_DEVICE: Final = "heartbeat"
#: two control passes. Source: decision 26.
_BURST_US: Final = 40_000


class ToggleHeartbeat:
    """A ``Heartbeat``: one edge per control pass."""

    def __init__(self, link: Link, gpio: int) -> None:
        self._link = link
        self._gpio = gpio
        self._level = 0
        self.rest()

    def beat(self) -> None:
        """Signal one successful control pass."""
        self._level ^= 1
        self._write()

    def rest(self) -> None:
        """Leave the line low."""
        self._level = 0
        self._write()

    def _write(self) -> None:
        with self._link.calls(_DEVICE, self._gpio):
            self._link.pi.write(self._gpio, self._level)


class BurstHeartbeat:
    """A ``Heartbeat``: each beat asks the pin daemon for one burst of two passes' length."""

    def __init__(self, link: Link, gpio: int, hz: int, runtime_dir: Path) -> None:
        self._link = link
        self._gpio = gpio
        self._count = 0
        with link.calls(_DEVICE, gpio):
            link.pi.write(gpio, 0)
        self._script = KeptScript(
            link, _DEVICE, gpio, burst_text(gpio, hz), runtime_dir / HEARTBEAT
        )
        self._script.run(self._count)

    def beat(self) -> None:
        """Signal one successful control pass."""
        self._count += 1
        self._script.update(self._count & 0x7FFF_FFFF)

    def rest(self) -> None:
        """End the bursts and leave the line low."""
        self._script.delete()
        with self._link.calls(_DEVICE, self._gpio):
            self._link.pi.write(self._gpio, 0)


def burst_text(gpio: int, hz: int) -> str:
    """Return the script: whenever p0 changes, one burst; else the line is low.

    A beat that comes during a burst starts the count anew, so the train has no gap.
    """
    half_us = 500_000 // hz
    pulses = max(_BURST_US // (2 * half_us), 1)
    return (
        f"ld v0 p0 tag 0 mils 1 lda p0 cmp v0 jz 0 "
        f"tag 1 sta v0 ld v1 {pulses} "
        f"tag 2 w {gpio} 1 mics {half_us} w {gpio} 0 mics {half_us} "
        f"lda p0 cmp v0 jnz 1 dcr v1 jnz 2 jmp 0"
    )
