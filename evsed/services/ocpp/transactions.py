"""From moments to transactions: when one begins, goes on and ends, and what is told of it. Pure.

A transaction is a vehicle that is connected and may charge. Energy is read from a register that
never falls, whatever is done to the charger's own. Source: OCPP 1.6 section 4, 2.0.1 section E.
"""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from evsed.services.ocpp.moment import Moment

START: Final = "start"
UPDATE: Final = "update"
STOP: Final = "stop"

#: Why a transaction ended, in the words both versions share.
EV_DISCONNECTED: Final = "EVDisconnected"
OTHER: Final = "Other"
POWER_LOSS: Final = "PowerLoss"
REBOOT: Final = "Reboot"

#: A meter value at a full hour or the like: its context, and why a message came.
CLOCK: Final = "Sample.Clock"
CLOCK_TRIGGER: Final = "MeterValueClock"

#: Charging states of 2.0.1; statuses of 1.6 follow from them.
CHARGING: Final = "Charging"
CONNECTED: Final = "EVConnected"
SUSPENDED_EV: Final = "SuspendedEV"
SUSPENDED_EVSE: Final = "SuspendedEVSE"

_CHARGING_STATES: Final = frozenset({"C2", "D2"})
_EV_WAITS: Final = frozenset({"vehicle_not_asking", "under_power_limit"})
#: The word to stop is given so long to reach the charger, whose contactor may be about to close.
_HEEDED_MS: Final = 2_000
_HEEDED: Final = "paused_by_limit"
#: Where a transaction stands is written down so often when nobody wants meter values.
_NOTED_S: Final = 60
#: The contactor is given so long to open before the energy of a stopped transaction is read.
_WIND_DOWN_MS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A counter of energy that never falls: the charger's own may be set back to 0."""

    lost_ws: int = 0
    last_ws: int = 0

    def read(self, total_ws: int) -> "Register":
        """Return the register after a look at the charger's own."""
        fallen_ws = max(0, self.last_ws - total_ws)
        return Register(lost_ws=self.lost_ws + fallen_ws, last_ws=total_ws)

    @property
    def ws(self) -> int:
        """What it shows."""
        return self.lost_ws + self.last_ws


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction that runs.

    Args:
        id: our own name; 2.0.1 sends it.
        boot, began_ms: which session of the charger it belongs to.
        token: who charges.
        start_s, start_ms: when it began, in Unix seconds, and by the charger's clock.
        meter_start_ws: the register at its begin.
        state: one of the charging states.
        seq: how many messages of it there have been.
        seen_s, seen_ws: when it was last written down, and the register then.
        ending: why it is being stopped; empty while it goes on.
        ending_ms: since when.
        remote_start: the number with which the management system asked for it.
        denied: its token is not accepted: it goes on, without energy.
        parent: the group of the token; empty: none.
        stopper: the token that is stopping it; empty: none is.
    """

    id: str
    boot: str
    began_ms: int
    token: str
    start_s: float
    meter_start_ws: int
    state: str = CONNECTED
    seq: int = 0
    seen_s: float = 0.0
    seen_ws: int = 0
    ending: str = ""
    ending_ms: int = 0
    remote_start: int | None = None
    start_ms: int | None = None
    denied: bool = False
    parent: str = ""
    stopper: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what is kept."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is agreed besides the moment.

    Args:
        token: who charges when a transaction begins now.
        interval_s: pause between two meter values; 0: there are none.
        offline: nobody listens at this moment.
        remote_start: see ``Transaction``.
        held: nothing may begin by itself.
        kind: of the token; empty: unknown.
        parent: see ``Transaction``.
    """

    token: str
    interval_s: int
    offline: bool = False
    remote_start: int | None = None
    held: bool = False
    kind: str = ""
    parent: str = ""


@dataclass(slots=True)
class Told:
    """What one look has brought: the transaction as it is now, and what is to be delivered."""

    transaction: Transaction | None
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    ended: Transaction | None = None

    def add(self, kind: str, running: Transaction, event: Mapping[str, Any]) -> Transaction:
        """Add a message; return the transaction that has it."""
        self.events.append((kind, running.id, {"kind": kind, "seq": running.seq, **event}))
        return replace(running, seq=running.seq + 1)


