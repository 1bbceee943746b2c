"""The meter's arithmetic on a thread of its own, so that the converters never wait for it."""

from collections.abc import Sequence
from queue import SimpleQueue
from typing import Final, NamedTuple

from evsed.hardware.pi.adc import Decoder
from evsed.hardware.pi.meter_feed import Exchange, MeterFeed
from evsed.hardware.pi.sampling_plan import Plan
from evsed.hardware.pi.worker import Worker
from evsed.hardware.real_time import SUMS, ask_real_time

#: Pieces that may wait, a quarter of a second of them; what comes on top is left out, as a pause.
_MOST: Final = 48
_JOIN_S: Final = 2.0


class Turn(NamedTuple):
    """One turn of a plan: the answers of each batch, and when each was done."""

    answers: Sequence[Sequence[int]]
    exchanges: Sequence[Exchange]


class MeterSums:
    """Feeds turns to the meter's arithmetic.

    Args:
        feed: from now on the thread's.
        decoders: of the board's converters, in their order.
    """

    def __init__(self, feed: MeterFeed, decoders: Sequence[Decoder]) -> None:
        self._feed, self._decoders = feed, decoders
        self._waiting: SimpleQueue[tuple[Plan, Sequence[Turn]] | None] = SimpleQueue()
        self._thread = Worker(self._run, "evsed-sums")
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the thread has ended."""
        return self._thread.ended

    def give(self, plan: Plan, turns: Sequence[Turn]) -> None:
        """Leave turns of a plan; returns at once."""
        if self._waiting.qsize() < _MOST:
            self._waiting.put((plan, turns))

    def close(self) -> None:
        """End the thread."""
        self._waiting.put(None)
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        ask_real_time(SUMS)
        while (given := self._waiting.get()) is not None:
            plan, turns = given
            for turn in turns:
                self._add(plan, turn)

    def _add(self, plan: Plan, turn: Turn) -> None:
        readings = {
            channel: self._decoders[channel.adc].millivolts(batch.pick[channel.channel](words))
            for batch, words in zip(plan.batches, turn.answers, strict=True)
            for channel in self._feed.channels
            if channel.adc == batch.adc
        }
        self._feed.add(plan, readings, turn.exchanges)
