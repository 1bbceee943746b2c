"""Collects the meter's readings turn by turn and gives them to the arithmetic in good pieces. Pure.

A batch that fills a window holds whole rounds over about one half-wave of the mains, and goes on
as it is. Short turns are held until two whole mains periods are in: a part of a period too much
or too little would be an error of some percent.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from evsed.board.description import Channel, EnergyMeter
from evsed.hardware.interfaces import MeterReading
from evsed.hardware.metering import ChannelSamples, Metering
from evsed.hardware.pi.sampling_plan import Plan

_PERIODS: Final = 2
#: share of a turn that may be missing between two turns
_GAP: Final = 0.75


class MeterFeed:
    """Belongs to the sampler's thread; only ``newest`` is read by others."""

    def __init__(self, meter: EnergyMeter) -> None:
        self._metering = Metering(meter)
        self._span_us = _PERIODS * 1_000_000 / meter.frequency_hz
        self.newest: MeterReading | None = None
        self.channels = self._metering.channels
        self._held: dict[Channel, list[float]] = {}
        self._turns = 0
        self._began_us = 0
        self._ended_us = 0

    def add(
        self,
        plan: Plan,
        readings: Mapping[Channel, Sequence[float]],
        started_us: int,
        ended_us: int,
    ) -> None:
        """Take the readings of one turn of a plan."""
        if started_us - self._ended_us > (ended_us - started_us) * _GAP:
            self._held, self._turns = {}, 0
        if not self._turns:
            self._began_us = started_us
        for channel, values in readings.items():
            self._held.setdefault(channel, []).extend(values)
        self._turns += 1
        self._ended_us = ended_us
        taken_us = ended_us - self._began_us
        if len(plan.batches) == 1 or taken_us * (1 + 0.5 / self._turns) >= self._span_us:
            self._feed(plan)

    def _feed(self, plan: Plan) -> None:
        slot_us = (self._ended_us - self._began_us) / (plan.slots * self._turns)
        window = {
            channel: ChannelSamples(
                self._began_us + plan.places[channel][0] * slot_us,
                plan.places[channel][1] * slot_us,
                values,
            )
            for channel, values in self._held.items()
        }
        self._held, self._turns = {}, 0
        reading = self._metering.feed(window, ended_ms=self._ended_us // 1000)
        if reading is not None:
            self.newest = reading
