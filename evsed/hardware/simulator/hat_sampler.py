"""Pilot windows, meter and proximity taken from the circuit, in virtual time."""

import time
from collections.abc import Sequence
from typing import Final

from evsed.board.description import Channel
from evsed.errors import HardwareError
from evsed.hardware.interfaces import MeterReading, ProximityReading, SampleWindow
from evsed.hardware.meter_correction import MeterCorrection
from evsed.hardware.metering import ChannelSamples, Metering
from evsed.hardware.simulator.circuit import Circuit
from evsed.middle import median_low

SPACING_US = 43  # Source: board.md section 7.4
_STEADY_READINGS = 8  # Source: board.md section 7.5
_STEADY_PERIOD_US = 20_000
_METER_SPACING_US = 416
_PROXIMITY_READINGS = 16  # Source: charging.md section 12.2
_PROXIMITY_PERIOD_US = 50_000
#: windows further back than this are given up, as a driver's queue would
_BACKLOG_US = 150_000
_LOOK_S: Final = 0.002


class InputReader:
    """Converter inputs as millivolts."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit

    def readings_mv(
        self, channel: Channel, count: int, start_us: int, spacing_us: int = SPACING_US
    ) -> list[float]:
        """Return evenly spaced readings of one input."""
        adc = self._circuit.board.adcs[channel.adc]
        raw = self._circuit.sample_batch(
            channel.adc, [channel.channel] * count, start_us, spacing_us
        )
        scale, offset = adc.vref_mv / (1 << adc.bits) * adc.gain, adc.offset_mv
        return [value * scale + offset for value in raw]

    def median_mv(self, channel: Channel, count: int = _PROXIMITY_READINGS) -> int:
        """Return the median of a few readings taken just now."""
        start_us = self._circuit.now_us - count * SPACING_US
        return round(median_low(self.readings_mv(channel, count, start_us)))


class SimulatedSampler:
    """A ``Sampler`` that also keeps the newest meter reading."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._reader = InputReader(circuit)
        board = circuit.board
        self._window_us = board.pilot.window_ms * 1000
        self._metering = Metering(board.energy_meter) if board.energy_meter else None
        self._full = False
        self._next_full = False
        self._start_us = circuit.now_us
        self._finished: list[SampleWindow] = []
        self.meter_reading: MeterReading | None = None

    def expect(self, *, square_wave: bool, energized: bool) -> None:
        """Take full windows from now on, or short ones after the present window."""
        self.catch_up()
        self._next_full = square_wave or energized
        if self._next_full and not self._full:
            self._full = True
            self._start_us = self._circuit.now_us

    def take_windows(self) -> Sequence[SampleWindow]:
        """Return what has finished since the last call."""
        if self._circuit.controls.adc_dead:
            adc = self._circuit.board.adcs[self._circuit.board.pilot.adc_channel.adc]
            raise HardwareError(f"converter {adc.name} on SPI {adc.bus}.{adc.cs}: no answer")
        self.catch_up()
        finished, self._finished = self._finished, []
        return finished

    def wait(self, seconds: float) -> None:
        """Sleep a moment: windows are made when somebody asks for them."""
        time.sleep(min(seconds, _LOOK_S))

    def correct(self, correction: MeterCorrection) -> None:
        """Have the meter's readings corrected from now on."""
        if self._metering is not None:
            self._metering.correction = correction

    def catch_up(self) -> None:
        """Take every window that has ended by now."""
        now_us = self._circuit.now_us
        if self._circuit.controls.adc_dead:
            self._start_us = now_us
            return
        self._start_us = max(self._start_us, now_us - _BACKLOG_US)
        while self._ended_us() <= now_us:
            self._take()

    def _ended_us(self) -> int:
        length = self._window_us if self._full else _STEADY_READINGS * SPACING_US
        return self._start_us + length

    def _take(self) -> None:
        start_us, ended_us = self._start_us, self._ended_us()
        count = self._window_us // SPACING_US if self._full else _STEADY_READINGS
        channel = self._circuit.board.pilot.adc_channel
        readings = self._reader.readings_mv(channel, count, start_us)
        ended_ms = -(-ended_us // 1000)
        whole = [round(reading) for reading in readings]
        self._finished.append(SampleWindow(start_us // 1000, ended_ms, whole))
        if self._full:
            self._meter(start_us, ended_ms)
        self._start_us = ended_us if self._full else start_us + _STEADY_PERIOD_US
        self._full = self._next_full

    def _meter(self, start_us: int, ended_ms: int) -> None:
        if self._metering is None:
            return
        count = self._window_us // _METER_SPACING_US
        window = {
            channel: ChannelSamples(
                start_us,
                _METER_SPACING_US,
                self._reader.readings_mv(channel, count, start_us, _METER_SPACING_US),
            )
            for channel in self._metering.channels
        }
        reading = self._metering.feed(window, ended_ms=ended_ms)
        self.meter_reading = reading or self.meter_reading


class SimulatedMeter:
    """A ``Meter``: what the sampler measured."""

    def __init__(self, sampler: SimulatedSampler) -> None:
        self._sampler = sampler

    def read(self) -> MeterReading | None:
        """Return the newest reading."""
        self._sampler.catch_up()
        return self._sampler.meter_reading

    def correct(self, correction: MeterCorrection) -> None:
        """Use what a calibration has found."""
        self._sampler.correct(correction)


class SimulatedProximity:
    """A ``Proximity``."""

    def __init__(self, circuit: Circuit, channel: Channel) -> None:
        self._circuit = circuit
        self._channel = channel
        self._reader = InputReader(circuit)
        self._reading: ProximityReading | None = None
        self._due_us = circuit.now_us + _PROXIMITY_READINGS * SPACING_US

    def read(self) -> ProximityReading | None:
        """Return the newest reading."""
        now_us = self._circuit.now_us
        if now_us >= self._due_us and not self._circuit.controls.adc_dead:
            self._due_us = now_us + _PROXIMITY_PERIOD_US
            mv = self._reader.median_mv(self._channel)
            self._reading = ProximityReading(now_us // 1000, mv)
        return self._reading
