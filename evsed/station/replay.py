"""Run a trace against the charging rules and check what it expects. Source: trace.md."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import isclose, isfinite
from typing import Final, TypeVar

from evsed.charging.commands import (
    ApplyRules,
    Authorize,
    Command,
    Enable,
    MakeAvailable,
    SetChargingCurrent,
    SetChargingTimeLimit,
    SetConsumptionLimit,
    SetUnderPowerLimit,
)
from evsed.charging.limits import SessionFigures
from evsed.charging.machine import step
from evsed.charging.memory import Inputs, Memory, Outputs
from evsed.charging.picture import take_snapshot
from evsed.charging.pilot import LEAST_DA
from evsed.charging.pilot_window import PilotWindow
from evsed.charging.requests import accept
from evsed.charging.rules import PilotLevels, Rules
from evsed.charging.snapshot import Lateness, Snapshot
from evsed.charging.states import LockStatus, PilotMode, SelfTest, fault_names
from evsed.errors import BadFileError, RejectedError
from evsed.station.limit_words import LIMIT_COMMANDS, read_limits
from evsed.station.trace import Event, Json, Trace
from evsed.units import amperes, tenths, ws_from_wh

_T = TypeVar("_T")

#: The control pass of this station, and its pilot windows, ms.
_PASS_MS: Final = 20
_WINDOW_MS: Final = 10

#: Positive plateau of the control pilot for each load, mV at a front end that gives
#: 1330 + 102.5 mV per volt (charging.md section 4.1).
_HIGH_MV: Final[Mapping[Json, int]] = {
    "none": 2560,
    "connected": 2252,
    "charging": 1945,
    "ventilation": 1637,
    "short": 1330,
}
#: How far a current may stand outside its range without being refused.
_TOLERANCE_A: Final = 1e-6
_MINUS_12_MV: Final = 100
_ZERO_MV: Final = 1330
_PROXIMITY_MV: Final[Mapping[Json, int]] = {13: 1980, 20: 1335, 32: 595, 63: 300}
_LOCK: Final[Mapping[Json, LockStatus]] = {status.value: status for status in LockStatus}

_INITIAL: Final[Mapping[str, Json]] = {
    "vehicle": "none",
    "diode": True,
    "cable": 63,
    "rcm": False,
    "rcmTestOk": True,
    "lock": "idle",
    "temp": 25,
    "tempFault": False,
    "power": 0,
    "chargingTime": 0,
    "consumption": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One expectation that does not hold."""

    t_ms: int
    key: str
    expected: Json
    got: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a replay went."""

    name: str
    checked: int
    differences: tuple[Difference, ...]


def replay(trace: Trace) -> Verdict:
    """Run a trace; return every expectation that does not hold.

    Raises:
        BadFileError: the trace names an input, command or setting that does not exist.
    """
    run = _Run(trace)
    checked = 0
    differences: list[Difference] = []
    for event in trace.events:
        run.pass_until(event.t_ms)
        run.take(event)
        if event.expected is None:
            continue
        run.pass_at(event.t_ms)
        checked += 1
        differences += _compare(event, run.show())
    return Verdict(name=trace.name, checked=checked, differences=tuple(differences))


def _compare(event: Event, shown: Mapping[str, Json]) -> Iterator[Difference]:
    for key, expected in (event.expected or {}).items():
        if key not in shown:
            raise BadFileError(f"expect at {event.t_ms} ms: unknown key {key}")
        got = shown[key]
        if not _same(expected, got):
            yield Difference(t_ms=event.t_ms, key=key, expected=expected, got=got)


def _same(expected: Json, got: Json) -> bool:
    numbers = (int, float)
    if isinstance(expected, numbers) and isinstance(got, numbers):
        return isclose(expected, got, abs_tol=1e-6)
    return expected == got


class _Run:
    """The rules, and the vehicle and board that a trace describes."""

    def __init__(self, trace: Trace) -> None:
        rules, commands = _at_start(trace)
        self._memory = Memory(
            rules=rules,
            charging_current_da=rules.max_charging_current_a * 10,
            owned=read_limits(trace.settings.get("limits", [])),
        )
        for command in commands:
            self._memory = accept(self._memory, command, 0)
        self._inputs = dict(_INITIAL)
        self._next_ms = 0
        self._last_ms = -1
        self._test_started = False
        self._snapshot = Snapshot()
        self._outputs: Outputs | None = None

    def pass_until(self, t_ms: int) -> None:
        """Run every pass of the grid before a time."""
        while self._next_ms < t_ms:
            self._pass(self._next_ms)
            self._next_ms += _PASS_MS

    def pass_at(self, t_ms: int) -> None:
        """Run the pass that stands at a time, if it has not run."""
        if self._next_ms == t_ms:
            self._pass(t_ms)
            self._next_ms += _PASS_MS

    def take(self, event: Event) -> None:
        """Change inputs and give commands; a command that is refused changes nothing."""
        for key, value in event.changes.items():
            if key not in self._inputs:
                raise BadFileError(f"set at {event.t_ms} ms: unknown input {key}")
            self._inputs[key] = value
        for name, value in event.commands:
            for command in _command(self._memory.rules, name, value):
                try:
                    self._memory = accept(self._memory, command, event.t_ms)
                except RejectedError:
                    break

    def show(self) -> dict[str, Json]:
        """Return what a trace may expect, as it is now."""
        now = self._snapshot
        return {
            "state": now.state.value,
            "errors": list(fault_names(now.faults)),
            "pilot": now.pilot.value,
            "offeredCurrent": now.offered_da / 10,
            "contactor": now.contactor_closed,
            "locked": now.locked,
            "pendingAuth": now.pending_auth,
            "limitReached": now.limit_reached,
            "session": now.session,
        }

    def _pass(self, now_ms: int) -> None:
        given = self._inputs
        inputs = Inputs(
            now_ms=now_ms,
            windows=tuple(self._windows(now_ms)),
            proximity=(now_ms, _choice("cable", given["cable"], _PROXIMITY_MV)),
            lock_status=_choice("lock", given["lock"], _LOCK),
            rcm_active=bool(given["rcm"]),
            rcm_test=self._self_test(),
            temperature_low_cdeg=round(_number(given["temp"]) * 100),
            temperature_high_cdeg=round(_number(given["temp"]) * 100),
            temperature_sensors=1,
            temperature_fault=bool(given["tempFault"]),
            recorded=SessionFigures(
                energy_ws=round(_number(given["consumption"]) * 3600),
                charging_time_ms=round(_number(given["chargingTime"]) * 1000),
                power_w=round(_number(given["power"])),
            ),
        )
        self._memory, self._outputs = step(self._memory, inputs)
        self._test_started = self._outputs.start_rcm_test
        self._snapshot = take_snapshot(self._memory, inputs, Lateness())
        self._last_ms = now_ms

    def _self_test(self) -> SelfTest:
        return SelfTest.PASSED if self._inputs["rcmTestOk"] else SelfTest.FAILED

    def _windows(self, now_ms: int) -> Iterator[PilotWindow]:
        """Yield the windows that ended since the last pass."""
        mode = self._memory.pilot.mode
        high, low = _plateaus(mode, self._inputs["vehicle"], diode=bool(self._inputs["diode"]))
        if self._last_ms < 0:
            return
        for ended_ms in range(now_ms - _PASS_MS + _WINDOW_MS, now_ms + 1, _WINDOW_MS):
            yield PilotWindow(
                started_ms=ended_ms - _WINDOW_MS,
                ended_ms=ended_ms,
                mode=mode,
                high_mv=high,
                low_mv=low,
            )


def _choice(name: str, value: Json, choices: Mapping[Json, _T]) -> _T:
    if isinstance(value, (dict, list)) or value not in choices:
        expected = ", ".join(str(choice) for choice in choices)
        raise BadFileError(f"{name}: {expected} expected, got {value!r}")
    return choices[value]


def _plateaus(mode: PilotMode, vehicle: Json, *, diode: bool) -> tuple[int | None, int | None]:
    high = _choice("vehicle", vehicle, _HIGH_MV)
    if mode is PilotMode.LOW:
        return None, _MINUS_12_MV
    if mode is PilotMode.HIGH:
        return high, None
    return high, _MINUS_12_MV if diode or vehicle == "none" else 2 * _ZERO_MV - high


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise BadFileError(f"a number expected, got {value!r}")
    return value


def _at_start(trace: Trace) -> tuple[Rules, list[Command]]:
    board = trace.board
    rules = Rules(
        lock_fitted=bool(board.get("socketLock")),
        proximity_fitted=bool(board.get("proximity")),
        temperature_sensor=bool(board.get("temperatureSensor")),
        ventilation=bool(board.get("ventilation")),
        contactor_rest_ms=int(_number(board.get("minOffTime", 0))),
        pilot_levels=PilotLevels(),
    )
    commands: list[Command] = []
    # Rules first: whether a current is permitted depends on them, in whatever order they stand.
    for name, value in sorted(trace.settings.items(), key=lambda one: one[0] not in _SETTINGS):
        if name == "limits":
            continue
        for command in _command(rules, name, value):
            if isinstance(command, ApplyRules):
                rules = command.rules
            else:
                commands.append(command)
    return rules, commands


def _command(rules: Rules, name: str, value: Json) -> Iterable[Command]:
    """Return what a trace's command asks of the rules; nothing for a setting out of its range."""
    setting = _SETTINGS.get(name)
    if setting is not None:
        changed = setting(rules, value)
        return () if changed is None else (ApplyRules(changed),)
    make = _LIVE.get(name) or LIMIT_COMMANDS.get(name)
    if make is None:
        raise BadFileError(f"unknown command {name}")
    if name == "chargingCurrent" and not _may_be_set(rules, _number(value)):
        return ()
    return (make(value),)


