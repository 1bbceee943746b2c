"""The mains: three phases of sine, and what the metering inputs make of them. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

VOLTS = 230.0
PHASES = 3
_MID_SHARE = 0.5


@lru_cache(maxsize=4)
def sine_table(hz: int) -> tuple[float, ...]:
    """Return one period of a sine of rms 1, one value per us."""
    period_us = round(1_000_000 / hz)
    step = math.tau / period_us
    return tuple(math.sqrt(2) * math.sin(step * place) for place in range(period_us))


@dataclass(frozen=True, slots=True)
class Transformer:
    """One metering input: a signal around mid-supply, ``mv`` rms per ampere or volt."""

    hz: int
    phase: int
    mv: float
    mid_mv: float
    delay_us: int = 0

    def readings(self, rms: float, times_us: Sequence[int]) -> list[float]:
        """Return the mV at the ADC pin at some moments."""
        table = sine_table(self.hz)
        period = len(table)
        lag = self.delay_us + round(self.phase * period / PHASES)
        swing, mid = rms * self.mv, self.mid_mv
        if not swing:
            return [mid] * len(times_us)
        return [mid + swing * table[(t - lag) % period] for t in times_us]


def mid_mv(vref_mv: int) -> float:
    """Return the resting voltage of a metering input."""
    return vref_mv * _MID_SHARE
