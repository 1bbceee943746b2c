"""Meter arithmetic: converter readings of the mains in, volts, amperes and watts out. Pure.

The same for the Pi's sampler and the simulated one. Every sum is an integral over time from one
rising zero crossing of the mains to another, with the little gaps between two windows bridged:
so nothing depends on where a window begins, how long it is or what the mains' frequency is, and
the resting voltage of an input drops out. Source: charging.md section 13.2; docs/metering.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

from evsed.board.description import Channel, EnergyMeter, MeterChannels
from evsed.hardware.integrals import ChannelIntegral, ChannelSamples, ProductIntegral, pair
from evsed.hardware.interfaces import MeterReading, Trio
from evsed.hardware.meter_correction import MeterCorrection, PhaseCorrection
from evsed.hardware.meter_watch import PhaseWatch

__all__ = ["ChannelSamples", "Metering"]

_PERIODS: Final = 2
#: per sample; slow enough to ignore a mains period
_ZERO_WEIGHT: Final = 1 / 5000  # Source: charging.md section 13.2
#: a measurement ends with the first crossing after this share of two nominal periods: 45 to 65 Hz
#: then give whole periods whatever the board file says
_EARLIEST: Final = 0.8
#: without any crossing (no voltage, no current) it ends by time
_LATEST: Final = 1.6
#: share of the rms a signal must have been below zero before a crossing counts
_ARMING: Final = 0.5
_PHASES: Final = 3
#: a voltage below this is none: its crossings mean nothing
_LIVE_V: Final = 20.0
#: share of the best signal's rms that still makes a reference
_GOOD_ENOUGH: Final = 0.3
#: windows are a little shorter than their name
_SHORTFALL: Final = 0.05


class _Stage(Enum):
    """What the present measurement is for."""

    ZERO = auto()
    ALIGN = auto()
    MEASURE = auto()


@dataclass(slots=True)
class _Input:
    """One channel: what belongs to it, its zero line, and its integrals."""

    phase: int
    scale: float
    sign: int
    zero_mv: float | None = None
    rms_mv: float = 0.0
    integral: ChannelIntegral = field(default_factory=ChannelIntegral)

    def deviations(self, readings_mv: Sequence[float]) -> list[float]:
        """Return the readings without the zero line, which the whole measurement shares."""
        zero, sign = self.zero_mv, self.sign
        if zero is None:
            zero = self.zero_mv = math.fsum(readings_mv) / len(readings_mv)
        return [(reading - zero) * sign for reading in readings_mv]

    def finish(self) -> float:
        """Return the rms in A or V, and let the zero line follow."""
        mean_mv, self.rms_mv, count = self.integral.finish()
        if self.zero_mv is not None:
            self.zero_mv += mean_mv * self.sign * (1 - (1 - _ZERO_WEIGHT) ** count)
        return self.rms_mv * self.scale

    def find_zero(self) -> None:
        """Take the mean as zero line and begin anew."""
        mean_mv, self.rms_mv, _ = self.integral.finish()
        self.zero_mv = (self.zero_mv or 0.0) + mean_mv * self.sign
        self.integral = ChannelIntegral()


@dataclass(slots=True)
class _Progress:
    """How far the present measurement is."""

    covered_us: float = 0.0
    ended_us: float = -math.inf
    stage: _Stage = _Stage.ZERO
    armed: bool = False
    #: whose crossings count
    reference: Channel | None = None


class Metering:
    """Adds up windows until two mains periods are in, then gives one reading.

    The first two periods only find the zero line of each channel; then it waits for a crossing.
    After a pause of more than two periods it begins a new measurement. Belongs to one thread;
    only ``correction`` is replaced by others.
    """

    def __init__(self, meter: EnergyMeter) -> None:
        self._meter = meter
        self._span_us = _PERIODS * 1_000_000 / meter.frequency_hz
        self._currents = _inputs(meter.current)
        self._voltages = _inputs(meter.voltage) if meter.voltage else {}
        self._products = [ProductIntegral() for _ in range(_PHASES)]
        self._progress = _Progress()
        self._watch = PhaseWatch(len(self._voltages))
        #: what a calibration has found, replaced whole
        self.correction = MeterCorrection()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Converter inputs to sample: each current with the voltage of its phase beside it.

        The nearer in time they are taken, the less there is to interpolate.
        """
        found: list[Channel] = []
        voltages = list(self._voltages)
        for place, channel in enumerate(self._currents):
            found += [channel, *voltages[place : place + 1]]
        return (*found, *voltages[len(self._currents) :])

    def feed(
        self, window: Mapping[Channel, ChannelSamples], *, ended_ms: int
    ) -> MeterReading | None:
        """Take one window of every channel; return a reading when it completes one.

        Channels that are no metering inputs are ignored.
        """
        inputs = {**self._currents, **self._voltages}
        mine = {name: window[name] for name in inputs if name in window}
        mine = {name: samples for name, samples in mine.items() if samples.readings_mv}
        if not mine:
            return None
        self._begin(mine)
        values = {name: inputs[name].deviations(mine[name].readings_mv) for name in mine}
        progress = self._progress
        if progress.stage is _Stage.ZERO:
            self._take(mine, values, None)
            self._find_zero()
            return None
        cut_us = self._crossing_us(mine, values)
        self._take(mine, values, cut_us)
        if cut_us is None:
            if progress.covered_us < self._span_us * _LATEST:
                return None
            progress.covered_us, progress.stage = 0.0, _Stage.ALIGN
            return self._finish(ended_ms)
        progress.covered_us = progress.ended_us - cut_us
        aligned, progress.stage = progress.stage is _Stage.MEASURE, _Stage.MEASURE
        reading = self._finish(ended_ms)
        return reading if aligned else None

    def _find_zero(self) -> None:
        progress = self._progress
        if progress.covered_us < self._span_us * (1 - _SHORTFALL):
            return
        for one in (*self._currents.values(), *self._voltages.values()):
            one.find_zero()
        self._products = [ProductIntegral() for _ in range(_PHASES)]
        self._progress = _Progress(ended_us=progress.ended_us, stage=_Stage.ALIGN)

    def _begin(self, window: Mapping[Channel, ChannelSamples]) -> None:
        """Note what time the window covers; after a pause begin anew."""
        started_us = min(samples.started_us for samples in window.values())
        ended_us = max(samples.ended_us for samples in window.values())
        progress = self._progress
        if started_us - progress.ended_us > self._span_us:
            for one in (*self._currents.values(), *self._voltages.values()):
                one.integral = ChannelIntegral()
            self._products = [ProductIntegral() for _ in range(_PHASES)]
            zero = progress.stage is _Stage.ZERO
            stage = _Stage.ZERO if zero else _Stage.ALIGN
            progress = self._progress = _Progress(ended_us=started_us, stage=stage)
        progress.covered_us += ended_us - progress.ended_us
        progress.ended_us = ended_us

    def _crossing_us(
        self, window: Mapping[Channel, ChannelSamples], values: Mapping[Channel, Sequence[float]]
    ) -> float | None:
        """Return when the reference rises through zero, once the measurement is long enough."""
        name = self._reference(window)
        progress = self._progress
        samples, deviations = window[name], values[name]
        earliest_us = progress.ended_us - progress.covered_us
        if progress.stage is _Stage.MEASURE:
            earliest_us += self._span_us * _EARLIEST
        arming_mv = -_ARMING * {**self._voltages, **self._currents}[name].rms_mv
        before = 0.0
        for place, value in enumerate(deviations):
            if value < arming_mv:
                progress.armed = True
            elif value >= 0 and progress.armed:
                progress.armed = False
                share = value / (value - before) if before < 0 else 0.0
                at_us = samples.started_us + (place - share) * samples.spacing_us
                if at_us >= earliest_us:
                    return max(at_us, samples.started_us)
            before = value
        return None

    def _reference(self, window: Mapping[Channel, ChannelSamples]) -> Channel:
        """Return the channel whose crossings count: the best voltage, else the best current.

        It stays the same as long as it is any good; another one means to align anew.
        """
        inputs = {**self._voltages, **self._currents}
        live = [
            name
            for name, one in self._voltages.items()
            if name in window and one.rms_mv * one.scale >= _LIVE_V
        ]
        best = max(live or window, key=lambda name: inputs[name].rms_mv)
        progress = self._progress
        present = progress.reference
        if (
            present is not None
            and present in (live or window)
            and inputs[present].rms_mv >= inputs[best].rms_mv * _GOOD_ENOUGH
        ):
            return present
        progress.reference, progress.stage = best, _Stage.ALIGN
        return best

    def _take(
        self,
        window: Mapping[Channel, ChannelSamples],
        values: Mapping[Channel, list[float]],
        cut_us: float | None,
    ) -> None:
        for name, one in (*self._currents.items(), *self._voltages.items()):
            if name in window:
                one.integral.take(window[name], values[name], cut_us)
        voltages = {one.phase: name for name, one in self._voltages.items() if name in window}
        for name, one in self._currents.items():
            partner = voltages.get(one.phase)
            if name not in window or partner is None:
                continue
            phase = self.correction.phases[one.phase]
            paired = pair(
                window[partner].replaced(values[partner]),
                window[name].replaced(values[name]),
                self._meter.phase_shift_us + phase.shift_us,
            )
            if paired is not None:
                self._products[one.phase].take(paired, cut_us)

    def _finish(self, ended_ms: int) -> MeterReading:
        raw_a = _by_phase(self._currents)
        raw_v = _by_phase(self._voltages)
        raw_w = self._raw_powers()
        phases = self.correction.phases
        floor = self._meter.noise_floor_a
        amperes = [_above(floor, one.amperes(a)) for one, a in zip(phases, raw_a, strict=True)]
        volts = [one.volts(v) for one, v in zip(phases, raw_v, strict=True)]
        reading = MeterReading(
            taken_ms=ended_ms,
            currents_a=_trio(amperes),
            voltages_v=_trio(volts),
            raw_currents_a=_trio(raw_a),
            raw_voltages_v=_trio(raw_v),
        )
        if not self._voltages:
            return reading
        watts = _trio(
            [
                _watts(phases[place], raw_a[place], raw_v[place], raw_w[place])
                if amperes[place]
                else 0.0
                for place in range(_PHASES)
            ]
        )
        alarms = self._watch.follow(reading.currents_a, reading.voltages_v, watts)
        return replace(reading, real_powers_w=self._watch.upright(watts), alarms=alarms)

    def _raw_powers(self) -> list[float]:
        scales = [0.0] * _PHASES
        for current in self._currents.values():
            for voltage in self._voltages.values():
                if voltage.phase == current.phase:
                    scales[current.phase] = current.scale * voltage.scale
        return [
            products.finish() * scale
            for products, scale in zip(self._products, scales, strict=True)
        ]


def _inputs(channels: MeterChannels) -> dict[Channel, _Input]:
    signs = [-1 if invert else 1 for invert in channels.invert]
    signs += [1] * (len(channels.adc_channels) - len(signs))
    return {
        channel: _Input(phase, channels.scale, signs[phase])
        for phase, channel in enumerate(channels.adc_channels)
    }


def _by_phase(inputs: Mapping[Channel, _Input]) -> list[float]:
    values = [0.0] * _PHASES
    for one in inputs.values():
        values[one.phase] = one.finish()
    return values


def _above(floor: float, value: float) -> float:
    return value if value >= floor else 0.0


def _watts(phase: PhaseCorrection, amperes: float, volts: float, watts: float) -> float:
    """Correct a power by what its current and its voltage were corrected by."""
    if not amperes or not volts:
        return watts
    return watts * (phase.amperes(amperes) / amperes) * (phase.volts(volts) / volts)


def _trio(values: Sequence[float]) -> Trio:
    return (values[0], values[1], values[2])
