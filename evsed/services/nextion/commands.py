"""What a display may ask for: subscriptions, settings, two actions. Pure.

Source: nextion.md section 3. Case-sensitive, one blank, digits only, nothing behind them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from evsed.units import amperes, ws_from_wh


class Action(StrEnum):
    """A command without a value that changes something."""

    AUTHORIZE = "auth"
    RESTART = "reboot"


@dataclass(frozen=True, slots=True)
class Subscribe:
    """``sub <variable>``."""

    variable: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """``unsub [variable]``; None ends every subscription."""

    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """A setting of the display, as ``Operations.write`` takes it: REST name, REST unit."""

    command: str
    key: str
    value: object


@dataclass(frozen=True, slots=True)
class Refused:
    """A setting with a value that is not permitted, whatever the station's state is."""

    command: str


@dataclass(frozen=True, slots=True)
class Act:
    """One of the actions."""

    action: Action


Command = Subscribe | Unsubscribe | Write | Refused | Act


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """A command with a number: what it is called, what it may be, what it means."""

    command: str
    key: str
    about: str
    unit: str
    low: int
    high: int
    value: Callable[[int], object]


SETTINGS: Final = (
    SettingRow(
        command="en",
        key="enabled",
        about="charging enabled",
        unit="0, 1",
        low=0,
        high=1,
        value=bool,
    ),
    SettingRow(
        command="avail", key="available", about="in service", unit="0, 1", low=0, high=1, value=bool
    ),
    SettingRow(
        command="chCur",
        key="chargingCurrent",
        about="charging current, at most the maximum that is set",
        unit="0.1 A",
        low=60,
        high=630,
        value=amperes,
    ),
    SettingRow(
        command="consumLim",
        key="consumptionLimit",
        about="energy limit of the session, 0 for none",
        unit="Wh",
        low=0,
        high=2**32 - 1,
        value=ws_from_wh,
    ),
    SettingRow(
        command="chTimeLim",
        key="chargingTimeLimit",
        about="charging time limit of the session, 0 for none",
        unit="s",
        low=0,
        high=2**32 - 1,
        value=int,
    ),
    SettingRow(
        command="uPowerLim",
        key="underPowerLimit",
        about="power below which charging ends, 0 for none",
        unit="W",
        low=0,
        high=65535,
        value=int,
    ),
)
_SETTINGS: Final[Mapping[str, SettingRow]] = {row.command: row for row in SETTINGS}
_ACTIONS: Final = frozenset(Action)


def command_in(frame: bytes) -> Command | None:
    """Return the command a frame is, or None when it is none."""
    if not frame.isascii():
        return None
    word, blank, rest = frame.decode("ascii").partition(" ")
    if word in _SETTINGS:
        return _write(_SETTINGS[word], rest)
    if word == "sub":
        return Subscribe(rest) if rest else None
    if word == "unsub" and not (blank and not rest):
        return Unsubscribe(rest or None)
    if word in _ACTIONS and not blank:
        return Act(Action(word))
    return None


def _write(row: SettingRow, digits: str) -> Write | Refused:
    if not digits.isdecimal() or not row.low <= int(digits) <= row.high:
        return Refused(row.command)
    return Write(row.command, row.key, row.value(int(digits)))
