"""The thread that reads the converters: control pilot windows, meter, proximity, analog inputs.

A window that differs from the one before may be the first of the two that open the contactor: then
the next one comes first, and everything else waits (decision 48).
"""

import contextlib
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from evsed.board.description import Adc, Board, Channel
from evsed.errors import HardwareError
from evsed.hardware.interfaces import MeterReading, ProximityReading, SampleWindow
from evsed.hardware.meter_correction import MeterCorrection
from evsed.hardware.pi.adc import Decoder
from evsed.hardware.pi.meter_feed import Exchange, MeterFeed
from evsed.hardware.pi.pilot_changes import PilotChanges
from evsed.hardware.pi.sampling_plan import (
    FEWEST_READINGS,
    TYPICAL_SPACING_US,
    Batch,
    Plan,
    direct_plan,
    extra_batches,
    full_plan,
)
from evsed.hardware.pi.spi_port import SpiPort
from evsed.hardware.real_time import SAMPLER, ask_real_time
from evsed.middle import median

_PAUSE_S: Final = 0.020
_IDLE_EXTRAS_US: Final = 30_000
_BUSY_EXTRAS_US: Final = 100_000
_MOST_WINDOWS: Final = 16
_JOIN_S: Final = 2.0
#: a plan is made anew when conversions take this much more or less than it assumes
_MISFIT: Final = 0.08
_SMOOTHING: Final = 0.05
_FIT_WINDOWS: Final = 50
#: so many are worked off between two windows
_WORKED_OFF: Final = 2


