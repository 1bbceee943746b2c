"""Meter arithmetic: converter readings of the mains in, volts, amperes and watts out. Pure.

The same for the Pi's sampler and the simulated one. Source: charging.md section 13.2.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import mul

from evsed.board.description import Channel, EnergyMeter, MeterChannels
from evsed.hardware.interfaces import MeterReading

_PERIODS = 2
#: per sample; slow enough to ignore a mains period
_ZERO_WEIGHT = 1 / 5000  # Source: charging.md section 13.2
#: a measurement may end this share early: windows are a little shorter than their name
_SHORTFALL = 0.05
_PHASES = 3


@dataclass(frozen=True, slots=True)
class ChannelSamples:
    """Evenly spaced readings of one channel in mV; times of the first one in us."""

    started_us: float
    spacing_us: float
    readings_mv: Sequence[float]


@dataclass(slots=True)
class _Track:
    """One channel: its zero line and the sum of squares since the last result."""

    phase: int
    scale: float
    sign: int
    zero_mv: float | None = None
    count: int = 0
    total: float = 0.0

    def deviations(self, readings_mv: Sequence[float]) -> list[float]:
        """Return the readings without the zero line, which follows them slowly."""
        count = len(readings_mv)
        mean = math.fsum(readings_mv) / count
        if self.zero_mv is None:  # first measurement: collect the plain mean
            self.total += mean * count
            self.count += count
            return []
        zero, sign = self.zero_mv, self.sign
        self.zero_mv = zero + (mean - zero) * (1 - (1 - _ZERO_WEIGHT) ** count)
        values = [(reading - zero) * sign for reading in readings_mv]
        self.total += sum(map(mul, values, values))
        self.count += count
        return values

    def finish(self) -> float | None:
        """Return the rms in A or V; None for the measurement that only found the zero line."""
        count, total, zero = self.count, self.total, self.zero_mv
        self.count, self.total = 0, 0.0
        if not count:
            return 0.0
        if zero is None:
            self.zero_mv = total / count
            return None
        return math.sqrt(total / count) * self.scale

    def forget(self) -> None:
        self.count, self.total = 0, 0.0


@dataclass(slots=True)
class _Pairing:
    """Products of one phase's voltage and current, taken at the same instants."""

    products: float = 0.0
    voltage_squares: float = 0.0
    current_squares: float = 0.0

    def add(self, voltages: Sequence[float], currents: Sequence[float]) -> None:
        self.products += sum(map(mul, voltages, currents))
        self.voltage_squares += sum(map(mul, voltages, voltages))
        self.current_squares += sum(map(mul, currents, currents))

    def power_factor(self) -> float:
        """Return the signed power factor since the last call; it needs no whole periods."""
        squares = self.voltage_squares * self.current_squares
        factor = self.products / math.sqrt(squares) if squares > 0 else 0.0
        self.products = self.voltage_squares = self.current_squares = 0.0
        return factor


@dataclass(slots=True)
class _Progress:
    """How much of the present measurement is in."""

    covered_us: float = 0.0
    ended_us: float | None = None
    pairings: list[_Pairing] = field(default_factory=lambda: [_Pairing() for _ in range(_PHASES)])


