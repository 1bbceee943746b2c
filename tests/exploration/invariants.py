"""What must hold after every control pass, whatever came in.

The watch knows only what went into the rules and what came out of them: it keeps its own account
of windows, times and sessions, and shares no arithmetic with what it watches.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from evsed.charging.memory import Inputs, Memory, Outputs
from evsed.charging.owned_limits import OwnedLimit
from evsed.charging.pilot_window import PilotWindow
from evsed.charging.states import ChargingState, LockStatus, PilotMode, SelfTest

GRACE_MS: Final = 6000
GRACE_AT_MOST_MS: Final = 6100
LOW_AT_LEAST_MS: Final = 300
BLIND_MS: Final = 100
SURELY_OPEN_MS: Final = 200
NEVER_MS: Final = -1_000_000_000

_S = ChargingState
ENERGIZED = frozenset({_S.C2, _S.D2})
PAUSED = frozenset({_S.C1, _S.D1})
SESSION = frozenset({_S.B1, _S.B2, _S.C1, _S.C2, _S.D1, _S.D2})
OFFERING = frozenset({_S.B2, _S.C2, _S.D2})
#: 0 V at the ADC pin of the default board, and the least a plateau of 3 V, 6 V ... reads.
_ZERO_MV, _V12_MV, _V6_LEAST_MV, _V3_LEAST_MV = 1330, 2405, 1792, 1484
_SLACK_MV = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the watch remembers from one pass to the next."""

    state: ChargingState = _S.F
    pilot: PilotMode = PilotMode.LOW
    closed: bool = False
    lock: bool | None = None
    #: begin of -12 V
    low_since_ms: int = NEVER_MS
    opened_ms: int = NEVER_MS
    #: when an energized state was left with the contactor closed
    left_ms: int = NEVER_MS
    seen_ms: int = 0
    #: windows in a row: with the diode in this PWM run; not asking, or without it
    diode_windows: int = 0
    bad_windows: int = 0
    tested: bool = False
    session_since_ms: int | None = None


@dataclass(slots=True)
class Pass:
    """One pass as the invariants see it."""

    watch: Watch
    inputs: Inputs
    before: Memory
    memory: Memory
    outputs: Outputs
    state: ChargingState
    diode_windows: int
    worst_bad_windows: int

    @property
    def now_ms(self) -> int:
        """Time of the pass."""
        return self.inputs.now_ms

    @property
    def closing(self) -> bool:
        """Whether the contactor is commanded closed by this pass."""
        return self.outputs.contactor_closed and not self.watch.closed

    @property
    def in_grace(self) -> bool:
        """Whether grace may be what keeps the contactor closed."""
        return self.watch.closed and self.state in PAUSED


Rule = Callable[[Pass], bool | None]


def _closed(then: Rule) -> Rule:
    return lambda p: then(p) if p.outputs.contactor_closed else None


def _closes(then: Rule) -> Rule:
    return lambda p: then(p) if p.closing else None


def _offers(then: Rule) -> Rule:
    return lambda p: then(p) if p.outputs.pilot is PilotMode.PWM else None


def _grace(p: Pass) -> bool | None:
    if not (p.outputs.contactor_closed and p.state in PAUSED):
        return None
    return p.watch.left_ms == NEVER_MS or p.now_ms - p.watch.left_ms <= GRACE_AT_MOST_MS


def _caps(p: Pass) -> bool:
    rules, offered_da = p.memory.rules, decoded_da(p.outputs.duty_ppm)
    caps = [
        p.memory.charging_current_da,
        rules.max_charging_current_a * 10,
        rules.board_limit_a * 10,
    ]
    if rules.socket_outlet and rules.proximity_fitted:
        caps.append((p.memory.outlet.rating_a or 0) * 10)
    if p.memory.derating.limit_da is not None:
        caps.append(p.memory.derating.limit_da)
    return offered_da <= min(caps)


def _owned(p: Pass) -> bool | None:
    """The offer against every owner's word; an owner that only waits has none."""
    spoken = [
        one.fallback_da if one.lapsed else one.current_da
        for one in p.memory.owned
        if one.lapsed or one.current_da is not None
    ]
    if not spoken:
        return None
    return decoded_da(p.outputs.duty_ppm) <= min(da or 0 for da in spoken)


def _falls_back(p: Pass) -> bool | None:
    """What was owned before this pass and had waited long enough; begun silence starts anew."""
    over = [
        one
        for one in p.before.owned
        if one.until_ms is not None and one.until_ms <= p.now_ms and p.before.last_ms is not None
    ]
    after = {one.owner: one for one in p.memory.owned}
    return all(_fell_back(one, after.get(one.owner), p.now_ms) for one in over) if over else None


