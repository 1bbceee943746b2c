"""The board's own meter as services see it: what it reads, and putting it right.

A point is what the channels read, against what another meter in the same line reads. One point
gives a gain; a second one with another load gives a gain and an offset. Source: docs/metering.md.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from evsed.errors import RejectedError
from evsed.hardware.interfaces import Meter, MeterReading, Trio
from evsed.hardware.meter_correction import MeterCorrection, PhaseCorrection
from evsed.middle import mean, median
from evsed.operations.operations import Operations
from evsed.settings.calibration import UNITY_PPM, CalibrationSettings

QUANTITIES: Final = ("current", "voltage", "shift")
_SECTION: Final = "meter"
_MEASURING_S: Final = 5.0
_LOOK_S: Final = 0.02
_FEWEST: Final = 20
#: an old reading may be seen once; a second one says that there is a load
_SIGNS_OF_LIFE: Final = 2
_PATIENCE_LOOKS: Final = 40
#: a load that moves more than this is no point to measure at
_STEADY: Final = 0.02
#: two points nearer than this give no line
_APART: Final = 0.3
#: smallest values that can be told from noise
_LEAST: Final = {"current": 0.5, "voltage": 50.0, "power": 200.0}
_MOST: Final = {"current": 100.0, "voltage": 300.0}
_LEAST_FACTOR: Final = 0.5
#: shift of a trial: enough to see power fall, little enough to leave most of it
_TRIAL_US: Final = 1000.0
#: no transformer delays as much
_MOST_SHIFT_US: Final = 1000.0
#: until readings with another shift come
_SETTLING_S: Final = 0.5
_DARK: Final = (0.0, 0.0, 0.0)
_RAW: Final[Mapping[str, Callable[[MeterReading], Trio]]] = {
    "current": lambda reading: reading.raw_currents_a,
    "voltage": lambda reading: reading.raw_voltages_v,
    "power": lambda reading: reading.real_powers_w or _DARK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a channel read, and what was true; A or V."""

    raw: float
    true: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the points of a channel say: true = raw x gain + offset."""

    points: tuple[Point, ...]
    gain: float
    offset: float


def line_through(points: tuple[Point, ...]) -> Line:
    """Return the line through the newest point and the newest that is far enough from it.

    Raises:
        RejectedError: no such line would make sense.
    """
    newest = points[-1]
    for other in reversed(points[:-1]):
        far = abs(newest.raw - other.raw) >= _APART * max(newest.raw, other.raw)
        if far:
            gain = (newest.true - other.true) / (newest.raw - other.raw)
            return _sensible(Line(points=(other, newest), gain=gain, offset=0.0), newest)
    return _sensible(Line(points=(newest,), gain=newest.true / newest.raw, offset=0.0), newest)


def _sensible(line: Line, newest: Point) -> Line:
    if not 0.5 <= line.gain <= 2.0:
        raise RejectedError(
            f"a gain of {line.gain:.3f} cannot be: check phase, value and the board file's scale"
        )
    return Line(points=line.points, gain=line.gain, offset=newest.true - newest.raw * line.gain)


def correction_of(settings: CalibrationSettings) -> MeterCorrection:
    """Return what the settings say, for the meter."""
    first, second, third = (_phase(settings.of_phase(phase)) for phase in (1, 2, 3))
    return MeterCorrection((first, second, third))


def _phase(values: Mapping[str, int]) -> PhaseCorrection:
    return PhaseCorrection(
        current_gain=values["current_gain_ppm"] / UNITY_PPM,
        current_offset_a=values["current_offset_ma"] / 1000,
        voltage_gain=values["voltage_gain_ppm"] / UNITY_PPM,
        voltage_offset_v=values["voltage_offset_mv"] / 1000,
        shift_us=values["shift_ns"] / 1000,
    )


def shift_error_us(before: float, after: float, power_factor: float, hz: int) -> float:
    """Return by how much a shift is too large, from the powers a millisecond before and after it.

    Power is proportional to the cosine of the angle between voltage and current, so the two tell
    that angle; it should be the one of the load.
    """
    step = math.tau * hz * _TRIAL_US / 1_000_000
    ratio = (after - before) / (after + before)
    angle = -math.atan(ratio / math.tan(step))
    return (angle - math.acos(power_factor)) / (math.tau * hz) * 1_000_000


class Calibrator:
    """Measures points and keeps what they say in the settings.

    Args:
        operations: saves and applies.
        meter: the board's own; None without channels.
        measuring_s: how long a point is measured.
    """

    def __init__(
        self, operations: Operations, meter: Meter | None, *, measuring_s: float = _MEASURING_S
    ) -> None:
        self._operations, self._meter = operations, meter
        self._measuring_s = measuring_s
        described = operations.board.energy_meter
        self._hz = described.frequency_hz if described is not None else 50
        self._points: dict[tuple[str, int], tuple[Point, ...]] = {}
        self._busy = asyncio.Lock()
        operations.on_change(_SECTION, self._changed)
        self._apply(operations.store.settings.meter)

    @property
    def reading(self) -> MeterReading | None:
        """The newest reading of the board's channels."""
        return None if self._meter is None else self._meter.read()

    async def measure(self, quantity: str, phase: int, true: float, *, source: str) -> Line:
        """Measure a point; what it says together with earlier ones is saved and in force.

        Args:
            quantity: ``current`` or ``voltage``.
            phase: 1 to 3.
            true: A or V, as another meter reads at this moment.
            source: who asks.

        Raises:
            RejectedError: nothing to measure, a load that moves, or a point that makes no sense.
        """
        if not _LEAST[quantity] <= true <= _MOST[quantity]:
            wanted = f"a number {_LEAST[quantity]:g} … {_MOST[quantity]:g}"
            raise RejectedError(f"{true:g} is not permitted, expected {wanted}", key="value")
        async with self._busy:
            point = Point(raw=await self._raw(quantity, phase), true=true)
            known = self._points.get((quantity, phase), ())
            line = line_through((*known, point))
            await self._operations.change(_SECTION, _patch(quantity, phase, line), source=source)
            self._points[quantity, phase] = line.points
        return line

    async def measure_shift(self, phase: int, power_factor: float, *, source: str) -> float:
        """Find by how much a voltage is seen later than its current; saved and in force.

        For ten seconds the phase is metered with a shift of a millisecond either way: what
        power does then tells the angle, and its energy is counted some per cent too low.

        Args:
            phase: 1 to 3.
            power_factor: of the load, lagging, as another meter reads it; 1 for a heater.
            source: who asks.

        Returns:
            The delay in us, on top of the board file's.

        Raises:
            RejectedError: nothing to measure, a load that moves, or an angle that cannot be.
        """
        if not _LEAST_FACTOR <= power_factor <= 1:
            text = f"{power_factor:g} is not permitted, expected a number {_LEAST_FACTOR:g} … 1"
            raise RejectedError(text, key="value")
        async with self._busy:
            settings: CalibrationSettings = self._operations.store.settings.meter
            known_us = settings.of_phase(phase)["shift_ns"] / 1000
            try:
                before = await self._power_at(settings, phase, known_us - _TRIAL_US)
                after = await self._power_at(settings, phase, known_us + _TRIAL_US)
            finally:
                # Whatever it is by now: somebody may have changed it meanwhile.
                self._apply(self._operations.store.settings.meter)
            shift_us = known_us - shift_error_us(before, after, power_factor, self._hz)
            if abs(shift_us) > _MOST_SHIFT_US:
                text = f"a delay of {shift_us:.0f} µs cannot be: check value and wiring of L{phase}"
                raise RejectedError(text)
            patch = {f"l{phase}ShiftNs": round(shift_us * 1000)}
            await self._operations.change(_SECTION, patch, source=source)
        return shift_us

    async def _power_at(self, settings: CalibrationSettings, phase: int, shift_us: float) -> float:
        trial = replace(settings, **{f"l{phase}_shift_ns": round(shift_us * 1000)})
        self._apply(trial)
        await asyncio.sleep(_SETTLING_S)
        return await self._raw("power", phase)

    async def forget(self, *, source: str) -> None:
        """Go back to the scales of the board file.

        Raises:
            StorageError: the disk refused.
        """
        async with self._busy:
            await self._forget(source)

    async def _forget(self, source: str) -> None:
        section = self._operations.store.shown(_SECTION)
        fresh = {key: UNITY_PPM if key.endswith("GainPpm") else 0 for key in section}
        self._points.clear()
        await self._operations.change(_SECTION, fresh, source=source)

    async def _raw(self, quantity: str, phase: int) -> float:
        values: list[float] = []
        last_ms = -1
        for look in range(round(self._measuring_s / _LOOK_S)):
            reading = self.reading
            if reading is not None and reading.taken_ms != last_ms:
                last_ms = reading.taken_ms
                values.append(_RAW[quantity](reading)[phase - 1])
            if look >= _PATIENCE_LOOKS and len(values) < _SIGNS_OF_LIFE:
                break  # nothing is being measured: say so at once
            await asyncio.sleep(_LOOK_S)
        return _steady(values, quantity, phase)

    async def _changed(self, before: CalibrationSettings, after: CalibrationSettings) -> None:
        del before
        self._apply(after)

    def _apply(self, settings: CalibrationSettings) -> None:
        if self._meter is not None:
            self._meter.correct(correction_of(settings))


def _steady(values: list[float], quantity: str, phase: int) -> float:
    if len(values) < _FEWEST:
        raise RejectedError("the channels are not being measured: charge a vehicle meanwhile")
    middle = median(values)
    if middle < _LEAST[quantity] / 2:
        raise RejectedError(f"there is no {quantity} on L{phase} to measure", key="phase")
    # Single readings scatter on a busy machine; a load that moves shows in their trend.
    half = len(values) // 2
    before, after = mean(values[:half]), mean(values[half:])
    if abs(after - before) > _STEADY * middle:
        raise RejectedError(f"the {quantity} of L{phase} is not steady; try again")
    return mean(values)


def _patch(quantity: str, phase: int, line: Line) -> dict[str, int]:
    kind, unit = ("Current", "Ma") if quantity == "current" else ("Voltage", "Mv")
    return {
        f"l{phase}{kind}GainPpm": round(line.gain * UNITY_PPM),
        f"l{phase}{kind}Offset{unit}": round(line.offset * 1000),
    }
