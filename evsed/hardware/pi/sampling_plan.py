"""What to convert in which order: prebuilt batches for the sampler.

A converter shared by pilot and meter is asked in a pattern such as ``CP CP I1 CP CP V1``, one
batch per window. Meter channels on other converters are asked between short pilot batches, a
round of all of them each time: the pilot's blind gaps are then a third of a millisecond and walk
through its period, because one round is no divisor of it. Source: board.md sections 7.4 to 7.7.
"""

import bisect
import ctypes
import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from evsed.board.description import Adc, Board, Channel
from evsed.hardware.pi.adc import FRAME_BYTES, request_frame
from evsed.hardware.pi.spi_port import MOST_RECORDS, Records, Transfer, message_request

#: one conversion at 1 MHz with the kernel's pause between chip selects
TYPICAL_SPACING_US: Final = 43.0
#: Source: charging.md section 4.2.
FEWEST_READINGS: Final = 150
DC_READINGS: Final = 8
PROXIMITY_READINGS: Final = 16
_PERIOD_US: Final = 1000.0
#: usable part of the shortest plateau, 10 % duty, and how many readings it must get per window
_PLATEAU_US: Final = 82.0
_FEWEST_HITS: Final = 7
_MOST_DELAY_US: Final = 20
#: pilot readings between two rounds of the meter's own converter
_CHUNK: Final = 20
_STRIDE: Final = 4


class Batch:
    """Conversions of one converter that one ioctl does, with the kernel's records for them."""

    def __init__(self, adc: int, chip: Adc, channels: Sequence[int], delay_us: int = 0) -> None:
        count = len(channels)
        if not 0 < count <= MOST_RECORDS:
            raise ValueError(f"{count} conversions in one batch")
        self.adc = adc
        self.channels = tuple(channels)
        #: picks a channel's answers out of all
        self.pick = {channel: _picker(channels, channel) for channel in set(channels)}
        self.request = message_request(count)
        self._frames = ctypes.create_string_buffer(
            b"".join(request_frame(chip, channel) for channel in channels), count * FRAME_BYTES
        )
        # four bytes apart, so that an answer is one big-endian word
        self._answers = ctypes.create_string_buffer(count * _STRIDE)
        self._unpack = struct.Struct(f">{count}I").unpack
        self.records: Records = (Transfer * count)()
        frames, answers = ctypes.addressof(self._frames), ctypes.addressof(self._answers)
        for number, record in enumerate(self.records):
            record.tx_buf = frames + number * FRAME_BYTES
            record.rx_buf = answers + number * _STRIDE + 1
            record.len = FRAME_BYTES
            record.speed_hz = chip.speed_hz
            record.bits_per_word = 8
            record.delay_usecs = delay_us
            record.cs_change = number < count - 1

    def words(self) -> tuple[int, ...]:
        """Return the answers of the last exchange, 24 bits each."""
        return self._unpack(self._answers)


def _picker(channels: Sequence[int], channel: int) -> Callable[[Sequence[int]], Sequence[int]]:
    places = [place for place, slot in enumerate(channels) if slot == channel]
    return itemgetter(slice(places[0], places[0] + 1)) if len(places) == 1 else itemgetter(*places)


