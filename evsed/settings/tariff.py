"""What a kWh costs and when, and how long the curves of sessions are kept.

Prices are ten-thousandths of the currency per kWh inside (``_e4``), numbers with four decimals
outside. Source: web-ui.md sections 2 and 3.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from evsed.board.description import Board
from evsed.errors import RejectedError
from evsed.settings.fields import price, settings_of, text, whole
from evsed.settings.section import Remarks, Section, apply_patch, known_part, wire_object

MAX_WINDOWS: Final = 24
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: 00:00 to 24:00
TIME_OF_DAY: Final = "([01][0-9]|2[0-3]):[0-5][0-9]|24:00"

_HIGHEST: Final = 1000
_TIME: Final = re.compile(TIME_OF_DAY)
_PRICES: Final = "prices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The keys of /config/sessions that have one value each."""

    currency: str = text("EUR", low=1, high=8, about="what prices and costs are in")
    price_e4: int = price(0, high=_HIGHEST, about="price of a kWh outside of all windows")
    sample_days: int = whole(
        400, low=1, high=3660, unit="d", about="how long the curves of sessions are kept"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowValues:
    """The keys of one of ``prices`` that have one value each."""

    start: str = text("00:00", low=5, high=5, about="first minute, local time, HH:MM")
    end: str = text("24:00", low=5, high=5, about="the minute after the last, local time, HH:MM")
    price_e4: int = price(0, high=_HIGHEST, about="price of a kWh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(WindowValues):
    """A part of some days of the week in which a kWh has a price of its own.

    One that ends before it starts goes on after midnight; its day is the one it starts on.
    """

    days: tuple[str, ...] = DAYS

    def covers(self, local: datetime) -> bool:
        """Tell whether a moment lies in this window."""
        minute, day = local.hour * 60 + local.minute, local.weekday()
        start, end = _minutes(self.start), _minutes(self.end)
        if start < end:
            return start <= minute < end and DAYS[day] in self.days
        if minute >= start:
            return DAYS[day] in self.days
        return minute < end and DAYS[day - 1] in self.days


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsSettings(Rates):
    """All keys of /config/sessions, in its order."""

    prices: tuple[Window, ...] = ()

    def price_at(self, local: datetime) -> int:
        """Return the price of a kWh at a local time, in 1/10000: the first window that has it."""
        for window in self.prices:
            if window.covers(local):
                return window.price_e4
        return self.price_e4


RATES: Final = settings_of(Rates)
WINDOW: Final = settings_of(WindowValues)
_KEYS: Final = (*RATES, _PRICES)


def patched_sessions(before: SessionsSettings, patch: object) -> SessionsSettings:
    """Return the settings with the known keys of a patch applied; a list is replaced as a whole.

    Raises:
        RejectedError: names the key and what is permitted.
    """
    known = known_part(patch, dict.fromkeys(_KEYS))
    prices = before.prices
    if _PRICES in known:
        prices = _read_windows(known.pop(_PRICES))
    after = apply_patch(before, known, RATES) if known else before
    return replace(after, prices=prices)


def wire_sessions(settings: SessionsSettings) -> dict[str, Any]:
    """Return the object interfaces show."""
    windows = [{**wire_object(one, WINDOW), "days": list(one.days)} for one in settings.prices]
    return {**wire_object(settings, RATES), _PRICES: windows}


def _read_windows(value: object) -> tuple[Window, ...]:
    if not isinstance(value, list) or len(value) > MAX_WINDOWS:
        wanted = f"an array of at most {MAX_WINDOWS} objects is expected"
        raise RejectedError(wanted, key=_PRICES)
    return tuple(_read_window(f"{_PRICES}[{n}]", entry) for n, entry in enumerate(value))


def _read_window(where: str, entry: object) -> Window:
    if not isinstance(entry, dict) or "price" not in entry:
        raise RejectedError("an object with a price is expected", key=where)
    try:
        window = apply_patch(Window(), entry, WINDOW)
        _check_times(window)
        return replace(window, days=_read_days(entry.get("days", list(DAYS))))
    except RejectedError as error:
        key = f"{where}.{error.key}" if error.key else where
        raise RejectedError(error.reason, key=key) from None


def _check_times(window: Window) -> None:
    for key, moment in (("start", window.start), ("end", window.end)):
        if not _TIME.fullmatch(moment):
            raise RejectedError("a time of day 00:00 … 24:00 is expected", key=key)
    if window.start in {window.end, "24:00"}:
        raise RejectedError("a time of day other than the end is expected", key="start")


def _read_days(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(one in DAYS for one in value):
        raise RejectedError(f"an array of some of {', '.join(DAYS)} is expected", key="days")
    return tuple(day for day in DAYS if day in value)


def _minutes(moment: str) -> int:
    return int(moment[:2]) * 60 + int(moment[3:])


def _restored(kept: Any, _board: Board) -> tuple[SessionsSettings, Remarks]:
    return (patched_sessions(SessionsSettings(), kept) if kept else SessionsSettings()), ()


SESSIONS: Final[Section[SessionsSettings]] = Section(
    name="sessions",
    default=lambda _board: SessionsSettings(),
    patched=lambda before, patch, _board: patched_sessions(before, patch),
    shown=wire_sessions,
    kept=wire_sessions,
    restored=_restored,
    keys=_KEYS,
)
