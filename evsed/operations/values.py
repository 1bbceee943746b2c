"""Kinds of values on the wire: each refused with one sentence of key and permitted range. Pure.

``true`` is never a number and ``1`` never a boolean. Source: rest.md sections 1.3 and 4.
"""

import math
from enum import StrEnum
from typing import Final, TypeGuard

from evsed.errors import RejectedError

#: How far a current may stand outside its range without being refused.
_TOLERANCE_A: Final = 1e-6


class Kind(StrEnum):
    """What a field holds; the words of the API description."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    #: array of three numbers
    PHASES = "phases"
    #: array of strings, or null
    NAMES = "names"
    OBJECT = "object"
    OBJECTS = "objects"


class EnergyUnit(StrEnum):
    """The unit of the five energy fields: the API's own, or the one real firmware sends."""

    WS = "Ws"
    WH = "Wh"


def boolean(key: str, value: object) -> bool:
    """Return ``value`` when it is true or false."""
    if not isinstance(value, bool):
        raise RejectedError("boolean expected", key=key)
    return value


def number(key: str, value: object, low: int, high: int) -> int | float:
    """Return a number of a range."""
    if not _is_number(value) or not low <= value <= high:
        raise RejectedError(f"number {low}..{high} expected", key=key)
    return value


def whole(key: str, value: object, low: int, high: int) -> int:
    """Return a number of a range with its fraction dropped."""
    return int(number(key, value, low, high))


def amperes(key: str, value: object, low_a: float, high_a: float) -> float:
    """Return a current of a range; the range is checked before anything is rounded (decision 3)."""
    if _is_number(value) and low_a - _TOLERANCE_A <= value <= high_a + _TOLERANCE_A:
        return float(value)
    raise RejectedError(f"number {low_a:g}..{high_a:g} expected", key=key)


def json_object(value: object) -> dict[str, object]:
    """Return ``value`` when it is a JSON object."""
    if not isinstance(value, dict):
        raise RejectedError("a JSON object was expected")
    return value


def rounded(value: float, digits: int) -> float:
    """Return a measured value as it is sent: never NaN, infinite or minus zero."""
    return round(value, digits) + 0.0 if math.isfinite(value) else 0.0


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
