"""How the board's own metering channels differ from their scales: what a calibration found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from evsed.settings.fields import whole
from evsed.settings.section import Section, plain_section

#: Nothing is multiplied.
UNITY_PPM: Final = 1_000_000


def _gain(phase: int, what: str) -> Any:
    about = f"what the {what} of L{phase} is multiplied with"
    return whole(UNITY_PPM, low=500_000, high=2_000_000, unit="ppm", about=about)


def _current_offset(phase: int) -> Any:
    about = f"what is added to the current of L{phase} while one flows"
    return whole(0, low=-2_000, high=2_000, unit="mA", about=about)


def _voltage_offset(phase: int) -> Any:
    about = f"what is added to the voltage of L{phase}"
    return whole(0, low=-50_000, high=50_000, unit="mV", about=about)


def _shift(phase: int) -> Any:
    about = f"delay of the voltage of L{phase} against its current, on top of the board file's"
    return whole(0, low=-1_000_000, high=1_000_000, unit="ns", about=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSettings:
    """Keys of /config/meter; the defaults change nothing. Source: docs/metering.md."""

    l1_current_gain_ppm: int = _gain(1, "current")
    l1_current_offset_ma: int = _current_offset(1)
    l1_voltage_gain_ppm: int = _gain(1, "voltage")
    l1_voltage_offset_mv: int = _voltage_offset(1)
    l1_shift_ns: int = _shift(1)
    l2_current_gain_ppm: int = _gain(2, "current")
    l2_current_offset_ma: int = _current_offset(2)
    l2_voltage_gain_ppm: int = _gain(2, "voltage")
    l2_voltage_offset_mv: int = _voltage_offset(2)
    l2_shift_ns: int = _shift(2)
    l3_current_gain_ppm: int = _gain(3, "current")
    l3_current_offset_ma: int = _current_offset(3)
    l3_voltage_gain_ppm: int = _gain(3, "voltage")
    l3_voltage_offset_mv: int = _voltage_offset(3)
    l3_shift_ns: int = _shift(3)

    def of_phase(self, phase: int) -> Mapping[str, int]:
        """Return the values of one phase, 1 to 3, by their names without it."""
        prefix = f"l{phase}_"
        return {
            name.removeprefix(prefix): getattr(self, name)
            for name in self.__slots__
            if name.startswith(prefix)
        }


CALIBRATION: Final[Section[CalibrationSettings]] = plain_section("meter", CalibrationSettings)
