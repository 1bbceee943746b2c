"""What a script may change: one row per setter, with its range and what it writes. Pure.

A script's energies are Wh. Source: lua.md sections 9.1 and 9.2.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evsed.operations.limits import LONGEST_S
from evsed.operations.writing import Change
from evsed.units import ws_from_wh

INVALID: Final = "Invalid value"
_MAX_U32: Final = 4294967295
_METER_MODES: Final = ("dummy", "cur", "cur_vlt")
_TOLERANCE: Final = 1e-6

#: What the getters of one module return, by value.
Values = Mapping[str, Any]


class BadValueError(Exception):
    """The value is out of range; the message is what the script gets to see.

    Args:
        message: what is wrong.
        place: which argument it is about.
    """

    def __init__(self, message: str, place: int = 1) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True, kw_only=True)
class Setter:
    """One function of ``evse`` or ``energymeter`` that writes a value.

    Args:
        name: as scripts call it, with its module.
        key: what REST calls the value.
        check: the value as it will read back, or ``BadValueError``; given the module's values.
        outward: that value in the unit REST writes it in.
    """

    name: str
    key: str
    check: Callable[[Any, Values], Any]
    outward: Callable[[Any], object] = lambda value: value

    @property
    def value(self) -> str:
        """The name its getter reads it by."""
        return self.name.partition(".set")[2]

    def change(self, value: Any) -> Change:
        """Return the change to be written for a checked value."""
        return self.key, self.outward(value)


def _switch(value: Any, _values: Values) -> bool:
    if not isinstance(value, bool):
        raise BadValueError("Must be boolean")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValueError("Must be number")
    if not math.isfinite(value):
        raise BadValueError(INVALID)
    return value


def _current(value: Any, values: Values) -> float:
    """Judge the current as it was given, then round it half away from zero."""
    given = _number(value)
    if not 6 - _TOLERANCE <= given <= values["maxchargingcurrent"] + _TOLERANCE:
        raise BadValueError(INVALID)
    return math.floor(given * 10 + 0.5 + _TOLERANCE) / 10


def _whole(low: int, high: int) -> Callable[[Any, Values], int]:
    def check(value: Any, _values: Values) -> int:
        given = _number(value)
        if given != math.floor(given) or not low <= given <= high:
            raise BadValueError(INVALID)
        return int(given)

    return check


def _rounded(high: int) -> Callable[[Any, Values], int]:
    def check(value: Any, _values: Values) -> int:
        nearest = math.floor(_number(value) + 0.5)
        if value < 0 or nearest > high:
            raise BadValueError(INVALID)
        return nearest

    return check


def _mode(value: Any, values: Values) -> int:
    mode = _whole(0, len(_METER_MODES) - 1)(value, values)
    if mode > values.get("bestmode", mode):
        raise BadValueError(INVALID)
    return mode


def checked_lease(seconds: Any, amps: Any, values: Values) -> tuple[float, float]:
    """Return how long a lease lasts (s), and the current (A) it falls back to; 0 is a pause.

    Args:
        seconds: as the script gave them; 0 ends a lease, and then the current does not matter.
        amps: as the script gave them.
        values: what the getters of ``evse`` return.

    Raises:
        BadValueError: one of them is no number, or out of range.
    """
    given_s = _number(seconds)
    if given_s == 0:
        return 0.0, 0.0
    if not 1 <= given_s <= LONGEST_S:
        raise BadValueError(INVALID)
    try:
        given_a = _number(amps)
        return given_s, 0.0 if given_a == 0 else _current(given_a, values)
    except BadValueError as error:
        raise BadValueError(str(error), place=2) from None


SETTERS: Final[Mapping[str, Setter]] = {
    one.name: one
    for one in (
        Setter(name="evse.setenabled", key="enabled", check=_switch),
        Setter(name="evse.setavailable", key="available", check=_switch),
        Setter(name="evse.setrequireauth", key="requireAuth", check=_switch),
        Setter(name="evse.setchargingcurrent", key="chargingCurrent", check=_current),
        Setter(name="evse.setdefaultchargingcurrent", key="defaultChargingCurrent", check=_current),
        Setter(name="evse.setmaxchargingcurrent", key="maxChargingCurrent", check=_whole(6, 63)),
        Setter(
            name="evse.setconsumptionlimit",
            key="consumptionLimit",
            check=_rounded(_MAX_U32),
            outward=ws_from_wh,
        ),
        Setter(name="evse.setchargingtimelimit", key="chargingTimeLimit", check=_rounded(_MAX_U32)),
        Setter(name="evse.setunderpowerlimit", key="underPowerLimit", check=_rounded(65535)),
        Setter(
            name="energymeter.setmode",
            key="energyMeterMode",
            check=_mode,
            outward=lambda mode: _METER_MODES[mode],
        ),
        Setter(name="energymeter.setacvoltage", key="energyMeterAcVoltage", check=_whole(100, 300)),
        Setter(name="energymeter.setthreephases", key="energyMeterThreePhases", check=_switch),
    )
}
