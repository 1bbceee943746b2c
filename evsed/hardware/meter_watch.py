"""Looks for wrong wiring in a meter's own readings. Pure. Source: docs/metering.md.

A vehicle that charges from alternating current takes energy and gives none. So current that flows
against its voltage means a current transformer that is mounted backwards, or on another phase.
"""

from dataclasses import dataclass, field
from typing import Final

from evsed.hardware.interfaces import MeterAlarm, Trio

#: readings in a row that must say the same; about a second with the board's own channels
CONFIRMED: Final = 25
#: less current than this says nothing about its direction
_LEAST_A: Final = 1.0
#: of the apparent power; a quarter period either way is only a poor power factor
_BACKWARDS: Final = -0.3
_LIVE_V: Final = 150.0
_DEAD_V: Final = 50.0

_REVERSED: Final = (
    MeterAlarm.L1_CURRENT_REVERSED,
    MeterAlarm.L2_CURRENT_REVERSED,
    MeterAlarm.L3_CURRENT_REVERSED,
)
_MISSING: Final = (
    MeterAlarm.L1_VOLTAGE_MISSING,
    MeterAlarm.L2_VOLTAGE_MISSING,
    MeterAlarm.L3_VOLTAGE_MISSING,
)


@dataclass(slots=True)
class _Finding:
    """Something that holds until as many readings in a row say the opposite."""

    set: bool = False
    _against: int = 0

    def follow(self, found: bool | None, confirmed: int) -> bool:
        """Take what a reading says; None: nothing."""
        if found is not None:
            self._against = self._against + 1 if found is not self.set else 0
            if self._against >= confirmed:
                self.set, self._against = found, 0
        return self.set


@dataclass(slots=True)
class PhaseWatch:
    """Follows the readings of one meter.

    Args:
        phases: how many have voltages that are measured; 0: nothing can be found.
        confirmed: readings in a row that must say the same.
    """

    phases: int
    confirmed: int = CONFIRMED
    _reversed: list[_Finding] = field(default_factory=lambda: [_Finding() for _ in range(3)])
    _missing: list[_Finding] = field(default_factory=lambda: [_Finding() for _ in range(3)])

    def follow(self, currents_a: Trio, voltages_v: Trio, powers_w: Trio) -> tuple[MeterAlarm, ...]:
        """Take one reading; return what is wrong."""
        live = max(voltages_v) >= _LIVE_V
        found: list[MeterAlarm] = []
        for place in range(self.phases):
            volts = voltages_v[place]
            gone = volts < _DEAD_V if live else None
            against = _flows_back(currents_a[place], volts, powers_w[place])
            if self._reversed[place].follow(against, self.confirmed):
                found.append(_REVERSED[place])
            if self._missing[place].follow(gone, self.confirmed) and self.phases > 1:
                found.append(_MISSING[place])
        return tuple(found)

    def upright(self, powers_w: Trio) -> Trio:
        """Return the powers with the sign of reversed transformers put right."""
        first, second, third = (
            abs(power) if finding.set else power
            for power, finding in zip(powers_w, self._reversed, strict=True)
        )
        return first, second, third


def _flows_back(amperes: float, volts: float, watts: float) -> bool | None:
    if amperes < _LEAST_A or volts < _DEAD_V:
        return None
    return watts < _BACKWARDS * amperes * volts
