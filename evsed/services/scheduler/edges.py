"""Which schedules begin or end now, and what each of them writes. Pure.

A schedule acts on its edges only, so that a change by hand inside an hour stands until the next
one. It judges the wall clock's hour: an hour that daylight saving skips never comes, one that
comes twice has one edge. Source: rest.md section 7.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from evsed.operations.writing import Change
from evsed.settings.schedule import Schedule
from evsed.settings.schema import EvseSettings
from evsed.units import amperes

#: What each schedule last did; None when it is to act whatever it did before.
Memory = tuple[bool | None, ...]

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
    wanted = tuple(one.active(now.weekday(), now.hour) for one in schedules)
    changes = tuple(
        _WRITES[one.action](on, evse)
        for one, on, before in zip(schedules, wanted, memory, strict=True)
        if on is not before
    )
    return changes, wanted


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
