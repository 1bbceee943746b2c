"""The mains: three distorted phases, the load's current, and what the metering inputs see. Pure.

Truth for the tests: ``Grid.power_share`` says what a perfect meter would find.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul
from typing import Final, Literal

VOLTS = 230.0
PHASES = 3
_MID_SHARE = 0.5
#: steps of one period of a wave
_STEPS: Final = 20_000
#: shares of the odd harmonics in the distortion, and where they lie. Rectifiers with power factor
#: correction, as cars have them, bring mostly the third and the fifth.
_ORDERS: Final[Mapping[int, tuple[float, float]]] = {
    3: (0.75, 0.3),
    5: (0.50, 1.1),
    7: (0.35, 2.0),
    11: (0.25, 2.9),
}
#: the voltage is distorted by its sources' impedance only
_VOLTAGE_SHARE: Final = 0.25

Kind = Literal["voltage", "current"]


@lru_cache(maxsize=16)
def wave(kind: Kind, distortion: float) -> tuple[float, ...]:
    """Return one period of rms 1; ``distortion``: the harmonics' share of the current."""
    share = distortion * (_VOLTAGE_SHARE if kind == "voltage" else 1.0)
    parts = [(1, 1.0, 0.0)]
    whole = math.hypot(*(weight for weight, _ in _ORDERS.values()))
    parts += [(order, share * one / whole, at) for order, (one, at) in _ORDERS.items() if share]
    rms = math.hypot(*(size for _, size, _ in parts)) / math.sqrt(2)
    step = math.tau / _STEPS
    return tuple(
        sum(size * math.sin(order * step * place + at) for order, size, at in parts) / rms
        for place in range(_STEPS)
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """How mains and load look at the moment."""

    hz: float = 50.0
    #: cosine of the angle by which the current's fundamental lags
    power_factor: float = 1.0
    #: harmonics of the current, as share of its fundamental
    distortion: float = 0.0
    #: which phases have voltage
    live: tuple[bool, bool, bool] = (True, True, True)
    #: which current transformers are mounted backwards
    backwards: tuple[bool, bool, bool] = (False, False, False)
    #: by how much the metering inputs rest beside mid-supply
    offset_mv: float = 0.0

    @property
    def lag_steps(self) -> int:
        """How far the current lags, in steps of a wave."""
        return round(math.acos(self.power_factor) / math.tau * _STEPS)

    def power_share(self) -> float:
        """Return real power over V rms times A rms: the true power factor."""
        voltage, current = wave("voltage", self.distortion), wave("current", self.distortion)
        lag = self.lag_steps
        late = current[-lag:] + current[:-lag] if lag else current
        return math.fsum(map(mul, voltage, late)) / _STEPS


@dataclass(frozen=True, slots=True)
class Transformer:
    """One metering input: a signal around mid-supply, ``mv`` rms per ampere or volt."""

    kind: Kind
    phase: int
    mv: float
    mid_mv: float
    delay_us: int = 0

    def readings(self, grid: Grid, rms: float, times_us: Sequence[int]) -> list[float]:
        """Return the mV at the ADC pin at some moments."""
        swing, mid = rms * self.mv, self.mid_mv + grid.offset_mv
        if not swing:
            return [mid] * len(times_us)
        table = wave(self.kind, grid.distortion)
        per_us = _STEPS * grid.hz / 1_000_000
        lag = self.phase * _STEPS / PHASES + self.delay_us * per_us
        if self.kind == "current":
            lag += grid.lag_steps
            swing = -swing if grid.backwards[self.phase] else swing
        start = -lag % _STEPS
        return [mid + swing * table[int(t * per_us + start) % _STEPS] for t in times_us]


def mid_mv(vref_mv: int) -> float:
    """Return the resting voltage of a metering input."""
    return vref_mv * _MID_SHARE
