"""Which schedules begin or end now, and what each of them writes. Pure.

A schedule acts on its edges only, so that a change by hand inside an hour stands until the next
one. It judges the wall clock: an hour that daylight saving skips never comes, one that comes twice
has one edge. Source: rest.md section 7.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from evsed.operations.writing import Change
from evsed.settings.schedule import Schedule
from evsed.settings.schema import EvseSettings
from evsed.settings.windows import Window
from evsed.units import amperes

#: What each schedule last did; None when it is to act whatever it did before.
Memory = tuple[bool | None, ...]

_MINUTE: Final = timedelta(minutes=1)
_QUARTER: Final = timedelta(minutes=15)
#: Two weeks: an hour that daylight saving skips comes a week later.
_QUARTERS: Final = 14 * 24 * 4 + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A schedule begins or ends: which one, what it does, and when, in the owner's zone."""

    number: int
    action: str
    on: bool
    at: datetime


_Write = Callable[[bool, EvseSettings], Change]


def due(
    schedules: Sequence[Schedule], memory: Memory, now: datetime, evse: EvseSettings
) -> tuple[tuple[Change, ...], Memory]:
    """Return what is to be written now, in the order of the schedules, and the new memory.

    Args:
        schedules: all of them.
        memory: one entry per schedule.
        now: the wall clock in the owner's zone.
        evse: the settings in force.
    """
    wanted = wanted_at(schedules, now)
    changes = tuple(
        _WRITES[one.action](on, evse)
        for one, on, before in zip(schedules, wanted, memory, strict=True)
        if on is not before
    )
    return changes, wanted


def wanted_at(schedules: Sequence[Schedule], at: datetime) -> tuple[bool, ...]:
    """Return what each schedule says at a moment.

    Time that comes twice when clocks are set back is judged once: the second time everything stays
    as it was at the end of the first.

    Args:
        schedules: all of them.
        at: in the owner's zone.
    """
    if at.fold:
        at = _end_of_the_first(at)
    minute = at.hour * 60 + at.minute
    return tuple(one.active(at.weekday(), minute) for one in schedules)


def next_edge(schedules: Sequence[Schedule], now: datetime) -> Edge | None:
    """Return what happens next, the first of several at once; None when nothing ever does.

    Takes milliseconds: for a worker thread.

    Args:
        schedules: all of them.
        now: in the owner's zone.
    """
    numbers = [number for number, one in enumerate(schedules) if one.changes]
    changing = [schedules[number] for number in numbers]
    before = wanted_at(changing, now)
    for at in _moments(changing, now):
        after = wanted_at(changing, at)
        for number, was, on in zip(numbers, before, after, strict=True):
            if was is not on:
                return Edge(number=number, action=schedules[number].action, on=on, at=at)
    return None


def _moments(changing: Sequence[Schedule], now: datetime) -> Iterator[datetime]:
    """Yield every moment of two weeks at which something may change.

    Zones are full quarters of an hour apart, and clocks are set at full quarters: a minute of the
    hour is everywhere the same minute of a quarter.
    """
    if not changing:
        return
    times = {minute for one in changing for window in one.windows for minute in _ends(window)}
    minutes = sorted({0, *(minute % 15 for minute in times)})
    quarter = now.astimezone(UTC).replace(second=0, microsecond=0)
    quarter -= timedelta(minutes=quarter.minute % 15)
    for _ in range(_QUARTERS):
        for minute in minutes:
            at = quarter + timedelta(minutes=minute)
            if at > now:
                yield at.astimezone(now.tzinfo)
        quarter += _QUARTER


def _ends(window: Window) -> tuple[int, int]:
    return window.begin, window.end


def _end_of_the_first(at: datetime) -> datetime:
    """Return the last minute before clocks were set back."""
    moment = at.astimezone(UTC).replace(second=0, microsecond=0)
    while moment.astimezone(at.tzinfo).fold:
        moment -= _MINUTE
    return moment.astimezone(at.tzinfo)


def forgotten(schedules: Sequence[Schedule]) -> Memory:
    """Return the memory of schedules that are to act at once."""
    return (None,) * len(schedules)


def _switch(key: str) -> _Write:
    return lambda on, _evse: (key, on)


def _current(current_a: int) -> _Write:
    def write(on: bool, evse: EvseSettings) -> Change:
        if on:
            return "chargingCurrent", float(min(current_a, evse.max_charging_current_a))
        return "chargingCurrent", amperes(evse.default_charging_current_da)

    return write


_WRITES: Final[Mapping[str, _Write]] = {
    "enable": _switch("enabled"),
    "available": _switch("available"),
    "ch_cur_6a": _current(6),
    "ch_cur_8a": _current(8),
    "ch_cur_10a": _current(10),
}
