"""Windows of a schedule to the minute, and what whole hours can show of them. Pure.

An extension of ours: the API's own schedules have one bit for each hour.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from evsed.errors import RejectedError
from evsed.settings.tariff import DAYS, TIME_OF_DAY

MAX_WINDOWS: Final = 16
_TIME: Final = re.compile(TIME_OF_DAY)
_DAY: Final = 1440
_WEEK: Final = 7 * _DAY
_WHOLE_HOUR: Final = (1 << 60) - 1
ALL_WEEK: Final = (1 << _WEEK) - 1
_KEYS: Final = frozenset({"days", "start", "end"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A piece of some days; one that ends before it begins goes on into the next day.

    Args:
        days: on which it begins, of ``DAYS``, in their order.
        begin: minute of the day, 0 to 1439.
        end: minute of the day, 0 to 1440; one before ``begin`` is of the day after.
    """

    days: tuple[str, ...]
    begin: int
    end: int


@lru_cache(maxsize=128)
def minutes_of(windows: tuple[Window, ...]) -> int:
    """Return the minutes of the week in some windows: a bit for each, Monday 00:00 first."""
    week = 0
    for one in windows:
        length = (one.end - one.begin - 1) % _DAY + 1
        for day in one.days:
            week |= ((1 << length) - 1) << DAYS.index(day) * _DAY + one.begin
    return week & ALL_WEEK | week >> _WEEK


def within(windows: tuple[Window, ...], weekday: int, minute: int) -> bool:
    """Tell whether a minute of a day lies in one of them; Monday is 0."""
    return bool(minutes_of(windows) >> weekday * _DAY + minute & 1)


def hours_of(windows: tuple[Window, ...]) -> dict[str, int]:
    """Return the hours that lie in the windows from beginning to end: 24 bits for each day."""
    week = minutes_of(windows)
    return {
        day: sum(
            1 << hour
            for hour in range(24)
            if week >> weekday * _DAY + hour * 60 & _WHOLE_HOUR == _WHOLE_HOUR
        )
        for weekday, day in enumerate(DAYS)
    }


def read_windows(where: str, value: object) -> tuple[Window, ...]:
    """Return windows as interfaces write them.

    Args:
        where: the key, for the refusal.
        value: an array of ``{"days": ["mon"], "start": "22:30", "end": "06:00"}``.

    Raises:
        RejectedError: names the key and what is permitted.
    """
    if not isinstance(value, list) or len(value) > MAX_WINDOWS:
        raise RejectedError(f"an array of at most {MAX_WINDOWS} objects is expected", key=where)
    return tuple(_read(f"{where}[{number}]", entry) for number, entry in enumerate(value))


def wire_windows(windows: Sequence[Window]) -> list[dict[str, Any]]:
    """Return windows as interfaces show them."""
    return [
        {"days": list(one.days), "start": _text(one.begin), "end": _text(one.end)}
        for one in windows
    ]


def _read(where: str, entry: object) -> Window:
    if not isinstance(entry, dict) or not entry.keys() >= _KEYS:
        raise RejectedError("an object with days, start and end is expected", key=where)
    days = entry["days"]
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days):
        raise RejectedError(f"some of {', '.join(DAYS)} are expected", key=f"{where}.days")
    begin, end = (_minute(f"{where}.{key}", entry[key]) for key in ("start", "end"))
    if begin in {end, _DAY}:
        raise RejectedError(
            "it must begin before 24:00, and not when it ends", key=f"{where}.start"
        )
    return Window(days=tuple(day for day in DAYS if day in days), begin=begin, end=end)


def _minute(where: str, value: object) -> int:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise RejectedError("a time from 00:00 to 24:00 is expected", key=where)
    return int(value[:2]) * 60 + int(value[3:])


def _text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
