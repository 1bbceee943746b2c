"""The only unit conversions. Pure.

Core values are whole numbers: 0.1 A (``_da``), Ws (``_ws``), W, 0.01 °C (``_cdeg``), ms.
Source: charging.md sections 1 and 13.5.
"""

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


def tenths(current_a: float) -> int:
    """Return amperes as tenths of an ampere, rounded to the nearest (decision 3)."""
    return int(current_a * 10 + 0.5)


def degrees(temperature_cdeg: int) -> float:
    """Return hundredths of a degree as °C."""
    return temperature_cdeg / 100
