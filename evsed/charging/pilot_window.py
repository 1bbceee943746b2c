"""From a batch of readings to plateaus, and from plateaus to what the vehicle says. Pure.

Source: charging.md sections 4.1 and 4.2; board.md section 7.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evsed.charging.rules import PilotLevels
from evsed.charging.states import PilotMode, PilotReading

#: Readings a cluster must have before its median is believed.
_FEWEST: Final = 5
#: Largest difference between commanded and measured share of high readings, millionths.
_SHARE_TOLERANCE_PPM: Final = 60_000
#: A line whose readings spread less than this is flat, wherever it lies.
_FLAT_MV: Final = 200

#: From the highest plateau down, as the levels are.
_DESCENDING: Final = (PilotReading.V12, PilotReading.V9, PilotReading.V6, PilotReading.V3)


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotWindow:
    """One measured window: the plateaus in mV at the ADC pin, None where there is none.

    ``plausible`` is False when the readings do not fit what the pilot was commanded to do.
    """

    started_ms: int
    ended_ms: int
    mode: PilotMode
    high_mv: int | None = None
    low_mv: int | None = None
    plausible: bool = True


def measure(
    readings_mv: Sequence[int],
    *,
    mode: PilotMode,
    duty_ppm: int,
    levels: PilotLevels,
    started_ms: int,
    ended_ms: int,
) -> PilotWindow:
    """Return the plateaus of one batch of readings taken while the pilot did one thing only."""
    ordered = sorted(readings_mv)
    high, low, plausible = (
        _square_wave(ordered, duty_ppm, levels) if mode is PilotMode.PWM else _steady(ordered, mode)
    )
    return PilotWindow(
        started_ms=started_ms,
        ended_ms=ended_ms,
        mode=mode,
        high_mv=high,
        low_mv=low,
        plausible=plausible,
    )


def _steady(ordered: list[int], mode: PilotMode) -> tuple[int | None, int | None, bool]:
    if len(ordered) < _FEWEST:
        return None, None, False
    median = ordered[len(ordered) // 2]
    plausible = _spread(ordered) < _FLAT_MV
    return (median, None, plausible) if mode is PilotMode.HIGH else (None, median, plausible)


def _square_wave(
    ordered: list[int], duty_ppm: int, levels: PilotLevels
) -> tuple[int | None, int | None, bool]:
    if len(ordered) < 2 * _FEWEST:
        return None, None, False
    if _spread(ordered) < _FLAT_MV:
        return _flat_line(ordered[len(ordered) // 2], levels)
    cut = bisect_left(ordered, _split_mv(ordered, levels))
    low, high = ordered[:cut], ordered[cut:]
    if len(low) < _FEWEST or len(high) < _FEWEST:
        return None, None, False
    share_ppm = len(high) * 1_000_000 // len(ordered)
    plausible = abs(share_ppm - duty_ppm) <= _SHARE_TOLERANCE_PPM
    # The quarter nearest to the split are readings on an edge.
    high_kept, low_kept = high[len(high) // 4 :], low[: len(low) - len(low) // 4]
    return high_kept[len(high_kept) // 2], low_kept[len(low_kept) // 2], plausible


def _flat_line(mv: int, levels: PilotLevels) -> tuple[int | None, int | None, bool]:
    """A pilot that should swing and does not: shorted to earth, or the generator is dead."""
    shorted = levels.minus12 < mv < levels.v3
    return (mv, mv, True) if shorted else (None, None, False)


def _split_mv(ordered: list[int], levels: PilotLevels) -> int:
    """Return where to part high from low readings.

    The gap below the lowest valid plateau serves every healthy swing. A negative half that does not
    reach -12 V is the mirror image of the positive one, so 0 V parts them.
    """
    lowest = ordered[len(ordered) // 40]
    return (levels.v3 + levels.minus12) // 2 if lowest <= levels.minus12 else zero_mv(levels)


def _spread(ordered: list[int]) -> int:
    """Return the range of the readings without the outermost fortieth on either side."""
    margin = len(ordered) // 40
    return ordered[-1 - margin] - ordered[margin]


def zero_mv(levels: PilotLevels) -> int:
    """Return what 0 V reads: the thresholds stand at 10.5 V and 1.5 V."""
    return levels.v3 - (levels.v12 - levels.v3) // 6


def classify(
    window: PilotWindow, levels: PilotLevels, present: PilotReading | None
) -> PilotReading:
    """Return what a window's high plateau says, with hysteresis towards the present reading."""
    if not window.plausible or window.high_mv is None:
        return PilotReading.INVALID
    thresholds = (levels.v12, levels.v9, levels.v6, levels.v3)
    for reading, threshold in zip(_DESCENDING, thresholds, strict=True):
        if window.high_mv >= threshold + _bias(reading, levels.hysteresis, present):
            return reading
    return PilotReading.V0


def _bias(above: PilotReading, hysteresis: int, present: PilotReading | None) -> int:
    if present is None or present is PilotReading.INVALID:
        return 0
    return -hysteresis if present.value >= above.value else hysteresis


def diode_found(window: PilotWindow, levels: PilotLevels) -> bool:
    """Return whether the negative half shows the vehicle's diode: it reaches -12 V unloaded.

    A swing as far down as up, within 1 V, comes from a vehicle without a diode even when its
    negative half passes the -12 V threshold, as 9 V and 6 V plateaus do.
    """
    if window.high_mv is None or window.low_mv is None or window.low_mv > levels.minus12:
        return False
    one_volt_mv = (levels.v12 - levels.v3) // 9
    return abs(window.high_mv + window.low_mv - 2 * zero_mv(levels)) >= one_volt_mv