def _fell_back(one: OwnedLimit, now: OwnedLimit | None, now_ms: int) -> bool:
    if now is None:
        return one.fallback_da is None
    heard = now.until_ms is None or now.until_ms > now_ms
    return heard if not now.lapsed else now.fallback_da == one.fallback_da is not None


def _no_pause(memory: Memory) -> bool:
    return all((one.fallback_da if one.lapsed else one.current_da) != 0 for one in memory.owned)


def decoded_da(duty_ppm: int) -> float:
    """Return what a vehicle makes of a duty, tenths of an ampere."""
    return duty_ppm * 3 / 5000 if duty_ppm <= 850_000 else (duty_ppm - 640_000) / 400


def _unlocked(p: Pass) -> bool | None:
    if p.outputs.lock is not False or p.memory.rules.socket_outlet is False:
        return None
    return not p.outputs.contactor_closed


def _unlocks(p: Pass) -> bool | None:
    if p.outputs.lock is not False or p.watch.lock is not True:
        return None
    if p.inputs.feedback is not None:
        return p.inputs.feedback is False and not p.watch.closed
    return p.now_ms - p.watch.opened_ms >= SURELY_OPEN_MS


def _leaves_error(p: Pass) -> bool | None:
    if p.watch.state is not _S.E or p.state is _S.E:
        return None
    return p.state in {_S.A, _S.F}


def _leaves_service(p: Pass) -> bool | None:
    if p.watch.state is not _S.F or p.state is _S.F:
        return None
    return p.state in {_S.A, _S.E}


def _low_lasts(p: Pass) -> bool | None:
    if p.watch.pilot is not PilotMode.LOW or p.outputs.pilot is PilotMode.LOW:
        return None
    return p.now_ms - p.watch.low_since_ms >= LOW_AT_LEAST_MS


def _session(p: Pass) -> bool:
    since_ms = p.memory.energy.session_since_ms
    return (since_ms is not None) is (p.state in SESSION)


def _one_session(p: Pass) -> bool | None:
    since_ms, was_ms = p.memory.energy.session_since_ms, p.watch.session_since_ms
    if since_ms is None:
        return None
    return since_ms == was_ms if p.watch.state in SESSION else p.watch.state is _S.A


def _drives_fit(p: Pass) -> bool:
    pilot = p.outputs.pilot
    if p.state is _S.F:
        return pilot is PilotMode.LOW
    if p.state in OFFERING:
        # The wake-up pulse of B2, and -12 V that has to last, are no offer.
        return pilot is PilotMode.PWM or not p.outputs.contactor_closed
    return pilot is not PilotMode.PWM


def _protected(p: Pass) -> bool:
    given = p.inputs
    return not (
        (p.memory.rules.rcm and given.rcm_active)
        or given.emergency_stop
        or given.controller_failed
        or p.now_ms - _seen_ms(p) > BLIND_MS
    )


def _seen_ms(p: Pass) -> int:
    return p.inputs.windows[-1].ended_ms if p.inputs.windows else p.watch.seen_ms


def _permitted(p: Pass) -> bool:
    memory = p.memory
    return (
        memory.enabled
        and memory.available
        and not memory.shutting_down
        and (memory.authorization.authorized or not memory.rules.require_auth)
        and memory.limits.reached is None
        and _no_pause(memory)
        and (p.watch.tested or not memory.rules.rcm)
        and p.inputs.feedback is not True
    )


def _locked_first(p: Pass) -> bool | None:
    rules = p.memory.rules
    if not (rules.socket_outlet and rules.lock_fitted):
        return None
    given = p.inputs
    idle = given.lock_status is LockStatus.IDLE and given.lock_position is not False
    return p.outputs.lock is True and idle