class _Owed(NamedTuple):
    """What the meter's arithmetic has not been given yet."""

    plan: Plan
    taken: Sequence[Sequence[int]]
    exchanges: Sequence[Exchange]


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
        self._meter_channels = self.meter.channels if self.meter else ()
        self._decoders = [Decoder(adc) for adc in board.adcs]
        self._direct = direct_plan(board)
        self._full = full_plan(board, self._meter_channels)
        self._extras = extra_batches(board)
        self._extras_due_us = 0
        #: the round of extras that is going on: what is still to be asked, and what was answered
        self._extras_left: deque[Batch] = deque()
        self._extras_taken: dict[Channel, list[int]] = {}
        #: begin and end of the newest exchange
        self._exchanged: Exchange = (0, 0)
        #: what a conversion takes, and what the plan assumes
        self._spacing_us = TYPICAL_SPACING_US
        self._planned_us = TYPICAL_SPACING_US
        self._fitted = 0
        #: newest readings, replaced whole
        self.proximity: ProximityReading | None = None
        self.analog_mv: Mapping[str, int] = {}
        self._windows: deque[SampleWindow] = deque(maxlen=_MOST_WINDOWS)
        self._owed: deque[_Owed] = deque()
        self._changes = PilotChanges()
        self._failure = ""
        self._swinging = False
        self._stopping = False
        self._ports = self._open(open_spi)
        #: wakes whoever waits for a window
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._listening = select.poll()
        self._listening.register(self._bell, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name="evsed-sampler", daemon=True)
        self._thread.start()

    def expect(self, *, square_wave: bool, energized: bool) -> None:
        """Say what the next windows are for."""
        self._swinging = square_wave or energized

    def take_windows(self) -> Sequence[SampleWindow]:
        """Return the windows finished since the last call, oldest first; does not wait."""
        if self._failure:
            raise HardwareError(self._failure)
        if not self._thread.is_alive():
            raise RuntimeError("converters: the sampler thread has ended")  # nobody restarts it
        taken = []
        while self._windows:
            taken.append(self._windows.popleft())
        return taken

    def wait(self, seconds: float) -> None:
        """Wait until a window has finished, or there will be none; at most so long.

        A long wait may end up to a millisecond early.
        """
        # not select(), which takes no numbers of files above 1023
        whole_ms = int(seconds * 1000)
        if not whole_ms:
            time.sleep(seconds)
        elif self._listening.poll(whole_ms):
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._bell)

    def close(self) -> None:
        """Stop the thread and close the converters."""
        self._stopping = True
        self._thread.join(_JOIN_S)
        for port in self._ports.values():
            port.close()
        if not self._thread.is_alive():
            os.close(self._bell)

    def _open(self, open_spi: Callable[[Adc], SpiPort]) -> dict[int, SpiPort]:
        batches = (*self._full.batches, *self._extras)
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
        try:
            while not self._stopping:
                if not self._turn():
                    time.sleep(_PAUSE_S)
        finally:
            os.eventfd_write(self._bell, 1)

    def _turn(self) -> bool:
        """Take one window, and do what there is time for; return whether there is no rest."""
        swinging = self._swinging
        try:
            if swinging:
                self._take_full_window()
            else:
                self._take_direct_window()
            if not swinging or self._changes.calm:
                self._work_off()
                self._take_extra(_BUSY_EXTRAS_US if swinging else _IDLE_EXTRAS_US)
            self._failure = ""
        except HardwareError as error:
            self._failure = str(error)
            os.eventfd_write(self._bell, 1)
            return False
        return swinging

    def _take_direct_window(self) -> None:
        started_us = _now_us()
        batch = self._direct.batches[0]
        words = self._pilot(batch, self._convert(batch))
        self._publish(started_us, _now_us(), words)

    def _take_full_window(self) -> None:
        plan = self._full
        started_us = _now_us()
        ended_us = started_us
        pilot: list[int] = []
        taken: list[tuple[int, ...]] = []
        exchanges: list[Exchange] = []
        while ended_us - started_us < plan.window_us or len(pilot) < FEWEST_READINGS:
            taken, exchanges = [], []
            for batch in plan.batches:
                taken.append(self._convert(batch))
                exchanges.append(self._exchanged)
            ended_us = self._exchanged[1]
            pilot += self._pilot(plan.batches[0], taken[0])
            if len(plan.batches) > 1:
                self._feed_meter(plan, taken, exchanges)
        self._publish(started_us, ended_us, pilot)
        self._changes.see(pilot)
        if len(plan.batches) == 1:
            self._owed.append(_Owed(plan, taken, exchanges))
            self._fit((ended_us - started_us) / plan.slots)

    def _work_off(self) -> None:
        """Give the meter what has waited, the oldest first."""
        for _ in range(min(len(self._owed), _WORKED_OFF)):
            self._feed_meter(*self._owed.popleft())
        if not self._owed:
            self._changes.caught_up()

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

    def _feed_meter(
        self, plan: Plan, taken: Sequence[Sequence[int]], exchanges: Sequence[Exchange]
    ) -> None:
        if self.meter is None:
            return
        readings = {
            channel: self._decoders[channel.adc].millivolts(batch.pick[channel.channel](words))
            for batch, words in zip(plan.batches, taken, strict=True)
            for channel in self._meter_channels
            if channel.adc == batch.adc
        }
        self.meter.add(plan, readings, exchanges)

    def _publish(self, started_us: int, ended_us: int, readings_mv: Sequence[int]) -> None:
        self._windows.append(SampleWindow(started_us // 1000, ended_us // 1000, readings_mv))
        os.eventfd_write(self._bell, 1)

    def _fit(self, measured_us: float) -> None:
        """Follow what a conversion really takes, and make a new plan when the old one misfits."""
        plan = self._full
        spacing_us = measured_us - plan.delay_us
        self._spacing_us += (spacing_us - self._spacing_us) * _SMOOTHING
        self._fitted += 1
        if self._fitted < _FIT_WINDOWS:
            return
        self._fitted = 0
        if abs(self._spacing_us / self._planned_us - 1) > _MISFIT:
            self._planned_us = self._spacing_us
            self._full = full_plan(self._board, self._meter_channels, self._spacing_us)

    def _take_extra(self, period_us: int) -> None:
        """Ask one converter for proximity and analog inputs; the answers count when all are in."""
        now_us = _now_us()
        if not self._extras_left:
            if now_us < self._extras_due_us or not self._extras:
                return
            self._extras_due_us = now_us + period_us
            self._extras_left.extend(self._extras)
            self._extras_taken = {}
        batch = self._extras_left[0]
        words, decoder = self._convert(batch), self._decoders[batch.adc]
        self._extras_left.popleft()  # a converter that fails is asked again
        for channel in dict.fromkeys(batch.channels):
            readings_mv = decoder.whole_millivolts(batch.pick[channel](words))
            self._extras_taken[Channel(batch.adc, channel)] = readings_mv
        if not self._extras_left:
            self._publish_extras(self._extras_taken, _now_us() // 1000)

    def _publish_extras(self, taken: Mapping[Channel, list[int]], now_ms: int) -> None:
        board = self._board
        if board.proximity is not None:
            middle_mv = round(median(taken[board.proximity.adc_channel]))
            self.proximity = ProximityReading(now_ms, middle_mv)
        self.analog_mv = {line.name: taken[line.adc_channel][0] for line in board.aux.analog_inputs}


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
