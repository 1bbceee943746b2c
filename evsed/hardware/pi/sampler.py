"""The thread that reads the converters: control pilot windows, meter, proximity, analog inputs."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from evsed.board.description import Adc, Board
from evsed.errors import HardwareError
from evsed.hardware.interfaces import MeterReading, ProximityReading, SampleWindow
from evsed.hardware.meter_correction import MeterCorrection
from evsed.hardware.pi.adc import Decoder
from evsed.hardware.pi.meter_feed import Exchange, MeterFeed
from evsed.hardware.pi.meter_sums import MeterSums, Turn
from evsed.hardware.pi.pilot_halves import Half, PilotHalves
from evsed.hardware.pi.sampling_plan import (
    FEWEST_READINGS,
    TYPICAL_SPACING_US,
    Batch,
    Plan,
    direct_plan,
    full_plan,
    halves,
)
from evsed.hardware.pi.side_inputs import SideInputs
from evsed.hardware.pi.spi_port import SpiPort
from evsed.hardware.pi.worker import Worker
from evsed.hardware.real_time import SAMPLER, ask_real_time

_PAUSE_S: Final = 0.020
_MOST_WINDOWS: Final = 16
_JOIN_S: Final = 2.0
#: a plan is made anew when conversions take this much more or less than it assumes
_MISFIT: Final = 0.08
_SMOOTHING: Final = 0.05
_FIT_HALVES: Final = 100
#: the extremes of the pilot differ by this much from those of the half before: it has moved.
#: Steps between its plateaus are twice as high and more.
_MOVED_MV: Final = 150


class SpiSampler:
    """A ``Sampler``; also the source of meter, proximity and analog readings.

    Raises:
        HardwareError: a converter cannot be opened.
    """

    def __init__(self, board: Board, open_spi: Callable[[Adc], SpiPort]) -> None:
        if board.pilot.adc_channel_low is not None:
            raise HardwareError("control pilot: peak detectors (adcChannelLow) are not supported")
        self._board = board
        #: the meter's readings; None on a board without
        self.meter = MeterFeed(board.energy_meter) if board.energy_meter else None
        self._decoders = [Decoder(adc) for adc in board.adcs]
        self._direct = direct_plan(board)
        self._full = self._planned(TYPICAL_SPACING_US)
        #: which half of a window is next
        self._next = 0
        self._halves = PilotHalves()
        #: lowest and highest reading of the half before, and when they last changed
        self._extremes = (0, 0)
        self._moved_us = 0
        self._side = SideInputs(board, self._decoders, self._convert)
        #: begin and end of the newest exchange
        self._exchanged: Exchange = (0, 0)
        #: what a conversion takes, and what the plan assumes
        self._spacing_us = TYPICAL_SPACING_US
        self._planned_us = TYPICAL_SPACING_US
        self._fitted = 0
        self._told: Callable[[], None] = _nothing
        self._windows: deque[SampleWindow] = deque(maxlen=_MOST_WINDOWS)
        self._failure = ""
        self._swinging = self._energized = False
        self._stopping = False
        self._ports = self._open(open_spi)
        self._sums = None if self.meter is None else MeterSums(self.meter, self._decoders)
        self._thread = Worker(self._run, "evsed-sampler")
        self._thread.start()

    def expect(self, *, square_wave: bool, energized: bool) -> None:
        """Say what the next windows are for."""
        self._energized = energized
        self._swinging = square_wave or energized

    def on_window(self, action: Callable[[], None]) -> bool:
        """Call ``action`` after every full window."""
        self._told = action
        return True

    @property
    def proximity(self) -> ProximityReading | None:
        """The newest reading of the proximity contact; None before the first."""
        return self._side.proximity

    @property
    def analog_mv(self) -> Mapping[str, int]:
        """The newest readings of the analog inputs by name."""
        return self._side.analog_mv

    def take_windows(self) -> Sequence[SampleWindow]:
        """Return the windows finished since the last call, oldest first; does not wait."""
        if self._failure:
            raise HardwareError(self._failure)
        if self._thread.ended or (self._sums is not None and self._sums.ended):
            raise RuntimeError("converters: the sampler thread has ended")  # nobody restarts it
        taken = []
        while self._windows:
            taken.append(self._windows.popleft())
        return taken

    def close(self) -> None:
        """Stop the thread and close the converters."""
        self._stopping = True
        self._thread.join(_JOIN_S)
        if self._sums is not None:
            self._sums.close()
        for port in self._ports.values():
            port.close()

    def _open(self, open_spi: Callable[[Adc], SpiPort]) -> dict[int, SpiPort]:
        batches = (*self._full[0].batches, *self._side.batches)
        ports: dict[int, SpiPort] = {}
        try:
            for number in sorted({batch.adc for batch in batches}):
                ports[number] = open_spi(self._board.adcs[number])
        except HardwareError:
            for port in ports.values():
                port.close()
            raise
        return ports

    def _run(self) -> None:
        ask_real_time(SAMPLER)
        while not self._stopping:
            swinging = self._swinging
            try:
                if swinging:
                    self._take_half_window()
                    self._side.read_some(_now_us(), self._moved_us)
                else:
                    self._halves.forget()
                    self._take_direct_window()
                    self._side.read_all(_now_us(), self._moved_us)
                self._failure = ""
            except HardwareError as error:
                self._failure = str(error)
                self._halves.forget()
                swinging = False
            if not swinging:
                time.sleep(_PAUSE_S)

    def _take_direct_window(self) -> None:
        started_us = _now_us()
        batch = self._direct.batches[0]
        readings = self._pilot(batch, self._convert(batch))
        ended_us = self._exchanged[1]
        self._windows.append(SampleWindow(started_us // 1000, ended_us // 1000, readings))
        self._note_movement(readings, ended_us)

    def _take_half_window(self) -> None:
        plan = self._full[self._next]
        self._next ^= 1
        fewest = 1 if plan.round_slots else FEWEST_READINGS // 2
        started_us = ended_us = _now_us()
        pilot: list[int] = []
        turns: list[Turn] = []
        while ended_us - started_us < plan.window_us or len(pilot) < fewest:
            answers, exchanges = [], []
            for batch in plan.batches:
                answers.append(self._convert(batch))
                exchanges.append(self._exchanged)
            ended_us = self._exchanged[1]
            pilot += self._pilot(plan.batches[0], answers[0])
            turns.append(Turn(answers, exchanges))
        self._join(Half(started_us, ended_us, pilot))
        if self._sums is not None:
            self._sums.give(plan, turns)
        if plan.round_slots:
            self._fit((ended_us - started_us) / plan.slots - plan.delay_us)

    def _join(self, half: Half) -> None:
        """Publish the window that is complete with this half."""
        window = self._halves.add(half, overlapping=self._energized)
        if window is not None:
            self._windows.append(window)
            self._told()
        self._note_movement(half.readings_mv, half.ended_us)

    def _note_movement(self, readings_mv: Sequence[int], ended_us: int) -> None:
        low, high = self._extremes
        self._extremes = min(readings_mv), max(readings_mv)
        if abs(self._extremes[0] - low) > _MOVED_MV or abs(self._extremes[1] - high) > _MOVED_MV:
            self._moved_us = ended_us

    def _convert(self, batch: Batch) -> tuple[int, ...]:
        """Do one batch.

        Raises:
            HardwareError: the bus failed or no converter answers.
        """
        adc = self._board.adcs[batch.adc]
        began_us = _now_us()
        try:
            self._ports[batch.adc].exchange(batch.request, batch.records)
            self._exchanged = (began_us, _now_us())
        except OSError as error:
            raise HardwareError(
                f"converter {adc.name} on SPI {adc.bus}.{adc.cs}: {error}"
            ) from error
        words = batch.words()
        if not self._decoders[batch.adc].answers(words):
            raise HardwareError(f"converter {adc.name} on SPI {adc.bus}.{adc.cs} does not answer")
        return words

    def _pilot(self, batch: Batch, words: Sequence[int]) -> list[int]:
        """Return the pilot's readings of a batch of its converter."""
        own = self._board.pilot.adc_channel
        decoder = self._decoders[own.adc]
        mine = batch.pick[own.channel](words)
        if decoder.silent(mine):  # a pilot at -12 V still reads well above 0
            adc = self._board.adcs[own.adc]
            raise HardwareError(
                f"converter {adc.name} on SPI {adc.bus}.{adc.cs}: control pilot reads nothing but 0"
            )
        return decoder.whole_millivolts(mine)

    def _fit(self, spacing_us: float) -> None:
        """Follow what a conversion really takes, and make a new plan when the old one misfits."""
        self._spacing_us += (spacing_us - self._spacing_us) * _SMOOTHING
        self._fitted += 1
        if self._fitted < _FIT_HALVES:
            return
        self._fitted = 0
        if abs(self._spacing_us / self._planned_us - 1) > _MISFIT:
            self._planned_us = self._spacing_us
            self._full = self._planned(self._spacing_us)

    def _planned(self, spacing_us: float) -> tuple[Plan, Plan]:
        """Return how the halves of a full window are taken."""
        meter = self.meter.channels if self.meter else ()
        return halves(self._board, full_plan(self._board, meter, spacing_us))


class SampledMeter:
    """A ``Meter`` whose readings the sampler takes."""

    def __init__(self, feed: MeterFeed) -> None:
        self._feed = feed

    def read(self) -> MeterReading | None:
        """Return the newest reading; None before the first."""
        return self._feed.newest

    def correct(self, correction: MeterCorrection) -> None:
        """Use what a calibration has found."""
        self._feed.metering.correction = correction


class SampledProximity:
    """A ``Proximity`` whose readings the sampler takes."""

    def __init__(self, sampler: SpiSampler) -> None:
        self._sampler = sampler

    def read(self) -> ProximityReading | None:
        """Return the newest reading; None before the first."""
        return self._sampler.proximity


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def _nothing() -> None:
    """Do nothing: nobody waits for windows yet."""
