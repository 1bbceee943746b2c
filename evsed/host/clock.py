"""The wall clock of the system. Nothing that charges depends on it."""

import asyncio
import time
from typing import Protocol

from evsed.errors import HardwareError


class Clock(Protocol):
    """What services may ask of the wall clock."""

    def now_s(self) -> float:
        """Return Unix seconds."""

    async def set(self, seconds: float) -> None:
        """Set the clock.

        Raises:
            HardwareError: not permitted.
        """


class SystemClock:
    """The clock of the machine; setting it needs CAP_SYS_TIME."""

    def now_s(self) -> float:
        """Return Unix seconds."""
        return time.time()

    async def set(self, seconds: float) -> None:
        """Set the clock.

        Raises:
            HardwareError: not permitted.
        """
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
