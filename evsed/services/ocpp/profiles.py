"""Charging profiles: what they permit at a time, and what is no profile. Pure.

The vocabulary is OCPP 2.0.1's; 1.6 says the same in other words. Currents are tenths of an ampere,
times Unix seconds. Source: OCPP 1.6 section 3.13, OCPP 2.0.1 part 2 section K.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from evsed.units import tenths_below, tenths_of_watts

MAX_STACK_LEVEL: Final = 8
MAX_PERIODS: Final = 48
MAX_PROFILES: Final = 20
#: What a composite schedule looks ahead at most, s.
MAX_AHEAD_S: Final = 86_400

#: Purposes.
STATION: Final = "ChargingStationMaxProfile"
DEFAULT: Final = "TxDefaultProfile"
TX: Final = "TxProfile"
PURPOSES: Final = (STATION, DEFAULT, TX)

_LEAST_DA: Final = 60
_MOST_DA: Final = 10_000
_PAUSE_DA: Final = 0
_MOST_PHASES: Final = 3
_REPEATS_S: Final = {"Daily": 86_400, "Weekly": 604_800}
#: More amperes, or watts, than any installation has.
_ENDLESS: Final = 1e6


class BadProfileError(Exception):
    """What was sent is no profile that can be followed; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What holds from ``start_s`` after the begin of its schedule on.

    Args:
        limit: A of each phase, or W of all.
        phases: among which watts are shared out; None: those of the station.
    """

    start_s: int
    limit: float
    phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One charging profile with its schedule.

    Args:
        id: the management system's number.
        stack: the highest that says something at a time is followed.
        purpose: one of ``PURPOSES``.
        kind: ``Absolute``, ``Recurring`` or ``Relative``.
        repeats: ``Daily`` or ``Weekly`` for a recurring one.
        unit: ``A`` or ``W``.
        start_s: begin of the schedule; None: with the transaction.
        duration_s: how long the schedule says something; None: until the end.
        transaction: our own name of the transaction a ``TxProfile`` is for.
        place: the connector, or EVSE, it is for; 0: the whole station.
    """

    id: int
    stack: int
    purpose: str
    kind: str
    unit: str
    periods: tuple[Period, ...]
    repeats: str = ""
    start_s: float | None = None
    duration_s: int | None = None
    valid_from_s: float | None = None
    valid_to_s: float | None = None
    transaction: str = ""
    place: int = 1

    def period_at(self, now_s: float, began_s: float | None) -> Period | None:
        """Return what it says at a time; None: nothing.

        Args:
            now_s: the time.
            began_s: when the transaction began; None: there is none, so it would begin now.
        """
        if self.valid_from_s is not None and now_s < self.valid_from_s:
            return None
        if self.valid_to_s is not None and now_s >= self.valid_to_s:
            return None
        passed_s = now_s - self._begin_s(now_s, began_s)
        if passed_s < 0 or (self.duration_s is not None and passed_s >= self.duration_s):
            return None
        return next((one for one in reversed(self.periods) if one.start_s <= passed_s), None)

    def is_over(self, now_s: float, began_s: float | None) -> bool:
        """Return whether it has nothing to say any more. Args as for ``period_at``."""
        if self.valid_to_s is not None and now_s >= self.valid_to_s:
            return True
        if self.kind == "Recurring" or self.duration_s is None:
            return False
        return now_s - self._begin_s(now_s, began_s) >= self.duration_s

    def changes_after(self, now_s: float, began_s: float | None) -> Iterable[float]:
        """Return when it may say something else within the longest look ahead."""
        begin_s = self._begin_s(now_s, began_s)
        rounds = [begin_s]
        if self.kind == "Recurring":
            repeat_s = _REPEATS_S[self.repeats]
            rounds = [begin_s + n * repeat_s for n in range(2 + MAX_AHEAD_S // repeat_s)]
        for begin in rounds:
            yield from (begin + one.start_s for one in self.periods)
            if self.duration_s is not None:
                yield begin + self.duration_s
        yield from (one for one in (self.valid_from_s, self.valid_to_s) if one is not None)

    def _begin_s(self, now_s: float, began_s: float | None) -> float:
        """Return when the schedule that counts at a time began."""
        if self.kind == "Relative" or self.start_s is None:
            return now_s if began_s is None else began_s
        if self.kind == "Recurring" and now_s >= self.start_s:
            return now_s - (now_s - self.start_s) % _REPEATS_S[self.repeats]
        return self.start_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Mains:
    """What watts are made of here."""

    volts: int = 230
    phases: int = _MOST_PHASES


def check_profile(profile: Profile) -> None:
    """Judge whether a profile can be followed.

    Raises:
        BadProfileError: why not.
    """
    if profile.purpose not in PURPOSES:
        raise BadProfileError("unknown purpose")
    if not 0 <= profile.stack <= MAX_STACK_LEVEL:
        raise BadProfileError(f"stack level 0 to {MAX_STACK_LEVEL} expected")
    if profile.unit not in {"A", "W"}:
        raise BadProfileError("A or W expected")
    if profile.kind == "Recurring" and (
        profile.repeats not in _REPEATS_S or profile.start_s is None
    ):
        raise BadProfileError("a recurring profile needs Daily or Weekly and a begin")
    if profile.purpose == STATION and profile.kind == "Relative":
        raise BadProfileError("a maximum of the station cannot be relative")
    if profile.duration_s is not None and profile.duration_s < 0:
        raise BadProfileError("a duration cannot be negative")
    _check_periods(profile.periods)


def _check_periods(periods: Sequence[Period]) -> None:
    if not 1 <= len(periods) <= MAX_PERIODS:
        raise BadProfileError(f"1 to {MAX_PERIODS} periods expected")
    starts = [one.start_s for one in periods]
    if starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
        raise BadProfileError("periods must begin with 0 and ascend")
    for one in periods:
        if not (math.isfinite(one.limit) and one.limit >= 0):
            raise BadProfileError("a limit must be a number that is not negative")
        if one.phases is not None and not 1 <= one.phases <= _MOST_PHASES:
            raise BadProfileError("1 to 3 phases expected")


def with_profile(
    profiles: Sequence[Profile], new: Profile, most: int = MAX_PROFILES
) -> tuple[Profile, ...]:
    """Return the profiles with one put in, in place of its number or of its place.

    Args:
        profiles: those installed.
        new: the one to put in.
        most: how many there may be.

    Raises:
        BadProfileError: it cannot be followed, or there are too many.
    """
    check_profile(new)
    kept = [one for one in profiles if one.id != new.id and _place(one) != _place(new)]
    if len(kept) >= most:
        raise BadProfileError(f"there are {most} profiles already")
    return (*kept, new)


def _place(profile: Profile) -> tuple[str, int, str, int]:
    return profile.purpose, profile.stack, profile.transaction, profile.place


class Step(NamedTuple):
    """What is permitted from a time on.

    Args:
        start_s: seconds from now.
        limit_da: of each phase; 0 for a pause, None for no limit.
        phases: among which the profile in force shares watts out.
    """

    start_s: int
    limit_da: int | None
    phases: int


class _Limit(NamedTuple):
    limit_da: int
    phases: int


def permitted_da(
    profiles: Iterable[Profile], now_s: float, mains: Mains, transaction: tuple[str, float] | None
) -> int | None:
    """Return what all profiles together permit; 0 for a pause, None for no limit.

    Args:
        profiles: those installed.
        now_s: the time.
        mains: what watts are made of.
        transaction: our own name of the one that runs, and its begin.
    """
    found = _in_force(profiles, now_s, mains, transaction)
    return None if found is None else found.limit_da


def _in_force(
    profiles: Iterable[Profile], now_s: float, mains: Mains, transaction: tuple[str, float] | None
) -> _Limit | None:
    name, began_s = transaction or ("", None)
    found = {
        purpose: _of_purpose(profiles, purpose, (now_s, began_s), mains, name)
        for purpose in PURPOSES
    }
    of_session = found[DEFAULT] if found[TX] is None else found[TX]
    told = [one for one in (found[STATION], of_session) if one is not None]
    return min(told) if told else None


def least_da(
    profiles: Iterable[Profile], now_s: float, mains: Mains, transaction: tuple[str, float] | None
) -> int | None:
    """Return the least they permit from a time on, whenever that is; None for no limit.

    For a clock that nobody has set: it may be behind, by the time the computer was off, but it is
    never ahead. Args as for ``permitted_da``.
    """
    name, began_s = transaction or ("", None)
    told = [
        tenths_of(period, one.unit, mains)
        for one in profiles
        if one.purpose != TX or one.transaction == name
        if not one.is_over(now_s, began_s)
        for period in one.periods
    ]
    return min(told) if told else None


def composite(
    profiles: Sequence[Profile],
    now_s: float,
    ahead_s: int,
    mains: Mains,
    transaction: tuple[str, float] | None,
) -> list[Step]:
    """Return what the profiles will permit from now on. Args as for ``permitted_da``."""
    ahead_s = min(ahead_s, MAX_AHEAD_S)
    began_s = now_s if transaction is None else transaction[1]
    running = transaction or ("", now_s)
    times = {now_s}
    for one in profiles:
        times.update(at for at in one.changes_after(now_s, began_s) if 0 < at - now_s < ahead_s)
    steps: list[Step] = []
    for at in sorted(times):
        limit = _in_force(profiles, at, mains, running)
        said = (None, mains.phases) if limit is None else limit
        if not steps or steps[-1][1:] != said:
            steps.append(Step(math.ceil(at - now_s), *said))
    return steps


def _of_purpose(
    profiles: Iterable[Profile],
    purpose: str,
    when: tuple[float, float | None],
    mains: Mains,
    transaction: str,
) -> _Limit | None:
    """Return what the profiles of a purpose say: those of the connector before the station's."""
    best: tuple[tuple[int, int], _Limit] | None = None
    for one in profiles:
        if one.purpose != purpose or (purpose == TX and one.transaction != transaction):
            continue
        period = one.period_at(*when)
        rank = one.place, one.stack
        if period is not None and (best is None or rank > best[0]):
            limit_da = tenths_of(period, one.unit, mains)
            best = rank, _Limit(limit_da, phases_of(period, mains))
    return None if best is None else best[1]


def phases_of(period: Period, mains: Mains) -> int:
    """Return how many phases a period's watts are shared among: those it names, if we have them."""
    return mains.phases if period.phases is None else min(period.phases, mains.phases)


def tenths_of(period: Period, unit: str, mains: Mains) -> int:
    """Return the current of a period, rounded down; less than 6 A is a pause (IEC 61851-1)."""
    limit = min(period.limit, _ENDLESS)
    if unit == "W":
        limit_da = tenths_of_watts(limit, mains.volts, phases_of(period, mains))
    else:
        limit_da = tenths_below(limit)
    limit_da = min(limit_da, _MOST_DA)
    return limit_da if limit_da >= _LEAST_DA else _PAUSE_DA
