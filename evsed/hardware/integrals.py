"""Integrals of sampled signals over time, cut anywhere between two samples. Pure.

A sample stands for the time from half a spacing before it to half a spacing after it. What lies
between the last sample of one window and the first of the next is bridged with the mean of the
two. A cut falls between two samples; what one side gets too much the other gets too little, so
that nothing is counted twice or not at all. For a periodic signal over whole periods this is the
trapezoidal rule, which is exact for every harmonic that the sampling rate can carry.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

#: longer gaps between two windows are left out instead of bridged
_BRIDGED_US: Final = 5_000.0
#: how many spacings beyond its ends a channel is continued
_BEYOND: Final = 1.0
_TAPS: Final = 4


@dataclass(frozen=True, slots=True)
class ChannelSamples:
    """Evenly spaced readings of one channel in mV; times of the first one in us."""

    started_us: float
    spacing_us: float
    readings_mv: Sequence[float]

    @property
    def ended_us(self) -> float:
        """When the next reading would be due."""
        return self.started_us + self.spacing_us * len(self.readings_mv)

    def replaced(self, values: Sequence[float]) -> "ChannelSamples":
        """Return other values taken at the same moments."""
        return ChannelSamples(self.started_us, self.spacing_us, values)


@dataclass(slots=True)
class _Mean:
    """One integral and what is needed to go on with it."""

    total: float = 0.0
    last: float = 0.0

    def add(self, values: Sequence[float], spacing_us: float, bridge_us: float) -> None:
        self.total += sum(values) * spacing_us + (self.last + values[0]) / 2 * bridge_us
        self.last = values[-1]


@dataclass(slots=True)
class _Span:
    """The time an integral covers."""

    weight_us: float = 0.0
    ended_us: float | None = None

    def add(self, started_us: float, spacing_us: float, count: int) -> float:
        """Return how much time before these samples is to be bridged."""
        gap_us = 0.0 if self.ended_us is None else started_us - self.ended_us
        bridge_us = gap_us if abs(gap_us) <= _BRIDGED_US else 0.0
        self.weight_us += spacing_us * count + bridge_us
        self.ended_us = started_us + spacing_us * count
        return bridge_us


def _cut_place(samples: ChannelSamples, cut_us: float) -> tuple[int, float]:
    """Return the first sample after a cut, and how much of a spacing after it that is."""
    place = math.ceil((cut_us - samples.started_us) / samples.spacing_us)
    place = min(max(place, 0), len(samples.readings_mv))
    share = (samples.started_us - cut_us) / samples.spacing_us + place
    return place, min(max(share, 0.0), 1.0)


class _Integral:
    """Integrals of some values that are sampled at the same moments."""

    def __init__(self, values: int) -> None:
        self._means = [_Mean() for _ in range(values)]
        self._span = _Span()
        self._finished = ([0.0] * values, 0.0, 0)
        self._count = 0

    def take(
        self, samples: ChannelSamples, series: Sequence[Sequence[float]], cut_us: float | None
    ) -> None:
        """Add a window; with a cut, what lies before it becomes the finished measurement."""
        if cut_us is None:
            self._add(samples.started_us, samples.spacing_us, series)
            return
        place, share = _cut_place(samples, cut_us)
        if place:
            head = [values[:place] for values in series]
            self._add(samples.started_us, samples.spacing_us, head)
        tail = [values[place:] for values in series]
        firsts = [values[0] if values else None for values in tail]
        self._cut((0.5 - share) * samples.spacing_us, firsts)
        if tail[0]:
            self._add(samples.started_us + place * samples.spacing_us, samples.spacing_us, tail)

    def means(self) -> tuple[list[float], int]:
        """Return the means of the finished measurement and its count of samples.

        Without a cut since the last call the measurement is finished now.
        """
        if not self._finished[1]:
            self._cut(0.0, [None] * len(self._means))
        totals, weight_us, count = self._finished
        self._finished = ([0.0] * len(self._means), 0.0, 0)
        if weight_us <= 0:
            return [0.0] * len(totals), 0
        return [total / weight_us for total in totals], count

    def _add(self, started_us: float, spacing_us: float, series: Sequence[Sequence[float]]) -> None:
        bridge_us = self._span.add(started_us, spacing_us, len(series[0]))
        self._count += len(series[0])
        for mean, values in zip(self._means, series, strict=True):
            mean.add(values, spacing_us, bridge_us)

    def _cut(self, extra_us: float, firsts: Sequence[float | None]) -> None:
        """End the measurement ``extra_us`` after the time of its last sample."""
        totals: list[float] = []
        for mean, first in zip(self._means, firsts, strict=True):
            edge = mean.last if first is None else (mean.last + first) / 2
            totals.append(mean.total + edge * extra_us)
            mean.total = -edge * extra_us
        self._finished = (totals, self._span.weight_us + extra_us, self._count)
        self._span.weight_us = -extra_us
        self._count = 0


class ChannelIntegral:
    """Mean and rms of one channel."""

    def __init__(self) -> None:
        self._integral = _Integral(2)

    def take(self, samples: ChannelSamples, values: Sequence[float], cut_us: float | None) -> None:
        """Add a window of deviations from the zero line."""
        squares = list(map(mul, values, values))
        self._integral.take(samples, (values, squares), cut_us)

    def finish(self) -> tuple[float, float, int]:
        """Return mean, rms around that mean, and the number of samples."""
        (mean, square), count = self._integral.means()
        return mean, math.sqrt(max(square - mean * mean, 0.0)), count


@dataclass(frozen=True, slots=True)
class Pairs:
    """Voltages and currents of one phase, each at the same moment."""

    moments: ChannelSamples
    voltages: Sequence[float]
    currents: Sequence[float]


class ProductIntegral:
    """Covariance of voltage and current: power, whatever the inputs rest at."""

    def __init__(self) -> None:
        self._integral = _Integral(3)

    def take(self, pairs: Pairs, cut_us: float | None) -> None:
        """Add the pairs of a window."""
        products = list(map(mul, pairs.voltages, pairs.currents))
        self._integral.take(pairs.moments, (products, pairs.voltages, pairs.currents), cut_us)

    def finish(self) -> float:
        """Return the covariance."""
        (product, voltage, current), _ = self._integral.means()
        return product - voltage * current


def pair(voltage: ChannelSamples, current: ChannelSamples, shift_us: float) -> Pairs | None:
    """Return the currents, and the voltages interpolated to their moments.

    Args:
        voltage: deviations from its zero line.
        current: the same of the current.
        shift_us: by how much the voltage is seen later than the current.

    The channels come from one pattern, so their spacing is the same; where it is not, there are
    no pairs. At 50 Hz and one reading a millisecond a straight line would lose half a percent;
    a cubic loses a hundredth of that.
    """
    if voltage.spacing_us != current.spacing_us or len(voltage.readings_mv) < _TAPS:
        return None
    spacing = voltage.spacing_us
    offset = (current.started_us + shift_us - voltage.started_us) / spacing
    last = len(voltage.readings_mv) - 1
    first = max(math.ceil(-_BEYOND - offset), 0)
    stop = min(math.floor(last + _BEYOND - offset) + 1, len(current.readings_mv))
    if stop <= first:
        return None
    moments = ChannelSamples(
        current.started_us + first * spacing, spacing, current.readings_mv[first:stop]
    )
    voltages = _interpolated(voltage.readings_mv, first + offset, stop - first)
    return Pairs(moments, voltages, moments.readings_mv)


def _interpolated(values: Sequence[float], position: float, count: int) -> list[float]:
    """Return ``count`` values from a fractional place on, one place apart.

    By the cubic through the four nearest values; at the ends the outermost four have to do.
    """
    whole = math.floor(position)
    share = position - whole
    if not share and whole >= 0 and whole + count <= len(values):
        return list(values[whole : whole + count])
    a, b, c, d = _weights(share + 1)
    low, high = max(whole, 1), min(whole + count, len(values) - 2)
    middle: list[float] = []
    if low < high:
        four = (values[low - 1 : high - 1], values[low:high], values[low + 1 :], values[low + 2 :])
        middle = [a * p + b * q + c * r + d * s for p, q, r, s in zip(*four, strict=False)]
    else:
        low = high = min(max(low, whole), whole + count)
    before = [_at_end(values, place + share) for place in range(whole, low)]
    after = [_at_end(values, place + share) for place in range(high, whole + count)]
    return before + middle + after


def _at_end(values: Sequence[float], position: float) -> float:
    """Return the cubic through the four values nearest to this place."""
    start = min(max(math.floor(position) - 1, 0), len(values) - _TAPS)
    return math.fsum(map(mul, _weights(position - start), values[start : start + _TAPS]))


def _weights(x: float) -> tuple[float, float, float, float]:
    """Return Lagrange's weights for the places 0, 1, 2, 3."""
    return (
        -(x - 1) * (x - 2) * (x - 3) / 6,
        x * (x - 2) * (x - 3) / 2,
        -x * (x - 1) * (x - 3) / 2,
        x * (x - 1) * (x - 2) / 6,
    )
