"""What services may ask of the charging rules. Pure.

A command is answered by one control pass: taken, or refused with ``RejectedError`` and nothing
changed.
"""

from dataclasses import dataclass

from evsed.charging.rules import Rules


@dataclass(frozen=True, slots=True)
class Enable:
    """Permit or pause charging."""

    on: bool


@dataclass(frozen=True, slots=True)
class MakeAvailable:
    """Take the station into service or out of it (state F)."""

    on: bool


@dataclass(frozen=True, slots=True)
class Authorize:
    """Open a grant of 60 s for one session."""


@dataclass(frozen=True, slots=True)
class SetChargingCurrent:
    """Set the set-point, tenths of an ampere: 60 to ten times the maximum charging current."""

    current_da: int


@dataclass(frozen=True, slots=True)
class SetConsumptionLimit:
    """Set the live session energy limit in Ws; 0 for none."""

    limit_ws: int


@dataclass(frozen=True, slots=True)
class SetChargingTimeLimit:
    """Set the live charging time limit in s; 0 for none."""

    limit_s: int


@dataclass(frozen=True, slots=True)
class SetUnderPowerLimit:
    """Set the live under-power limit in W; 0 for none."""

    limit_w: int


@dataclass(frozen=True, slots=True)
class ResetEnergy:
    """Make the lifetime energy read 0 at once, also during a session."""


@dataclass(frozen=True, slots=True)
class ApplyRules:
    """Put new rules in force: the user's settings joined with what the board can do."""

    rules: Rules


@dataclass(frozen=True, slots=True)
class ShutDown:
    """Wind charging down as for C1, then hold the pilot at -12 V; there is no way back."""


@dataclass(frozen=True, slots=True)
class Together:
    """Several commands, all taken or all refused."""

    commands: "tuple[Command, ...]"


SingleCommand = (
    Enable
    | MakeAvailable
    | Authorize
    | SetChargingCurrent
    | SetConsumptionLimit
    | SetChargingTimeLimit
    | SetUnderPowerLimit
    | ResetEnergy
    | ApplyRules
    | ShutDown
)
Command = SingleCommand | Together
