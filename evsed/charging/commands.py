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


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimit:
    """Set the limit of one owner, in place of his former one; a sign of life of his.

    Args:
        owner: 1 to 64 characters.
        current_da: tenths of an ampere, 60 to 630; 0 for a pause, None for no limit yet.
        lease_ms: how long it holds without another sign of life; None for ever.
        fallback_da: what is in force afterwards, as ``current_da``; None: nothing.
    """

    owner: str
    current_da: int | None = None
    lease_ms: int | None = None
    fallback_da: int | None = None


@dataclass(frozen=True, slots=True)
class RenewLimit:
    """A sign of life of an owner; nothing when he has no limit."""

    owner: str


@dataclass(frozen=True, slots=True)
class LapseLimits:
    """Owners are known to be gone: what they left behind falls back, or ends, at once."""

    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClearLimit:
    """End the limit of an owner, whatever it says; nothing when he has none."""

    owner: str


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


LimitCommand = SetLimit | RenewLimit | LapseLimits | ClearLimit
SingleCommand = (
    Enable
    | MakeAvailable
    | Authorize
    | SetChargingCurrent
    | SetConsumptionLimit
    | SetChargingTimeLimit
    | SetUnderPowerLimit
    | LimitCommand
    | ResetEnergy
    | ApplyRules
    | ShutDown
)
Command = SingleCommand | Together