def _may_be_set(rules: Rules, current_a: float) -> bool:
    """Judge a current as it was given, before it is rounded (decision 3)."""
    least_a, most_a = amperes(LEAST_DA), rules.max_charging_current_a
    return least_a - _TOLERANCE_A <= current_a <= most_a + _TOLERANCE_A


def _within(value: Json, low: int, high: int) -> int | None:
    number = _number(value)
    return int(number) if low <= number <= high else None


def _max_charging_current(rules: Rules, value: Json) -> Rules | None:
    amperes = _within(value, 6, 63)
    return None if amperes is None else replace(rules, max_charging_current_a=amperes)


def _temperature_threshold(rules: Rules, value: Json) -> Rules | None:
    degrees = _within(value, 40, 80)
    return None if degrees is None else replace(rules, temperature_threshold_c=degrees)


_SETTINGS: Final[Mapping[str, Callable[[Rules, Json], Rules | None]]] = {
    "maxChargingCurrent": _max_charging_current,
    "requireAuth": lambda rules, value: replace(rules, require_auth=bool(value)),
    "socketOutlet": lambda rules, value: replace(rules, socket_outlet=bool(value)),
    "rcm": lambda rules, value: replace(rules, rcm=bool(value)),
    "temperatureThreshold": _temperature_threshold,
}
_LIVE: Final[Mapping[str, Callable[[Json], Command]]] = {
    "enabled": lambda value: Enable(bool(value)),
    "available": lambda value: MakeAvailable(bool(value)),
    "authorize": lambda _: Authorize(),
    "chargingCurrent": lambda value: SetChargingCurrent(tenths(_number(value))),
    "consumptionLimit": lambda value: SetConsumptionLimit(ws_from_wh(round(_number(value)))),
    "chargingTimeLimit": lambda value: SetChargingTimeLimit(round(_number(value))),
    "underPowerLimit": lambda value: SetUnderPowerLimit(round(_number(value))),
}
