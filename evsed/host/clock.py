"""The wall clock of the system. Nothing that charges depends on it."""

import asyncio
import time
from pathlib import Path
from typing import Final, Protocol

from evsed.errors import HardwareError
from evsed.host.bus import BusAbsentError
from evsed.host.time_date import TimeDate

#: 2025-01-01; a Pi that was off starts with the time it went off.
_NOT_BEFORE_S: Final = 1735689600
#: Left by systemd-timesyncd after the first synchronization, and a real-time clock.
_SIGNS: Final = ("run/systemd/timesync/synchronized", "dev/rtc0", "dev/rtc")


class Clock(Protocol):
    """What services may ask of the wall clock."""

    def now_s(self) -> float:
        """Return Unix seconds."""

    async def set(self, seconds: float) -> None:
        """Set the clock.

        Raises:
            HardwareError: not permitted.
        """

    def plausible(self) -> bool:
        """Tell whether the clock can be right; a Pi has none that runs while it is off."""


class SystemClock:
    """The clock of the machine. systemd is asked to set it, which needs no right of our own.

    Args:
        time_date: systemd; None: only by ourselves, which needs CAP_SYS_TIME.
        root: where /dev and /run are; another folder in tests.
    """

    def __init__(self, time_date: TimeDate | None = None, root: Path = Path("/")) -> None:
        self._time_date = time_date
        self._signs = tuple(root / sign for sign in _SIGNS)
        self._plausible = False

    def now_s(self) -> float:
        """Return Unix seconds."""
        return time.time()

    async def set(self, seconds: float) -> None:
        """Set the clock.

        Raises:
            HardwareError: not permitted.
        """
        if not await self._ask_systemd(seconds):
            await _set_by_ourselves(seconds)
        self._plausible = True

    async def _ask_systemd(self, seconds: float) -> bool:
        """Tell whether systemd was there to do it."""
        if self._time_date is None:
            return False
        try:
            await self._time_date.set_time(seconds)
        except BusAbsentError:
            return False
        return True

    def plausible(self) -> bool:
        """Tell whether it was set by somebody, by the network, or runs on a battery."""
        if not self._plausible and time.time() > _NOT_BEFORE_S:
            self._plausible = any(sign.exists() for sign in self._signs)
        return self._plausible


async def _set_by_ourselves(seconds: float) -> None:
    try:
        await asyncio.to_thread(time.clock_settime, time.CLOCK_REALTIME, seconds)
    except OSError as error:
        raise HardwareError(f"clock: may not be set: {error.strerror}") from error


class ShiftedClock:
    """A clock beside the machine's: a simulated charger must not set its host's."""

    def __init__(self) -> None:
        self._shift_s = 0.0

    def now_s(self) -> float:
        """Return Unix seconds as they were set."""
        return time.time() + self._shift_s

    async def set(self, seconds: float) -> None:
        """Set this clock only."""
        self._shift_s = seconds - time.time()

    def plausible(self) -> bool:
        """Tell that it is as right as it was made."""
        return True
