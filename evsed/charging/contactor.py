"""The contactor: when it may close, when it must open, and whether it obeyed. Pure.

Source: charging.md sections 7 (grace, closing rule), 18.1, 18.8.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from evsed.charging.debounce import (
    ASKING_TO_CLOSE_MS,
    DIODE_WINDOWS_TO_CLOSE,
    PilotLine,
)
from evsed.charging.rules import Rules
from evsed.charging.snapshot import ContactorCounters, Phases
from evsed.charging.states import Fault

#: How long the vehicle may go on drawing after the offer was withdrawn.
GRACE_MS: Final = 6000
#: Below this on every phase for this long, grace ends early.
NO_LOAD_A: Final = 0.5
_NO_LOAD_MS: Final = 500
#: How soon the diode must show after an offer resumes with the contactor still closed.
_DIODE_MS: Final = 300
#: The pilot has not been measured for this long: open.
BLIND_MS: Final = 100
#: Contacts that have not followed by then are welded, or do not close.
_WELDED_MS: Final = 500
_NOT_CLOSED_MS: Final = 300
#: Without an auxiliary contact: current that still flows this long after opening.
_CURRENT_AFTER_MS: Final = 1000
_CURRENT_AFTER_A: Final = 1.0
#: Without an auxiliary contact the contactor counts as open after this.
_SURELY_OPEN_MS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Contactor:
    """What is commanded, since when, and until when grace lasts."""

    closed: bool = False
    #: start of the present command
    since_ms: int = 0
    ever_closed: bool = False
    grace_until_ms: int | None = None
    no_load_since_ms: int | None = None
    diode_by_ms: int | None = None
    counters: ContactorCounters = field(default_factory=ContactorCounters)


def open_now(contactor: Contactor, now_ms: int, currents_a: Phases) -> Contactor:
    """Return a closed contactor commanded open; the counters note whether current flowed."""
    counters = contactor.counters
    loaded = max(currents_a) >= NO_LOAD_A
    return Contactor(
        since_ms=now_ms,
        ever_closed=True,
        counters=replace(
            counters,
            openings=counters.openings + 1,
            loaded_openings=counters.loaded_openings + loaded,
        ),
    )


def close_now(contactor: Contactor, now_ms: int) -> Contactor:
    """Return the contactor commanded closed."""
    counters = replace(contactor.counters, closings=contactor.counters.closings + 1)
    return Contactor(closed=True, since_ms=now_ms, ever_closed=True, counters=counters)


def withdraw_offer(contactor: Contactor, now_ms: int) -> Contactor:
    """C2 or D2 is left for C1 or D1: the vehicle has 6 s to stop drawing (Q2)."""
    if not contactor.closed:
        return contactor
    return replace(
        contactor,
        grace_until_ms=now_ms + GRACE_MS,
        no_load_since_ms=None,
        diode_by_ms=None,
    )


def renew_offer(contactor: Contactor, now_ms: int) -> Contactor:
    """C1 or D1 is left for C2 or D2 with the contactor still closed: the diode must show again."""
    if not contactor.closed:
        return contactor
    return replace(contactor, grace_until_ms=None, diode_by_ms=now_ms + _DIODE_MS)


def blind(line: PilotLine, now_ms: int) -> bool:
    """Return whether the pilot has not been measured for too long to keep the contactor closed."""
    return now_ms - line.seen_ms > BLIND_MS


def run_timers(
    contactor: Contactor, line: PilotLine, now_ms: int, currents_a: Phases | None
) -> tuple[Contactor, bool]:
    """Return the contactor after its timers, and whether one of them ends its being closed.

    Args:
        contactor: commanded closed.
        line: the pilot's windows.
        now_ms: time of this pass.
        currents_a: measured currents, None when the station does not measure them.
    """
    diode_by_ms, grace_until_ms = contactor.diode_by_ms, contactor.grace_until_ms
    if diode_by_ms is not None:
        if line.diode_windows < DIODE_WINDOWS_TO_CLOSE:
            return contactor, now_ms >= diode_by_ms
        contactor = replace(contactor, diode_by_ms=None)
    if grace_until_ms is None:
        return contactor, False
    contactor = _watch_load(contactor, now_ms, currents_a)
    no_load = contactor.no_load_since_ms
    unloaded = no_load is not None and now_ms - no_load >= _NO_LOAD_MS
    return contactor, unloaded or now_ms >= grace_until_ms


def _watch_load(contactor: Contactor, now_ms: int, currents_a: Phases | None) -> Contactor:
    since_ms = contactor.no_load_since_ms
    loaded = currents_a is None or max(currents_a) >= NO_LOAD_A
    if loaded is (since_ms is None):
        return contactor
    return replace(contactor, no_load_since_ms=None if loaded else now_ms)


def rested(contactor: Contactor, rules: Rules, now_ms: int) -> bool:
    """Return whether the contactor has been open long enough to close again."""
    return not contactor.ever_closed or now_ms - contactor.since_ms >= rules.contactor_rest_ms


def may_close(line: PilotLine, now_ms: int, *, feedback: bool | None) -> bool:
    """Return whether pilot, diode and auxiliary contact permit closing."""
    asking = line.asking_since_ms is not None and now_ms - line.asking_since_ms >= (
        ASKING_TO_CLOSE_MS
    )
    diode = line.diode_windows >= DIODE_WINDOWS_TO_CLOSE
    return asking and diode and not blind(line, now_ms) and not feedback


def confirmed_open(
    contactor: Contactor, now_ms: int, *, feedback: bool | None, currents_a: Phases | None
) -> bool:
    """Return whether the contacts are known to be open.

    Without an auxiliary contact they are after a while, unless current says that they are not.
    """
    if contactor.closed:
        return False
    if feedback is not None:
        return not feedback
    if currents_a is not None and max(currents_a) > _CURRENT_AFTER_A:
        return False
    return not contactor.ever_closed or now_ms - contactor.since_ms >= _SURELY_OPEN_MS


def disobedience(
    contactor: Contactor,
    rules: Rules,
    now_ms: int,
    *,
    feedback: bool | None,
    currents_a: Phases | None,
) -> Fault:
    """Return what contacts and current say against the command. Source: charging.md 18.1."""
    since_ms = now_ms - contactor.since_ms
    if feedback is None:
        flowing = currents_a is not None and max(currents_a) > _CURRENT_AFTER_A
        welded = flowing and not contactor.closed and since_ms > _CURRENT_AFTER_MS
        return Fault.CONTACTOR_WELDED if welded else Fault.NONE
    if feedback is contactor.closed:
        return Fault.NONE
    if contactor.closed:
        late = since_ms > max(_NOT_CLOSED_MS, rules.close_time_ms)
        return Fault.CONTACTOR_OPEN_FAULT if late else Fault.NONE
    late = since_ms > max(_WELDED_MS, rules.open_time_ms)
    return Fault.CONTACTOR_WELDED if late else Fault.NONE
