"""Frames of the MCP3004, MCP3008, MCP3204 and MCP3208, and millivolts. Pure.

One conversion is three bytes with the result in the last bits. Source: board.md section 7.2;
MCP3004/3008 data sheet, section 6.1.
"""

from array import array
from collections.abc import Sequence
from typing import Final

from evsed.board.description import Adc

FRAME_BYTES: Final = 3
_SINGLE_ENDED_12: Final = 0x06
_SINGLE_ENDED_10: Final = 0x80


def request_frame(adc: Adc, channel: int) -> bytes:
    """Return the bytes to send for one single-ended conversion."""
    if adc.bits == 10:
        return bytes((0x01, _SINGLE_ENDED_10 | channel << 4, 0))
    return bytes((_SINGLE_ENDED_12 | channel >> 2, (channel & 3) << 6, 0))


class Decoder:
    """Answers of one converter to millivolts; an answer is the 24 bits of a frame as a number."""

    def __init__(self, adc: Adc) -> None:
        steps = 1 << adc.bits
        self._mask = steps - 1
        self._null_bit = steps
        volts_mv = [raw * adc.vref_mv / steps * adc.gain + adc.offset_mv for raw in range(steps)]
        # arrays: a list of 4096 numbers takes four times the memory
        self._mv: Final = array("d", volts_mv)
        self._whole_mv: Final = array("i", map(round, volts_mv))

    def answers(self, words: Sequence[int]) -> bool:
        """Return whether a converter is there: it pulls the bit before the result low."""
        null_bit = self._null_bit
        return not any(word & null_bit for word in words)

    def silent(self, words: Sequence[int]) -> bool:
        """Return whether every result is 0, as it is with a data line held low."""
        mask = self._mask
        return not any(word & mask for word in words)

    def millivolts(self, words: Sequence[int]) -> list[float]:
        """Return the readings, for arithmetic."""
        table, mask = self._mv, self._mask
        return [table[word & mask] for word in words]

    def whole_millivolts(self, words: Sequence[int]) -> list[int]:
        """Return the readings in whole mV."""
        table, mask = self._whole_mv, self._mask
        return [table[word & mask] for word in words]
