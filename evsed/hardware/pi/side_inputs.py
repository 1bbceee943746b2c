"""Proximity contact and analog inputs: read between pilot windows, where that disturbs least."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from evsed.board.description import Board, Channel
from evsed.hardware.interfaces import ProximityReading
from evsed.hardware.pi.adc import Decoder
from evsed.hardware.pi.sampling_plan import Batch, extra_batches

#: every 100 ms, as ``Proximity`` promises, with the longest delay below it, or the sampler's pause
_PERIOD_US: Final = 70_000
#: for so long after the pilot has moved, as it does when a vehicle comes, it is read more often
_SOON_PERIOD_US: Final = 30_000
_SOON_US: Final = 3_000_000
_LONGEST_DELAY_US: Final = 25_000


class SideInputs:
    """Belongs to the sampler's thread; ``proximity`` and ``analog_mv`` are read by others.

    Args:
        board: says what there is.
        decoders: of its converters, in their order.
        convert: does one batch; raises ``HardwareError``.
    """

    def __init__(
        self,
        board: Board,
        decoders: Sequence[Decoder],
        convert: Callable[[Batch], Sequence[int]],
    ) -> None:
        self._board, self._decoders, self._convert = board, decoders, convert
        self.batches = extra_batches(board)
        self._began_us = -_PERIOD_US
        #: what is still to be read of the present round, and what has been
        self._left: list[Batch] = []
        self._taken: dict[Channel, list[int]] = {}
        #: newest readings, replaced whole
        self.proximity: ProximityReading | None = None
        self.analog_mv: Mapping[str, int] = {}

    def read_all(self, now_us: int, moved_us: int) -> None:
        """Read what is due: the pilot does not swing, nobody waits for its next window.

        Args:
            now_us: the time.
            moved_us: when the pilot last changed.
        """
        soon = now_us - moved_us < _SOON_US
        if self._begin(now_us, _SOON_PERIOD_US if soon else _PERIOD_US):
            while self._left:
                self._read_one(now_us)

    def read_some(self, now_us: int, moved_us: int) -> None:
        """Read one converter, if that is due and the pilot is steady.

        A pilot that has just moved is being judged by somebody who waits for its next readings.

        Args:
            now_us: the time.
            moved_us: when the pilot last changed.
        """
        if not self._begin(now_us, _PERIOD_US):
            return
        steady = now_us - moved_us > _LONGEST_DELAY_US
        if steady or now_us > self._began_us + _LONGEST_DELAY_US:
            self._read_one(now_us)

    def _begin(self, now_us: int, period_us: int) -> bool:
        """Begin a round when one is due; return whether there is something left to read."""
        if not self._left and now_us >= self._began_us + period_us:
            self._began_us = now_us
            self._left, self._taken = list(self.batches), {}
        return bool(self._left)

    def _read_one(self, now_us: int) -> None:
        batch = self._left[0]
        words = self._convert(batch)
        decoder = self._decoders[batch.adc]
        for channel in dict.fromkeys(batch.channels):
            mine = batch.pick[channel](words)
            self._taken[Channel(batch.adc, channel)] = decoder.whole_millivolts(mine)
        del self._left[0]
        if not self._left:
            self._publish(now_us // 1000)

    def _publish(self, now_ms: int) -> None:
        board, taken = self._board, self._taken
        if board.proximity is not None:
            median = round(statistics.median(taken[board.proximity.adc_channel]))
            self.proximity = ProximityReading(now_ms, median)
        self.analog_mv = {line.name: taken[line.adc_channel][0] for line in board.aux.analog_inputs}
