"""The control pilot through the kernel's PWM, for boards the pin daemon does not know.

Source: platform.md section 9.2.
"""

import contextlib
import os
import time
from pathlib import Path
from typing import Final

from evsed.board.description import Pilot
from evsed.errors import HardwareError

_PERIOD_NS: Final = 1_000_000
_NS_PER_PPM: Final = _PERIOD_NS // 1_000_000
_EXPORT_S: Final = 1.0
_RETRY_S: Final = 0.02


class SysfsPilotOutput:
    """A ``PilotOutput``; one ``pwrite`` per change.

    The channel is never unexported: that would leave the level undefined.

    Raises:
        HardwareError: the channel does not appear within one second, or cannot be written.
    """

    def __init__(self, pwm_root: Path, pilot: Pilot) -> None:
        self._name = f"control pilot on GPIO {pilot.gpio}"
        self._inverted = pilot.inverted
        self._files: dict[str, int] = {}
        chip = pwm_root / f"pwmchip{pilot.pwm_chip}"
        channel = chip / f"pwm{pilot.pwm_channel}"
        _export(self._name, chip, channel, pilot.pwm_channel)
        try:
            self._open(channel)
        except OSError as error:
            self.close()
            raise HardwareError(f"{self._name}: {error}") from error

    def hold(self, *, high: bool) -> None:
        """Drive steady +12 V or -12 V."""
        self.pulse(1_000_000 if high else 0)

    def pulse(self, duty_ppm: int) -> None:
        """Drive 1 kHz; ``duty_ppm`` millionths of each period at +12 V."""
        ppm = 1_000_000 - duty_ppm if self._inverted else duty_ppm
        try:
            self._write("duty_cycle", ppm * _NS_PER_PPM)
        except OSError as error:
            raise HardwareError(f"{self._name}: {error}") from error

    def close(self) -> None:
        """Close the files; the output stays as it is."""
        while self._files:
            _, file = self._files.popitem()
            with contextlib.suppress(OSError):
                os.close(file)

    def _open(self, channel: Path) -> None:
        for name in ("duty_cycle", "period", "enable"):
            self._files[name] = os.open(channel / name, os.O_WRONLY | os.O_CLOEXEC)
        self._write("duty_cycle", 0)  # first: a shorter period than the duty is refused
        self._write("period", _PERIOD_NS)
        self.hold(high=False)
        self._write("enable", 1)

    def _write(self, name: str, value: int) -> None:
        if name not in self._files:
            raise OSError(f"{name} is closed")
        os.pwrite(self._files[name], f"{value}\n".encode(), 0)


def _export(name: str, chip: Path, channel: Path, number: int | None) -> None:
    """Make the channel appear, and wait until its files may be written (udev sets the group)."""
    try:
        if not channel.exists():
            (chip / "export").write_text(f"{number}\n")
    except OSError as error:
        raise HardwareError(f"{name}: {error}") from error
    deadline = time.monotonic() + _EXPORT_S
    while not os.access(channel / "duty_cycle", os.W_OK):
        if time.monotonic() > deadline:
            raise HardwareError(f"{name}: {channel} did not become writable within 1 s")
        time.sleep(_RETRY_S)
