"""The flight recorder: what led to a fault, as a trace that can be replayed.

The control thread only appends small values to bounded rings here; ``write`` runs elsewhere.
Source: trace.md; charging.md section 18.18.
"""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from evsed.charging.commands import (
    ApplyRules,
    Authorize,
    ClearLimit,
    Command,
    Enable,
    LapseLimits,
    MakeAvailable,
    RenewLimit,
    SetChargingCurrent,
    SetChargingTimeLimit,
    SetConsumptionLimit,
    SetLimit,
    SetUnderPowerLimit,
    Together,
)
from evsed.charging.memory import Inputs, Memory
from evsed.charging.pilot_window import classify
from evsed.charging.rules import Rules
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import (
    ChargingState,
    Fault,
    PilotMode,
    PilotReading,
    SelfTest,
    fault_names,
)
from evsed.station.limit_words import spoken_command, spoken_limits
from evsed.station.trace import Event, Json, Trace, write_trace

#: Events kept since the station last was at rest; older ones are overwritten.
_ROOM: Final = 2048
#: An expectation is written once the picture has been the same this long.
_SETTLED_MS: Final = 600
#: How long after a fault the recording goes on.
_AFTERMATH_MS: Final = 1000
#: Recordings that may wait for the disk.
_WAITING: Final = 8
#: Files kept.
_KEPT: Final = 20

#: Faults whose causes a trace has no word for: a replay cannot show what is shown meanwhile.
_UNSPEAKABLE: Final = (
    Fault.CONTACTOR_WELDED
    | Fault.CONTACTOR_OPEN_FAULT
    | Fault.OVERCURRENT
    | Fault.CABLE_FAULT
    | Fault.SUPPLY_FAULT
    | Fault.CONTROLLER_FAULT
    | Fault.EMERGENCY_STOP
)

_VEHICLE: Final[Mapping[PilotReading, str]] = {
    PilotReading.V12: "none",
    PilotReading.V9: "connected",
    PilotReading.V6: "charging",
    PilotReading.V3: "ventilation",
    PilotReading.V0: "short",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One fault with what led to it; formatted by whoever writes it."""

    faults: Fault
    start: Memory
    start_ms: int
    events: tuple[Event, ...]


@dataclass(slots=True)
class Recorder:
    """Rings of what changed. Control thread only, except ``recordings``, which anybody may take."""

    recordings: deque[Recording] = field(default_factory=lambda: deque(maxlen=_WAITING))
    _events: deque[Event] = field(default_factory=lambda: deque(maxlen=_ROOM))
    _start: Memory = field(default_factory=Memory)
    _start_ms: int = 0
    _inputs: dict[str, Json] = field(default_factory=dict)
    _shown: dict[str, Json] = field(default_factory=dict)
    _shown_since_ms: int = 0
    _shown_noted: bool = False
    _faults: Fault = Fault.NONE
    _due_ms: int | None = None
    #: where the newest self-test began; a failure is noted there, for a replay knows at once
    _test: dict[str, Json] | None = None
    _at_rest: bool = False
    _begun: bool = False

    def note_command(self, now_ms: int, command: Command) -> None:
        """Record a command that was taken."""
        self._note_shown(now_ms)
        commands = tuple(_commands(command))
        if commands:
            self._events.append(Event(t_ms=now_ms - self._start_ms, commands=commands))

    def note_pass(self, memory: Memory, inputs: Inputs, snapshot: Snapshot) -> None:
        """Record what this pass saw and showed, as far as it differs from the last one."""
        now_ms = inputs.now_ms
        self._begin_at_rest(memory, snapshot, now_ms)
        seen = _inputs(memory, inputs)
        self._note_test(memory.rcm_test, now_ms)
        changes = {key: value for key, value in seen.items() if self._inputs.get(key) != value}
        if changes:
            self._note_shown(now_ms)
            self._inputs.update(changes)
            self._events.append(Event(t_ms=now_ms - self._start_ms, changes=changes))
        shown = _shown(memory, snapshot)
        if shown != self._shown:
            self._shown, self._shown_since_ms, self._shown_noted = shown, now_ms, False
        if snapshot.faults & ~self._faults:
            self._due_ms = now_ms + _AFTERMATH_MS
        self._faults = snapshot.faults
        if self._due_ms is not None and now_ms >= self._due_ms:
            self._finish(now_ms)

    def _note_test(self, test: SelfTest, now_ms: int) -> None:
        """Note what a self-test of the residual current monitor has said where it began."""
        if test is SelfTest.RUNNING and self._test is None:
            self._test = {"rcmTestOk": True}
            self._events.append(Event(t_ms=now_ms - self._start_ms, changes=self._test))
        elif test is SelfTest.FAILED and self._test is not None:
            self._test["rcmTestOk"] = False
        if test is not SelfTest.RUNNING:
            self._test = None

    def _begin_at_rest(self, memory: Memory, snapshot: Snapshot, now_ms: int) -> None:
        """Start afresh whenever the station comes to rest in A: a replay starts there too."""
        at_rest = snapshot.state is ChargingState.A and memory.line.stable is PilotReading.V12
        came_to_rest = at_rest and not self._at_rest and self._due_ms is None
        if came_to_rest or not self._begun:
            self._begun = True
            self._events.clear()
            self._inputs.clear()
            self._start, self._start_ms = memory, now_ms
        self._at_rest = at_rest

    def _note_shown(self, now_ms: int) -> None:
        if self._shown_noted or now_ms - self._shown_since_ms < _SETTLED_MS:
            return
        if self._faults & _UNSPEAKABLE:
            return
        self._shown_noted = True
        self._events.append(Event(t_ms=now_ms - self._start_ms, expected=self._shown))

    def _finish(self, now_ms: int) -> None:
        self._due_ms = None
        self._note_shown(now_ms)
        self.recordings.append(
            Recording(
                faults=self._faults,
                start=self._start,
                start_ms=self._start_ms,
                events=tuple(self._events),
            )
        )


def write_recording(recording: Recording, folder: Path) -> Path:
    """Write a recording to a new file; the oldest files go. Not for the control thread.

    Raises:
        OSError: it could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = "-".join(fault_names(recording.faults)) or "cleared"
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    path = _free(folder, f"{stamp}-{names}")
    trace = _trace(recording, path.stem)
    path.write_text("".join(write_trace(trace)), encoding="utf-8")
    for old in sorted(folder.glob("*.jsonl"))[:-_KEPT]:
        old.unlink(missing_ok=True)
    return path


def _free(folder: Path, name: str) -> Path:
    """Return a file that does not exist: several recordings may be written in one second."""
    path, number = folder / f"{name}.jsonl", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}.jsonl"
    return path