class Metering:
    """Adds up windows until two mains periods are in, then gives one reading.

    The first two periods only find the zero line of each channel. After a pause of more than two
    periods it begins a new measurement. Belongs to one thread.
    """

    def __init__(self, meter: EnergyMeter) -> None:
        self._meter = meter
        self._span_us = _PERIODS * 1_000_000 / meter.frequency_hz
        self._currents = _tracks(meter.current)
        self._voltages = _tracks(meter.voltage) if meter.voltage else {}
        self._progress = _Progress()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Converter inputs to sample: currents, then voltages, in order of the phases."""
        return (*self._currents, *self._voltages)

    def feed(
        self, window: Mapping[Channel, ChannelSamples], *, ended_ms: int
    ) -> MeterReading | None:
        """Take one window of every channel; return a reading when it completes one.

        Channels that are no metering inputs are ignored.
        """
        mine = {name: window[name] for name in self.channels if name in window}
        mine = {name: samples for name, samples in mine.items() if samples.readings_mv}
        if not mine:
            return None
        self._begin(mine)
        self._take(mine)
        progress = self._progress
        if progress.covered_us < self._span_us * (1 - _SHORTFALL):
            return None
        progress.covered_us = 0.0
        return self._finish(ended_ms)

    def _begin(self, window: Mapping[Channel, ChannelSamples]) -> None:
        started_us = min(samples.started_us for samples in window.values())
        ended_us = max(
            samples.started_us + samples.spacing_us * len(samples.readings_mv)
            for samples in window.values()
        )
        progress = self._progress
        if progress.ended_us is not None and started_us - progress.ended_us > self._span_us:
            for track in (*self._currents.values(), *self._voltages.values()):
                track.forget()
            progress = self._progress = _Progress()
        progress.ended_us = ended_us
        progress.covered_us += ended_us - started_us

    def _take(self, window: Mapping[Channel, ChannelSamples]) -> None:
        voltages = {
            track.phase: (window[name], track.deviations(window[name].readings_mv))
            for name, track in self._voltages.items()
            if name in window
        }
        for name, track in self._currents.items():
            if name not in window:
                continue
            currents = track.deviations(window[name].readings_mv)
            if track.phase in voltages:
                samples, values = voltages[track.phase]
                pairs = _pair(samples, values, window[name], currents, self._meter.phase_shift_us)
                self._progress.pairings[track.phase].add(*pairs)

    def _finish(self, ended_ms: int) -> MeterReading | None:
        currents = _by_phase(self._currents)
        voltages = _by_phase(self._voltages)
        factors = [pairing.power_factor() for pairing in self._progress.pairings]
        if currents is None or voltages is None:
            return None
        floor = self._meter.noise_floor_a
        amperes = tuple(current if current >= floor else 0.0 for current in currents)
        powers = None
        if self._voltages:
            watts = [*map(math.prod, zip(voltages, amperes, factors, strict=True))]
            powers = (watts[0], watts[1], watts[2])
        return MeterReading(ended_ms, (amperes[0], amperes[1], amperes[2]), voltages, powers)


def _tracks(channels: MeterChannels) -> dict[Channel, _Track]:
    signs = [-1 if invert else 1 for invert in channels.invert]
    signs += [1] * (len(channels.adc_channels) - len(signs))
    return {
        channel: _Track(phase, channels.scale, signs[phase])
        for phase, channel in enumerate(channels.adc_channels)
    }


def _by_phase(tracks: Mapping[Channel, _Track]) -> tuple[float, float, float] | None:
    values = [0.0] * _PHASES
    finding_zero = False
    for track in tracks.values():
        value = track.finish()
        finding_zero = finding_zero or value is None
        values[track.phase] = value or 0.0
    return None if finding_zero else (values[0], values[1], values[2])


def _pair(
    voltage: ChannelSamples,
    voltages: Sequence[float],
    current: ChannelSamples,
    currents: Sequence[float],
    phase_shift_us: float,
) -> tuple[list[float], list[float]]:
    """Return voltages interpolated to the instants of the currents, and those currents.

    Both channels come from one round-robin pattern, so their spacing is the same; where it is
    not, or while a zero line is still unknown, there are no pairs.
    """
    if not voltages or not currents or voltage.spacing_us != current.spacing_us:
        return [], []
    offset = (current.started_us + phase_shift_us - voltage.started_us) / voltage.spacing_us
    whole = math.floor(offset)
    share = offset - whole
    usable = voltages[max(whole, 0) :]
    later = usable[1:] if share else usable
    paired = [a + (b - a) * share for a, b in zip(usable, later, strict=False)]
    taken = list(currents[max(-whole, 0) :])
    count = min(len(paired), len(taken))
    return paired[:count], taken[:count]
