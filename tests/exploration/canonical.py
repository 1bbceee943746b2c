"""One memory for all that differ only in how long ago something was, as far as rules can tell.

Ages are rounded down and times still to wait are rounded up to the bounds the rules compare them
with; what only grows (counters, energy) is forgotten. The result is a real ``Memory`` whose last
pass was at ``BASE_MS``, so that the real rules can go on from it.
"""

from dataclasses import dataclass, replace

from evsed.charging.contactor import Contactor
from evsed.charging.debounce import PilotLine, _needed_ms
from evsed.charging.energy import Energy
from evsed.charging.faults import Faults
from evsed.charging.memory import Memory, PilotDrive
from evsed.charging.outlet import Outlet
from evsed.charging.protections import Derating, Overcurrent
from evsed.charging.rules import Rules
from evsed.charging.snapshot import ContactorCounters
from evsed.charging.states import ASKING, MeterMode, PilotMode, PilotReading
from evsed.charging.wake_up import WakeUp

#: The time of the last pass in every canonical memory.
BASE_MS = 100_000_000
_NEW = ContactorCounters()


@dataclass(frozen=True)
class Rebase:
    """Moves times from a pass at ``now_ms`` to ``BASE_MS``."""

    now_ms: int

    def age(self, since_ms: int, *bounds: int) -> int:
        """Return a past time, its age rounded down to 0 or one of the ascending bounds."""
        age = self.now_ms - since_ms
        return BASE_MS - max((bound for bound in bounds if age >= bound), default=0)

    def maybe_age(self, since_ms: int | None, *bounds: int) -> int | None:
        """Return the same for a time that may be missing."""
        return None if since_ms is None else self.age(since_ms, *bounds)

    def wait(self, until_ms: int | None, *bounds: int) -> int | None:
        """Return a future time, what is left of it rounded up to 0 or one of the bounds."""
        if until_ms is None:
            return None
        left = until_ms - self.now_ms
        return BASE_MS + (min(b for b in (0, *bounds) if b >= left) if left > 0 else 0)


def canonical(memory: Memory) -> Memory:
    """Return the representative of a memory after a pass."""
    assert memory.last_ms is not None
    at = Rebase(memory.last_ms)
    return replace(
        memory,
        last_ms=BASE_MS,
        error_since_ms=at.maybe_age(memory.error_since_ms, 5000),
        line=_line(memory.line, at, closed=memory.contactor.closed),
        pilot=_pilot(memory.pilot, at),
        faults=_faults(memory.faults, at),
        authorization=replace(
            memory.authorization,
            granted_until_ms=at.wait(memory.authorization.granted_until_ms, 60_000),
        ),
        limits=replace(
            memory.limits,
            under_power_since_ms=at.maybe_age(memory.limits.under_power_since_ms, 60_000),
        ),
        owned=tuple(
            replace(one, until_ms=at.wait(one.until_ms, one.lease_ms or 0)) for one in memory.owned
        ),
        outlet=_outlet(memory.outlet, at),
        contactor=_contactor(memory.contactor, memory.rules, at),
        overcurrent=_overcurrent(memory.overcurrent, at),
        derating=_derating(memory.derating, at),
        wake_up=_wake_up(memory.wake_up, at),
        energy=Energy(session_since_ms=at.maybe_age(memory.energy.session_since_ms)),
    )


def _line(line: PilotLine, at: Rebase, *, closed: bool) -> PilotLine:
    counted = line.stable in ASKING and line.candidate is PilotReading.V9
    timed = line.candidate is not None and not counted
    needed_ms = _needed_ms(line.stable, line.candidate) if timed else 0
    return replace(
        line,
        candidate_since_ms=at.age(line.candidate_since_ms, needed_ms) if timed else 0,
        candidate_windows=min(line.candidate_windows, 2) if counted else 0,
        bad_windows=min(line.bad_windows, 2) if closed else 0,
        asking_since_ms=at.maybe_age(line.asking_since_ms, 250),
        diode_windows=min(line.diode_windows, 3),
        diode_missing_since_ms=at.maybe_age(line.diode_missing_since_ms, 150),
        seen_ms=at.age(line.seen_ms, 101, 1001),
    )


def _pilot(drive: PilotDrive, at: Rebase) -> PilotDrive:
    low, offering = drive.mode is PilotMode.LOW, drive.mode is PilotMode.PWM
    return replace(
        drive,
        since_ms=at.age(drive.since_ms, 300) if low else BASE_MS,
        raised_ms=at.age(drive.raised_ms, 1000) if offering else BASE_MS,
        # What was offered last matters to the over-current watch in grace, nowhere else.
        offered_da=drive.offered_da,
    )


def _faults(faults: Faults, at: Rebase) -> Faults:
    deadlines = tuple((bit, at.wait(until, 60_000) or BASE_MS) for bit, until in faults.deadlines)
    return replace(
        faults, deadlines=tuple(sorted(deadlines)), retries=tuple(sorted(faults.retries))
    )


def _outlet(outlet: Outlet, at: Rebase) -> Outlet:
    return replace(
        outlet,
        taken_ms=BASE_MS - 1,
        free_since_ms=at.maybe_age(outlet.free_since_ms, 2000),
    )


def contactor_bounds(rules: Rules) -> tuple[int, ...]:
    """Return the ages of a command to the contactor that make a difference."""
    bounds = {301, 501} if rules.feedback_fitted else {200}
    measured = set() if rules.meter_mode is MeterMode.DUMMY else {1001}
    return tuple(sorted((bounds | measured | {rules.contactor_rest_ms}) - {0}))


def _contactor(contactor: Contactor, rules: Rules, at: Rebase) -> Contactor:
    return replace(
        contactor,
        since_ms=at.age(contactor.since_ms, *contactor_bounds(rules)),
        grace_until_ms=at.wait(contactor.grace_until_ms, 3000, 6000),
        no_load_since_ms=at.maybe_age(contactor.no_load_since_ms, 500),
        diode_by_ms=at.wait(contactor.diode_by_ms, 300),
        counters=_NEW,
    )


def _overcurrent(watch: Overcurrent, at: Rebase) -> Overcurrent:
    return replace(
        watch,
        slow_since_ms=at.maybe_age(watch.slow_since_ms, 7000),
        fast_since_ms=at.maybe_age(watch.fast_since_ms, 1000),
        allowance_until_ms=at.wait(watch.allowance_until_ms, 7000) or BASE_MS,
    )


def _derating(derating: Derating, at: Rebase) -> Derating:
    return replace(derating, moved_ms=at.age(derating.moved_ms, 1000))


def _wake_up(wake_up: WakeUp, at: Rebase) -> WakeUp:
    return replace(
        wake_up,
        waiting_since_ms=at.maybe_age(wake_up.waiting_since_ms, 30_000),
        pulse_since_ms=at.maybe_age(wake_up.pulse_since_ms, 4000, 4750),
        asked_ms=at.maybe_age(wake_up.asked_ms, 3_600_000),
    )