@dataclass(frozen=True, slots=True)
class Plan:
    """One window: these batches in turn, again and again until ``window_us`` have passed."""

    batches: tuple[Batch, ...]
    window_us: float
    delay_us: int = 0
    #: conversions in one turn
    slots: int = field(init=False)
    #: of each channel: its first place in a turn, and how many places on the next one is
    places: Mapping[Channel, tuple[int, int]] = field(init=False)
    #: of each channel: its batch, and its first place in that
    batch_places: Mapping[Channel, tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        slots = [Channel(batch.adc, slot) for batch in self.batches for slot in batch.channels]
        object.__setattr__(self, "slots", len(slots))
        object.__setattr__(self, "places", {slot: _place(slots, slot) for slot in set(slots)})
        batch_places = {
            Channel(batch.adc, slot): (number, batch.channels.index(slot))
            for number, batch in enumerate(self.batches)
            for slot in dict.fromkeys(batch.channels)
        }
        object.__setattr__(self, "batch_places", batch_places)


def _place(slots: Sequence[Channel], channel: Channel) -> tuple[int, int]:
    first = slots.index(channel)
    if slots.count(channel) == 1:
        return first, len(slots)
    return first, slots.index(channel, first + 1) - first


def direct_plan(board: Board) -> Plan:
    """Return the plan for a pilot that does not swing: a few readings."""
    pilot = board.pilot.adc_channel
    chip = board.adcs[pilot.adc]
    return Plan((Batch(pilot.adc, chip, [pilot.channel] * DC_READINGS),), 0.0)


def full_plan(
    board: Board, meter: Sequence[Channel], spacing_us: float = TYPICAL_SPACING_US
) -> Plan:
    """Return the plan for full windows, with the meter's channels between.

    Args:
        board: says where the pilot is and how long a window lasts.
        meter: the meter's channels.
        spacing_us: what one conversion takes on this machine.
    """
    pilot = board.pilot.adc_channel
    chip = board.adcs[pilot.adc]
    window_us = board.pilot.window_ms * 1000.0
    shared = [channel.channel for channel in meter if channel.adc == pilot.adc]
    others = [channel for channel in meter if channel.adc != pilot.adc]
    pattern = pilot_pattern(pilot.channel, shared)
    if others:
        slots = _repeat(pattern, _CHUNK * len(pattern) // pattern.count(pilot.channel))
        batches = (Batch(pilot.adc, chip, slots), *_rounds(board, others))
        return Plan(batches, window_us)
    delay_us = _delay(pattern, pilot.channel, spacing_us, window_us)
    round_us = (spacing_us + delay_us) * len(pattern)
    # whole rounds: a channel one reading short would miss the same part of each mains period
    rounds = max(
        round(window_us / round_us),
        math.ceil(FEWEST_READINGS / pattern.count(pilot.channel)),
    )
    slots = pattern * min(rounds, MOST_RECORDS // len(pattern))
    return Plan((Batch(pilot.adc, chip, slots, delay_us),), 0.0, delay_us)


def extra_batches(board: Board) -> tuple[Batch, ...]:
    """Return the batches for proximity and analog inputs; none on a board without them."""
    wanted: dict[int, list[int]] = {}
    if board.proximity is not None:
        channel = board.proximity.adc_channel
        wanted.setdefault(channel.adc, []).extend([channel.channel] * PROXIMITY_READINGS)
    for line in board.aux.analog_inputs:
        wanted.setdefault(line.adc_channel.adc, []).append(line.adc_channel.channel)
    return tuple(Batch(adc, board.adcs[adc], slots) for adc, slots in wanted.items())


def pilot_pattern(pilot: int, meter: Sequence[int]) -> list[int]:
    """Return one round: every meter channel once, pilot readings before each."""
    if not meter:
        return [pilot]
    each = 2 if len(meter) > 2 else 4
    return [slot for channel in meter for slot in (*[pilot] * each, channel)]


def fewest_hits(times_us: Iterable[float], width_us: float = _PLATEAU_US) -> int:
    """Return how many of the instants fall into a plateau of the pilot, wherever it lies."""
    phases = sorted(time_us % _PERIOD_US for time_us in times_us)
    phases += [phase + _PERIOD_US for phase in phases]
    half = len(phases) // 2
    # the worst plateau begins just after an instant
    return min(
        bisect.bisect_left(phases, phase + width_us, index + 1) - index - 1
        for index, phase in enumerate(phases[:half])
    )


def _delay(pattern: Sequence[int], pilot: int, spacing_us: float, window_us: float) -> int:
    """Return the pause after each conversion that keeps the pattern out of step with the pilot."""

    def hits(delay_us: int) -> int:
        step_us = spacing_us + delay_us
        slots = _repeat(pattern, min(int(window_us / step_us), MOST_RECORDS))
        return fewest_hits(i * step_us for i, slot in enumerate(slots) if slot == pilot)

    if hits(0) >= _FEWEST_HITS:
        return 0
    return max(range(_MOST_DELAY_US), key=lambda delay: (min(hits(delay), _FEWEST_HITS), -delay))


def _repeat(pattern: Sequence[int], count: int) -> list[int]:
    rounds = count // len(pattern) + 1
    return (list(pattern) * rounds)[:count]


def _rounds(board: Board, channels: Sequence[Channel]) -> Iterable[Batch]:
    by_adc: dict[int, list[int]] = {}
    for channel in channels:
        by_adc.setdefault(channel.adc, []).append(channel.channel)
    return (Batch(adc, board.adcs[adc], slots) for adc, slots in by_adc.items())
