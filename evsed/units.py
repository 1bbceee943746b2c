"""The only unit conversions. Pure.

Core values are whole numbers: 0.1 A (``_da``), Ws (``_ws``), W, 0.01 °C (``_cdeg``), ms.
Source: charging.md sections 1 and 13.5.
"""

import math
from typing import Final

#: So that 16.1 A, which is a hair less in binary, is 161 tenths.
_HAIR: Final = 1e-6
WS_PER_WH = 3600


def whole_wh(energy_ws: int) -> int:
    """Return an energy in Wh, rounded down, as every interface except REST shows it."""
    return energy_ws // WS_PER_WH


def limit_wh(limit_ws: int) -> int:
    """Return an energy limit in Wh, rounded up: 0 would mean that there is none."""
    return -(-limit_ws // WS_PER_WH)


def ws_from_wh(energy_wh: int) -> int:
    """Return an energy in Ws."""
    return energy_wh * WS_PER_WH


def amperes(current_da: int) -> float:
    """Return tenths of an ampere as amperes."""
    return current_da / 10


def tenths_of_watts(power_w: float, volts: int, phases: int) -> int:
    """Return the current of each of so many phases that makes a power, rounded down, in 0.1 A."""
    return int(10 * power_w / (volts * phases) + _HAIR)


def watts(current_da: int, volts: int, phases: int) -> float:
    """Return the power of a current in each of so many phases."""
    return current_da * volts * phases / 10


def tenths(current_a: float) -> int:
    """Return amperes as tenths of an ampere, rounded to the nearest (decision 3)."""
    return int(current_a * 10 + 0.5)


def tenths_below(current_a: float) -> int:
    """Return amperes as tenths of an ampere, rounded down."""
    return int(current_a * 10 + _HAIR)


def ten_thousandths(amount: float) -> int:
    """Return an amount of money in 1/10000, to the nearest."""
    return int(amount * 10_000 + 0.5)


def amount(ten_thousandth: int) -> float:
    """Return 1/10000 of a currency as an amount."""
    return ten_thousandth / 10_000


def cost(ws_e4: int) -> float:
    """Return Ws times 1/10000 per kWh as an amount of money, to four decimals."""
    return round(ws_e4 / (WS_PER_WH * 1000 * 10_000), 4)


def wh(energy_ws: int) -> float:
    """Return an energy in Wh, to a hundredth."""
    return round(energy_ws / WS_PER_WH, 2)


def kwh(energy_ws: int) -> float:
    """Return an energy in kWh, to a thousandth."""
    return round(energy_ws / (WS_PER_WH * 1000), 3)


def degrees(temperature_cdeg: int) -> float:
    """Return hundredths of a degree as °C."""
    return temperature_cdeg / 100


def millivolts(voltage_v: float) -> int:
    """Return a measured voltage in mV, to the nearest."""
    return nearest(voltage_v * 1000)


def milliamperes(current_a: float) -> int:
    """Return a measured current in mA, to the nearest."""
    return nearest(current_a * 1000)


def hundredths(value: float) -> int:
    """Return a measured value (V or A) in hundredths, to the nearest."""
    return nearest(value * 100)


def nearest(value: float) -> int:
    """Return the nearest whole number, 0 for what is not a number; halves go away from zero."""
    if not math.isfinite(value):
        return 0
    # The product of a decimal fraction and 1000 may lie a hair below a half.
    return int(math.copysign(math.floor(abs(value) + 0.5 + 1e-9), value))


def saturated(value: int, low: int, high: int) -> int:
    """Return a value within what its wire form can hold: it sticks at the end, never wraps."""
    return max(low, min(high, value))