def follow(
    running: Transaction | None, now: Moment, register: Register, before_ws: int, terms: Terms
) -> Told:
    """Return how transactions stand after one look.

    Args:
        running: the one so far.
        now: the charger.
        register: the energy now.
        before_ws: the register at the begin of the charger's session, or where another
            transaction of it has ended.
        terms: what else counts.
    """
    told = Told(running)
    if running is not None:
        reason = _end_of(running, now)
        if reason:
            _end(told, running, now, register, reason, terms)
        else:
            told.transaction = _go_on(told, running, now, register, terms)
    if told.transaction is None and _may_begin(now, terms):
        first_ws = register.ws if running is not None else before_ws
        told.transaction = _begin(told, now, register, first_ws, terms)
    return told


def is_of(running: Transaction, now: Moment) -> bool:
    """Return whether the charger's session is that of a transaction."""
    return (running.boot, running.began_ms) == (now.boot, now.began_ms)


def charging_state(now: Moment) -> str:
    """Return what 2.0.1 calls the state of charging of a vehicle that is connected."""
    if now.state in _CHARGING_STATES and now.contactor_closed:
        return CHARGING
    if now.pending_auth:
        return CONNECTED
    if now.reason in _EV_WAITS:
        return SUSPENDED_EV
    return CONNECTED if now.reason in {"starting", "pilot_settling"} else SUSPENDED_EVSE


def lost(running: Transaction, now: Moment, register: Register) -> Told:
    """Return the end of a transaction whose charger was off, or was started anew, meanwhile."""
    reason = REBOOT if running.boot == now.boot else POWER_LOSS
    told = Told(None)
    event = _event(now, register, running.seen_ws) | {
        "at": {"wall": running.seen_s, "ms": 0, "boot": "", "set": True},
        "reason": reason,
        "trigger": "AbnormalCondition",
        "token": running.stopper,
        "offline": True,
    }
    told.add(STOP, running, event)
    told.ended = running
    return told


def is_settling(now: Moment) -> bool:
    """Tell whether it is not known yet if a vehicle is connected."""
    unknown = now.state == "A" and now.reason in {"self_check", "pilot_settling"}
    return unknown and now.available and not now.faults


def measured(running: Transaction, now: Moment, register: Register, *, why: str) -> Told:
    """Return a transaction that says what is measured now, because of ``why``: a word of 2.0.1."""
    told = Told(running)
    event = _event(now, register, 0) | {
        "trigger": why,
        "state": running.state,
        "context": CLOCK if why == CLOCK_TRIGGER else "Trigger",
        "offline": False,
    }
    told.transaction = told.add(UPDATE, running, event)
    return told


def from_kept(state: Mapping[str, Any]) -> Transaction:
    """Return what was kept; a version that went back does not know every word of a newer one."""
    names = {one.name for one in fields(Transaction)}
    return Transaction(**{key: value for key, value in state.items() if key in names})


def cut_off(running: Transaction, reason: str) -> tuple[str, dict[str, Any]]:
    """Return kind and words of the end of a transaction nobody looks after any more."""
    event = {
        "kind": STOP,
        "seq": running.seq,
        "at": {"wall": running.seen_s, "ms": 0, "boot": "", "set": True},
        "meter": max(running.seen_ws, running.meter_start_ws),
        "sample": None,
        "reason": running.ending or reason,
        "trigger": "AbnormalCondition",
        "token": running.stopper,
        "offline": True,
    }
    return STOP, event


def _end_of(running: Transaction, now: Moment) -> str:
    """Return why a transaction has ended; empty: it has not."""
    if not is_of(running, now):
        return running.ending or (OTHER if now.faults or now.state == "F" else EV_DISCONNECTED)
    since_ms = now.at_ms - running.ending_ms
    heeded = now.reason == _HEEDED or since_ms >= _HEEDED_MS
    wound_down = (heeded and not now.contactor_closed) or since_ms >= _WIND_DOWN_MS
    return running.ending if running.ending and wound_down else ""