def _trace(recording: Recording, name: str) -> Trace:
    start, rules = recording.start, recording.start.rules
    return Trace(
        name=name,
        pass_ms=20,
        board={
            "socketLock": rules.lock_fitted,
            "proximity": rules.proximity_fitted,
            "rcm": True,
            "temperatureSensor": rules.temperature_sensor,
            "ventilation": rules.ventilation,
            "minOffTime": rules.contactor_rest_ms,
        },
        settings={
            **dict(_settings(rules)),
            "chargingCurrent": start.charging_current_da / 10,
            "consumptionLimit": start.limits.consumption_ws / 3600,
            "chargingTimeLimit": start.limits.charging_time_s,
            "underPowerLimit": start.limits.under_power_w,
            "enabled": start.enabled,
            "available": start.available,
            **_owned(recording),
        },
        events=recording.events,
    )


def _owned(recording: Recording) -> dict[str, Json]:
    """Return the limits others had at the start; a trace without any has no word for them."""
    owned = recording.start.owned
    return {"limits": spoken_limits(owned, recording.start_ms)} if owned else {}


def _settings(rules: Rules) -> tuple[tuple[str, Json], ...]:
    return (
        ("maxChargingCurrent", rules.max_charging_current_a),
        ("requireAuth", rules.require_auth),
        ("socketOutlet", rules.socket_outlet),
        ("rcm", rules.rcm),
        ("temperatureThreshold", rules.temperature_threshold_c),
    )


def _inputs(memory: Memory, inputs: Inputs) -> dict[str, Json]:
    """Return the inputs of a trace as this pass saw them; what cannot be known is left out."""
    seen: dict[str, Json] = {
        "rcm": inputs.rcm_active,
        "lock": inputs.lock_status.value,
        "tempFault": inputs.temperature_fault,
        "diode": not memory.line.diode_missing(inputs.now_ms)
        and not memory.faults.has(Fault.DIODE_SHORT),
    }
    vehicle = _VEHICLE.get(_reading(memory, inputs))
    if vehicle is not None:
        seen["vehicle"] = vehicle
    if memory.outlet.rating_a is not None:
        seen["cable"] = memory.outlet.rating_a
    if inputs.temperature_high_cdeg is not None:
        seen["temp"] = inputs.temperature_high_cdeg / 100
    if memory.limits.reached is not None:
        seen["consumption"] = memory.energy.session_ws / 3600
        seen["chargingTime"] = memory.energy.charging_time_ms // 1000
    if memory.limits.under_power_w:
        seen["power"] = memory.power.power_w
    return seen


def _reading(memory: Memory, inputs: Inputs) -> PilotReading:
    """Return the settled reading; when the rules have just forgotten it, what was seen last."""
    if memory.line.stable is not None:
        return memory.line.stable
    if not inputs.windows or inputs.windows[-1].mode is PilotMode.LOW:
        return PilotReading.INVALID
    return classify(inputs.windows[-1], memory.rules.pilot_levels, None)


def _shown(memory: Memory, snapshot: Snapshot) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "state": snapshot.state.value,
        "errors": list(fault_names(snapshot.faults)),
        "contactor": snapshot.contactor_closed,
        "pendingAuth": snapshot.pending_auth,
        "session": snapshot.session,
    }
    if memory.wake_up.pulse_since_ms is None:
        shown["pilot"] = snapshot.pilot.value
    if snapshot.pilot is PilotMode.PWM and memory.derating.limit_da is None:
        shown["offeredCurrent"] = snapshot.offered_da / 10
    return shown


def _commands(command: Command) -> list[tuple[str, Json]]:
    match command:
        case Together(commands=commands):
            return [pair for part in commands for pair in _commands(part)]
        case ApplyRules(rules=rules):
            return list(_settings(rules))
        case Enable(on=on):
            return [("enabled", on)]
        case MakeAvailable(on=on):
            return [("available", on)]
        case Authorize():
            return [("authorize", True)]
        case SetLimit() | RenewLimit() | LapseLimits() | ClearLimit():
            return [spoken_command(command)]
        case _:
            return _value_command(command)


def _value_command(command: Command) -> list[tuple[str, Json]]:
    match command:
        case SetChargingCurrent(current_da=current_da):
            return [("chargingCurrent", current_da / 10)]
        case SetConsumptionLimit(limit_ws=limit_ws):
            return [("consumptionLimit", limit_ws / 3600)]
        case SetChargingTimeLimit(limit_s=limit_s):
            return [("chargingTimeLimit", limit_s)]
        case SetUnderPowerLimit(limit_w=limit_w):
            return [("underPowerLimit", limit_w)]
        case _:
            return []
