"""The simulated converters: which signal is on which input, noise, quantization. Pure."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from evsed.board.description import Adc, Board, Channel, MeterChannels
from evsed.hardware.simulator.history import History, Scene
from evsed.hardware.simulator.mains import VOLTS, Kind, Transformer, mid_mv

Signal = Callable[[Scene, Sequence[int]], list[float]]

_NOISE_LENGTH = 8192
#: the noise setting is the largest deviation; its spread is a fifth of that
_NOISE_SPREAD = 5.0


class Converter:
    """One converter; readings are raw values, as its chip gives them."""

    def __init__(self, adc: Adc, signals: Mapping[int, Signal], seed: int) -> None:
        self._signals = signals
        self._steps = 1 << adc.bits
        self._gain = self._steps / adc.vref_mv / adc.gain
        self._shift = -adc.offset_mv * self._gain
        self._random = random.Random(seed)  # noqa: S311 - noise, no secret
        self._noise_mv = -1.0
        self._noise: list[float] = []

    def set_noise(self, mv: float) -> None:
        """Put noise on every reading; at most ``mv`` up or down."""
        if mv == self._noise_mv:
            return
        self._noise_mv = mv
        gauss = self._random.gauss
        shift = self._shift + 0.5
        deviations = [gauss(0, mv / _NOISE_SPREAD) for _ in range(_NOISE_LENGTH)]
        self._noise = [max(min(mv, one), -mv) * self._gain + shift for one in deviations]

    def convert(
        self, history: History, channels: Sequence[int], times_us: Sequence[int]
    ) -> list[int]:
        """Return one raw reading per entry of ``channels``, taken at these rising moments."""
        different = set(channels)
        if len(different) == 1:
            return self._raw(history, channels[0], times_us)
        raw = [0] * len(channels)
        for channel in different:
            places = _places(tuple(channels), channel)
            taken = self._raw(history, channel, [times_us[place] for place in places])
            for place, value in zip(places, taken, strict=True):
                raw[place] = value
        return raw

    def _raw(self, history: History, channel: int, times_us: Sequence[int]) -> list[int]:
        signal = self._signals.get(channel, _grounded)
        values: list[float] = []
        for scene, some_us in history.cut(times_us):
            values += signal(scene, some_us)
        gain = self._gain
        start = int(self._random.random() * (_NOISE_LENGTH - len(values)))
        noise = self._noise[start : start + len(values)]
        raw = [int(value * gain + one) for value, one in zip(values, noise, strict=True)]
        top = self._steps - 1
        if min(raw) < 0 or max(raw) > top:
            raw = [max(min(value, top), 0) for value in raw]
        return raw


def converters(board: Board) -> list[Converter]:
    """Return the board's converters with every input connected."""
    signals = _signals(board)
    return [
        Converter(
            adc,
            {key.channel: signal for key, signal in signals.items() if key.adc == place},
            board.sim.seed + place,
        )
        for place, adc in enumerate(board.adcs)
    ]


def _signals(board: Board) -> dict[Channel, Signal]:
    found: dict[Channel, Signal] = {board.pilot.adc_channel: _pilot}
    if board.pilot.adc_channel_low is not None:
        found[board.pilot.adc_channel] = _positive_peak
        found[board.pilot.adc_channel_low] = _negative_peak
    if board.proximity is not None:
        found[board.proximity.adc_channel] = _proximity
    for place, entry in enumerate(board.aux.analog_inputs):
        found[entry.adc_channel] = _analog(place)
    if board.energy_meter is not None:
        meter = board.energy_meter
        delay_us = round(meter.phase_shift_us)
        found |= _transformers(board, meter.current, "current", 0)
        if meter.voltage is not None:
            found |= _transformers(board, meter.voltage, "voltage", delay_us)
    return found


def _transformers(
    board: Board,
    channels: MeterChannels,
    kind: Kind,
    delay_us: int,
) -> dict[Channel, Signal]:
    found: dict[Channel, Signal] = {}
    signal = _voltage if kind == "voltage" else _current
    for phase, channel in enumerate(channels.adc_channels):
        inverted = phase < len(channels.invert) and channels.invert[phase]
        mv = (-1 if inverted else 1) / channels.scale
        mid = mid_mv(board.adcs[channel.adc].vref_mv)
        found[channel] = signal(Transformer(kind, phase, mv, mid, delay_us))
    return found


def _pilot(scene: Scene, times_us: Sequence[int]) -> list[float]:
    table, origin = scene.pilot.table, scene.pilot.origin_us
    period = len(table)
    if period == 1:
        return [table[0]] * len(times_us)
    return [table[(t - origin) % period] for t in times_us]


def _positive_peak(scene: Scene, times_us: Sequence[int]) -> list[float]:
    return [max(scene.pilot.table)] * len(times_us)


def _negative_peak(scene: Scene, times_us: Sequence[int]) -> list[float]:
    return [min(scene.pilot.table)] * len(times_us)


def _proximity(scene: Scene, times_us: Sequence[int]) -> list[float]:
    return [scene.proximity_mv] * len(times_us)


def _grounded(_scene: Scene, times_us: Sequence[int]) -> list[float]:
    return [0.0] * len(times_us)


def _analog(place: int) -> Signal:
    def signal(scene: Scene, times_us: Sequence[int]) -> list[float]:
        return [scene.analog_mv[place]] * len(times_us)

    return signal


def _current(transformer: Transformer) -> Signal:
    def signal(scene: Scene, times_us: Sequence[int]) -> list[float]:
        amperes = scene.ramp.at(times_us[0]) if scene.drawing[transformer.phase] else 0.0
        return transformer.readings(scene.grid, amperes, times_us)

    return signal


def _voltage(transformer: Transformer) -> Signal:
    def signal(scene: Scene, times_us: Sequence[int]) -> list[float]:
        live = scene.mains and scene.grid.live[transformer.phase]
        return transformer.readings(scene.grid, VOLTS if live else 0.0, times_us)

    return signal


@lru_cache(maxsize=256)
def _places(channels: tuple[int, ...], channel: int) -> tuple[int, ...]:
    return tuple(place for place, entry in enumerate(channels) if entry == channel)
