"""What a calibration adds to the scales of the board file. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseCorrection:
    """The line through two known points of one phase; the defaults change nothing."""

    current_gain: float = 1.0
    current_offset_a: float = 0.0
    voltage_gain: float = 1.0
    voltage_offset_v: float = 0.0
    #: more delay of the voltage than ``phaseShift`` in the board file says
    shift_us: float = 0.0

    def amperes(self, raw_a: float) -> float:
        """Return the true rms current; no current stays none."""
        return max(raw_a * self.current_gain + self.current_offset_a, 0.0) if raw_a else 0.0

    def volts(self, raw_v: float) -> float:
        """Return the true rms voltage."""
        return max(raw_v * self.voltage_gain + self.voltage_offset_v, 0.0) if raw_v else 0.0


@dataclass(frozen=True, slots=True)
class MeterCorrection:
    """One correction per phase."""

    phases: tuple[PhaseCorrection, PhaseCorrection, PhaseCorrection] = (
        PhaseCorrection(),
        PhaseCorrection(),
        PhaseCorrection(),
    )
