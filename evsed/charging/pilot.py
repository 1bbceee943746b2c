"""Duty cycle arithmetic of the control pilot. Pure.

Source: IEC 61851-1:2017 Annex A, duty cycle; charging.md section 3.
"""

from typing import Final

#: The least a duty cycle can offer, and the most the formula reaches.
LEAST_DA: Final = 60
MOST_DA: Final = 800

_FIRST_FORMULA_TO_DA: Final = 510
_PLATEAU_TO_DA: Final = 525
_PLATEAU_PPM: Final = 850_000


def duty_ppm(offered_da: int) -> int:
    """Return the pilot duty, in millionths, that offers a current to the vehicle.

    Rounds down: a duty never promises more than was asked for. Between 51 and 52.5 A it stays at
    85 %, which a vehicle reads with either formula (Q17).

    Args:
        offered_da: tenths of an ampere, 60 to 800; callers clamp first.

    Raises:
        ValueError: outside that range. This is a bug in the caller, not a user error.
    """
    if not LEAST_DA <= offered_da <= MOST_DA:
        raise ValueError(f"offered current {offered_da} dA is outside {LEAST_DA}..{MOST_DA}")
    if offered_da <= _FIRST_FORMULA_TO_DA:
        return offered_da * 5000 // 3
    if offered_da <= _PLATEAU_TO_DA:
        return _PLATEAU_PPM
    return offered_da * 400 + 640_000