def _may_begin(now: Moment, terms: Terms) -> bool:
    ready = now.session and not now.pending_auth and not now.faults and now.available
    return ready and not terms.held


def is_unplugged(now: Moment) -> bool:
    """Tell whether it is certain that no vehicle is connected."""
    return now.state == "A" and now.reason == "no_vehicle"


def _begin(told: Told, now: Moment, register: Register, first_ws: int, terms: Terms) -> Transaction:
    began_ms = now.began_ms
    fresh = Transaction(
        id=str(uuid.uuid4()),
        boot=now.boot,
        began_ms=0 if began_ms is None else began_ms,
        token=terms.token,
        start_s=now.wall_s,
        start_ms=now.at_ms,
        meter_start_ws=first_ws,
        state=charging_state(now),
        seen_s=now.wall_s,
        seen_ws=register.ws,
        remote_start=terms.remote_start,
        parent=terms.parent,
    )
    event = _event(now, register, 0) | {
        "meter": first_ws,
        "token": terms.token,
        "tokenKind": terms.kind,
        "trigger": "RemoteStart" if terms.remote_start is not None else "Authorized",
        "state": fresh.state,
        "remoteStart": terms.remote_start,
        "offline": terms.offline,
    }
    return told.add(START, fresh, event)


def _go_on(
    told: Told, running: Transaction, now: Moment, register: Register, terms: Terms
) -> Transaction:
    state = charging_state(now)
    pause_s = terms.interval_s or _NOTED_S
    due = now.wall_s - running.seen_s >= pause_s or now.wall_s < running.seen_s
    if due and not terms.interval_s:
        running = replace(running, seen_s=now.wall_s, seen_ws=register.ws)
        due = False
    if state == running.state and not due:
        return running
    event = _event(now, register, 0) | {
        "trigger": "MeterValuePeriodic" if state == running.state else "ChargingStateChanged",
        "state": state,
        "offline": terms.offline,
    }
    if not due:
        event["sample"] = None
        return replace(told.add(UPDATE, running, event), state=state)
    after = told.add(UPDATE, running, event)
    return replace(after, state=state, seen_s=now.wall_s, seen_ws=register.ws)


_TRIGGERS: Final = {
    EV_DISCONNECTED: "EVCommunicationLost",
    "Remote": "RemoteStop",
    "Local": "StopAuthorized",
    "DeAuthorized": "Deauthorized",
    "SoftReset": "ResetCommand",
    "HardReset": "ResetCommand",
    "UnlockCommand": "UnlockCommand",
}


def _end(
    told: Told,
    running: Transaction,
    now: Moment,
    register: Register,
    reason: str,
    terms: Terms,
) -> None:
    event = _event(now, register, running.meter_start_ws) | {
        "reason": reason,
        "trigger": _TRIGGERS.get(reason, "AbnormalCondition"),
        "token": running.stopper,
        "faults": list(now.faults) if reason == OTHER else [],
        "offline": terms.offline,
    }
    told.add(STOP, running, event)
    told.transaction, told.ended = None, running


def sample_of(now: Moment, meter_ws: int, context: str) -> dict[str, Any]:
    """Return what is measured, as an event of no transaction."""
    return {"meter": meter_ws, "context": context, "sample": _sample(now)}


def at_of(now: Moment) -> dict[str, Any]:
    """Return when it is, as it is written down."""
    return {"wall": now.wall_s, "ms": now.at_ms, "boot": now.boot, "set": now.clock_set}


def _event(now: Moment, register: Register, least_ws: int) -> dict[str, Any]:
    return {"at": at_of(now), "meter": max(register.ws, least_ws), "sample": _sample(now)}


def _sample(now: Moment) -> dict[str, Any]:
    return {
        "power": now.power_w,
        "currents": now.currents_a,
        "voltages": now.voltages_v,
        "offered": now.offered_da,
    }
