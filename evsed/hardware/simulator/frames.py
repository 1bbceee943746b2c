"""Bytes on the SPI bus: the frames of the MCP3004/3008 and MCP3204/3208. Pure but for the circuit.

Source: board.md section 7.2.
"""

from collections.abc import Sequence
from functools import lru_cache

from evsed.board.description import Adc
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.spi_wire import FRAME

#: clocks from the start bit to the null bit: mode, three address bits, sampling
_NULL_BIT = 6
_FLOATING = 0xFF
#: a channel that is not asked for
NO_CHANNEL = -1


@lru_cache(maxsize=64)
def asked(tx: bytes, bits: int, channels: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return which input each 3-byte frame asks for, and by how much its result is shifted.

    A frame without a start bit, or too short for a result, asks for no channel.
    """
    frames = [tx[place : place + FRAME] for place in range(0, len(tx), FRAME)]
    read = [_read(int.from_bytes(frame, "big"), 8 * len(frame), bits) for frame in frames]
    inputs = tuple(channel % channels if channel >= 0 else NO_CHANNEL for channel, _ in read)
    return inputs, tuple(shift for _, shift in read)


def _read(word: int, length: int, bits: int) -> tuple[int, int]:
    start = word.bit_length() - 1
    shift = start - _NULL_BIT - bits
    if start < 0 or shift < 0 or length < 8 * FRAME:
        return NO_CHANNEL, 0
    return word >> (start - 4) & 7, shift


def answers(raw: Sequence[int], shifts: Sequence[int]) -> bytes:
    """Return what the converter sends back for these readings."""
    return b"".join(
        [(value << shift).to_bytes(FRAME, "big") for value, shift in zip(raw, shifts, strict=True)]
    )


def find_adc(circuit: Circuit, bus: int, cs: int) -> tuple[int, Adc] | None:
    """Return the converter on a chip select, and its place on the board."""
    for place, adc in enumerate(circuit.board.adcs):
        if (adc.bus, adc.cs) == (bus, cs):
            return place, adc
    return None


def exchange_at(circuit: Circuit, bus: int, cs: int, tx: bytes, times_us: Sequence[int]) -> bytes:
    """Return the answer to frames of 3 bytes, one conversion at each of these rising moments."""
    found = find_adc(circuit, bus, cs)
    if found is None or circuit.controls.adc_dead:
        return bytes([_FLOATING]) * len(tx)
    place, adc = found
    channels, shifts = asked(tx, adc.bits, adc.channels)
    if NO_CHANNEL in channels:
        return bytes(len(tx))
    return answers(circuit.sample_at(place, channels, times_us), shifts)


def spi_exchange(circuit: Circuit, bus: int, cs: int, tx: bytes) -> bytes:
    """Return the answer to one transfer now: one frame, whatever follows it is zeros."""
    answer = exchange_at(circuit, bus, cs, tx[:FRAME], [circuit.now_us])
    return answer.ljust(len(tx), b"\0")