INVARIANTS: Final[Mapping[str, Rule]] = {
    "contactor closed only in C2, D2 or grace": _closed(
        lambda p: p.state in ENERGIZED or p.in_grace
    ),
    "contactor never closed with an error": _closed(lambda p: p.memory.faults.bits == 0),
    "A, B, E and F never energized": lambda p: (
        None if p.state in ENERGIZED | PAUSED else not p.outputs.contactor_closed
    ),
    "no closing before three good diode windows of this PWM run": _closes(
        lambda p: p.watch.pilot is p.outputs.pilot is PilotMode.PWM and p.diode_windows >= 3
    ),
    "open within two bad windows": lambda p: (
        not p.outputs.contactor_closed if p.watch.closed and p.worst_bad_windows >= 2 else None
    ),
    "no closing within the contactor's rest": _closes(
        lambda p: p.now_ms - p.watch.opened_ms >= p.memory.rules.contactor_rest_ms
    ),
    "no closing without permission": _closes(_permitted),
    "no closing before the plug is locked": _closes(_locked_first),
    "never closed blind, tripped or stopped": _closed(_protected),
    "lock never released while closed": _unlocked,
    "lock released only after opening": _unlocks,
    "offer never above any cap": _offers(_caps),
    "offer never above any owned limit": _offers(_owned),
    "an expired limit falls back, or ends": _falls_back,
    "no offer while any owner pauses": lambda p: (
        None if _no_pause(p.memory) else p.state not in OFFERING
    ),
    "duty never below 10 % in PWM": _offers(lambda p: p.outputs.duty_ppm >= 100_000),
    "pilot fits the state": _drives_fit,
    "no offer with an error": lambda p: (
        p.outputs.pilot is not PilotMode.PWM if p.state is _S.E else None
    ),
    "-12 V for at least 300 ms": _low_lasts,
    "E always leaves through A or F": _leaves_error,
    "F always leaves through A or E": _leaves_service,
    "grace never longer than 6.1 s": _grace,
    "a session in B, C and D, and only there": _session,
    "one session per plug-in, begun in A": _one_session,
    "energy never decreases": lambda p: (
        p.memory.energy.total_mws >= p.before.energy.total_mws
        and (
            p.memory.energy.session_mws >= p.before.energy.session_mws
            or p.memory.energy.session_since_ms is None
        )
    ),
    "D2 only with ventilation": lambda p: p.memory.rules.ventilation if p.state is _S.D2 else None,
}


class BrokenInvariantError(AssertionError):
    """An invariant does not hold."""


def follow(
    watch: Watch, before: Memory, inputs: Inputs, memory: Memory, outputs: Outputs
) -> tuple[Watch, list[str]]:
    """Check one pass; return the watch after it, and the names of what was checked.

    Raises:
        BrokenInvariantError: names the invariant.
    """
    diode, bad, worst = _count(watch, inputs)
    now = Pass(watch, inputs, before, memory, outputs, memory.reported_state, diode, worst)
    checked: list[str] = []
    for name, rule in INVARIANTS.items():
        verdict = rule(now)
        if verdict is None:
            continue
        if not verdict:
            raise BrokenInvariantError(name)
        checked.append(name)
    return _after(now, bad), checked


def _count(watch: Watch, inputs: Inputs) -> tuple[int, int, int]:
    diode, bad, worst = watch.diode_windows, watch.bad_windows, 0
    for window in inputs.windows:
        diode = diode + 1 if _shows_diode(window) else 0
        bad = 0 if _asks(window) else bad + 1
        worst = max(worst, bad)
    return diode, bad, worst


def _shows_diode(window: PilotWindow) -> bool:
    high, low = window.high_mv, window.low_mv
    if window.mode is not PilotMode.PWM or not window.plausible or high is None or low is None:
        return False
    mirrored = abs(high + low - 2 * _ZERO_MV) < 103
    return _V3_LEAST_MV - _SLACK_MV <= high <= _V12_MV + _SLACK_MV and low <= 728 and not mirrored


def _asks(window: PilotWindow) -> bool:
    """Whether a window may be taken for 6 V or 3 V with the diode in place."""
    high = window.high_mv
    if high is None or not window.plausible:
        return False
    asking = _V3_LEAST_MV - _SLACK_MV <= high < 2099 + _SLACK_MV
    return asking and (window.mode is PilotMode.HIGH or _shows_diode(window))


def _after(now: Pass, bad: int) -> Watch:
    watch, outputs, state = now.watch, now.outputs, now.state
    same_run = outputs.pilot is watch.pilot
    left_ms = watch.left_ms
    if state not in PAUSED or not outputs.contactor_closed:
        left_ms = NEVER_MS
    elif watch.state in ENERGIZED:
        left_ms = now.now_ms
    return Watch(
        state=state,
        pilot=outputs.pilot,
        closed=outputs.contactor_closed,
        lock=outputs.lock,
        low_since_ms=watch.low_since_ms if same_run else now.now_ms,
        opened_ms=(
            now.now_ms if watch.closed and not outputs.contactor_closed else watch.opened_ms
        ),
        left_ms=left_ms,
        seen_ms=_seen_ms(now),
        diode_windows=now.diode_windows if same_run else 0,
        bad_windows=bad if outputs.contactor_closed else 0,
        tested=state in SESSION and (watch.tested or now.memory.rcm_test is SelfTest.PASSED),
        session_since_ms=now.memory.energy.session_since_ms,
    )
