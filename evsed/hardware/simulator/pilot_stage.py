"""The control pilot between the board's driver and the vehicle's load: volts and plateaus. Pure.

Source: charging.md sections 3 and 4; IEC 61851-1 circuit values as quoted there.
"""

from dataclasses import dataclass
from functools import lru_cache

from evsed.hardware.simulator.header import FULL_PPM

SUPPLY_V = 12.0
SOURCE_OHM = 1000
DIODE_V = 0.7
#: the sense network: mV at the ADC = 1330 + 102.5 per volt on the pilot
SENSE_ZERO_MV = 1330.0  # Source: charging.md section 4.1
SENSE_MV_PER_V = 102.5  # Source: charging.md section 4.1
#: share of an edge that is behind us after 1, 2 and 3 us (the sense network's capacitor)
_SETTLING = (0.63, 0.86, 0.95)
_SEEN_HZ = range(900, 1101)


@dataclass(frozen=True, slots=True)
class Drive:
    """What the driver stage does: ``mode`` is high, low or pwm; ``duty_ppm`` counts +12 V."""

    mode: str
    hz: int = 1000
    duty_ppm: int = 0
    origin_us: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """What hangs on the pilot: ``ohm`` None for nothing, 0 for a short to PE."""

    ohm: float | None = None
    diode: bool = True


@dataclass(frozen=True, slots=True)
class Wave:
    """One period of the pilot at the ADC pin, in mV, one value per us; steady: one value."""

    table: tuple[float, ...]
    origin_us: int = 0


def plateaus_v(load: Load) -> tuple[float, float]:
    """Return the volts the load leaves of +12 V and of -12 V."""
    if load.ohm is None:
        return SUPPLY_V, -SUPPLY_V
    share = load.ohm / (load.ohm + SOURCE_OHM)
    if load.ohm == 0 or not load.diode:
        return SUPPLY_V * share, -SUPPLY_V * share
    return DIODE_V + (SUPPLY_V - DIODE_V) * share, -SUPPLY_V


def offered_a(drive: Drive) -> float:
    """Return the amperes a vehicle reads from the pilot; 0 for none.

    Source: charging.md section 3, what a car makes of a duty cycle.
    """
    if drive.mode != "pwm" or drive.hz not in _SEEN_HZ:
        return 0.0
    percent = drive.duty_ppm / 10_000
    if percent < 8 or percent > 97:
        return 0.0
    if percent < 10:
        return 6.0
    if percent <= 85:
        return percent * 0.6
    return min((percent - 64) * 2.5, 80.0)


def wave(drive: Drive, load: Load) -> Wave:
    """Return what the ADC pin sees."""
    high_v, low_v = plateaus_v(load)
    high_mv = SENSE_ZERO_MV + SENSE_MV_PER_V * high_v
    low_mv = SENSE_ZERO_MV + SENSE_MV_PER_V * low_v
    if drive.mode != "pwm":
        return Wave((high_mv if drive.mode == "high" else low_mv,))
    period_us = max(round(1_000_000 / drive.hz), 1)
    high_us = round(period_us * drive.duty_ppm / FULL_PPM)
    return Wave(_period(period_us, high_us, high_mv, low_mv), drive.origin_us)


@lru_cache(maxsize=64)
def _period(period_us: int, high_us: int, high_mv: float, low_mv: float) -> tuple[float, ...]:
    table = [high_mv] * high_us + [low_mv] * (period_us - high_us)
    if 0 < high_us < period_us:
        _round_edge(table, 0, low_mv, high_mv, high_us)
        _round_edge(table, high_us, high_mv, low_mv, period_us - high_us)
    return tuple(table)


def _round_edge(table: list[float], start: int, before: float, after: float, room: int) -> None:
    for place, share in enumerate(_SETTLING[:room]):
        table[start + place] = before + (after - before) * share
