"""Collects the meter's readings turn by turn and gives them to the arithmetic in good pieces. Pure.

A batch that fills a window holds whole rounds over about one half-wave of the mains, and goes on
as it is. Short turns bring one reading of each channel and are held until there are enough.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from evsed.board.description import Channel, EnergyMeter
from evsed.hardware.interfaces import MeterReading
from evsed.hardware.metering import ChannelSamples, Metering
from evsed.hardware.pi.sampling_plan import Plan

_HELD_US: Final = 20_000
#: share of a turn that may be missing between two turns that are held together
_GAP: Final = 0.75
#: a conversion never takes less than the bus needs, but a thread may be late to see its end: the
#: estimate falls at once and rises slowly
_RISE: Final = 0.01

#: begin and end of one exchange, us
Exchange = tuple[int, int]


class MeterFeed:
    """Belongs to the sampler's thread; only ``newest`` is read by others."""

    def __init__(self, meter: EnergyMeter) -> None:
        self.metering = Metering(meter)
        self.newest: MeterReading | None = None
        self.channels = self.metering.channels
        self._slot_us: float | None = None
        self._held: dict[Channel, list[float]] = {}
        self._turns = 0
        self._began: list[int] = []
        self._ended_us = 0

    def add(
        self,
        plan: Plan,
        readings: Mapping[Channel, Sequence[float]],
        exchanges: Sequence[Exchange],
    ) -> None:
        """Take the readings of one turn of a plan.

        Args:
            plan: what was converted in which order.
            readings: of each channel, in mV.
            exchanges: when each batch of the plan was done.
        """
        self._follow_slot(plan, exchanges)
        started_us, ended_us = exchanges[0][0], exchanges[-1][1]
        if self._turns and started_us - self._ended_us > (ended_us - started_us) * _GAP:
            self._feed(plan)
        if not self._turns:
            self._began = [began_us for began_us, _ in exchanges]
        for channel, values in readings.items():
            self._held.setdefault(channel, []).extend(values)
        self._turns += 1
        self._ended_us = ended_us
        if len(plan.batches) == 1 or ended_us - self._began[0] >= _HELD_US:
            self._feed(plan)

    def _follow_slot(self, plan: Plan, exchanges: Sequence[Exchange]) -> None:
        """Follow what one conversion takes, by the longest batch."""
        counts = [len(batch.channels) for batch in plan.batches]
        longest = counts.index(max(counts))
        began_us, ended_us = exchanges[longest]
        slot_us = (ended_us - began_us) / counts[longest]
        known_us = self._slot_us
        if known_us is None or slot_us < known_us:
            self._slot_us = slot_us
        else:
            self._slot_us = known_us + (slot_us - known_us) * _RISE

    def _feed(self, plan: Plan) -> None:
        turn_us = (self._ended_us - self._began[0]) / self._turns
        window = {
            channel: self._samples(plan, channel, values, turn_us)
            for channel, values in self._held.items()
        }
        self._held, self._turns = {}, 0
        reading = self.metering.feed(window, ended_ms=self._ended_us // 1000)
        if reading is not None:
            self.newest = reading

    def _samples(
        self, plan: Plan, channel: Channel, values: Sequence[float], turn_us: float
    ) -> ChannelSamples:
        slot_us = self._slot_us or 0.0
        batch, place = plan.batch_places[channel]
        spacing_us = turn_us if len(plan.batches) > 1 else plan.places[channel][1] * slot_us
        return ChannelSamples(self._began[batch] + place * slot_us, spacing_us, values)
