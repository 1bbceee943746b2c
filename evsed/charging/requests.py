"""Taking a command, or refusing it with nothing changed. Pure.

Source: charging.md sections 5, 9, 10, 15; decisions 3 and 20 to 23.
"""

from dataclasses import replace
from typing import assert_never

from evsed.charging.authorization import grant
from evsed.charging.commands import (
    ApplyRules,
    Authorize,
    ClearLimit,
    Command,
    Enable,
    LapseLimits,
    MakeAvailable,
    RenewLimit,
    ResetEnergy,
    SetChargingCurrent,
    SetChargingTimeLimit,
    SetConsumptionLimit,
    SetLimit,
    SetUnderPowerLimit,
    ShutDown,
    SingleCommand,
    Together,
)
from evsed.charging.faults import Faults, lock_failed, release_by_operator, release_lock
from evsed.charging.holding import another_chance, take_limit
from evsed.charging.limits import (
    MOST_CHARGING_TIME_S,
    MOST_CONSUMPTION_WS,
    MOST_UNDER_POWER_W,
)
from evsed.charging.memory import Memory
from evsed.charging.outlet import retry_lock
from evsed.charging.owned_limits import set_point_ceiling_da
from evsed.charging.pilot import LEAST_DA
from evsed.charging.rules import Rules
from evsed.errors import RejectedError


def accept(memory: Memory, command: Command, now_ms: int) -> Memory:
    """Return the memory after a command.

    Raises:
        RejectedError: a value is out of its range; the memory stays as it was.
    """
    if isinstance(command, Together):
        for part in command.commands:
            memory = accept(memory, part, now_ms)
        return memory
    return _take(memory, command, now_ms)


def _take(memory: Memory, command: SingleCommand, now_ms: int) -> Memory:
    match command:
        case Enable(on=on):
            return _enable(memory, on=on)
        case MakeAvailable(on=on):
            return _make_available(memory, on=on)
        case Authorize():
            return replace(
                memory,
                authorization=grant(memory.authorization, now_ms),
                limits=memory.limits.forget_under_power(),
            )
        case ResetEnergy():
            return replace(memory, energy=replace(memory.energy, total_mws=0))
        case ApplyRules(rules=rules):
            return _apply_rules(memory, rules)
        case ShutDown():
            return replace(memory, shutting_down=True)
        case SetLimit() | RenewLimit() | LapseLimits() | ClearLimit():
            return take_limit(memory, command, now_ms)
        case _:
            return _set_value(memory, command)


def _set_value(
    memory: Memory,
    command: SetChargingCurrent | SetConsumptionLimit | SetChargingTimeLimit | SetUnderPowerLimit,
) -> Memory:
    match command:
        case SetChargingCurrent(current_da=current_da):
            return _set_charging_current(memory, current_da)
        case SetConsumptionLimit(limit_ws=limit_ws):
            _expect("consumptionLimit", limit_ws, MOST_CONSUMPTION_WS, "Ws")
            return replace(memory, limits=replace(memory.limits, consumption_ws=limit_ws))
        case SetChargingTimeLimit(limit_s=limit_s):
            _expect("chargingTimeLimit", limit_s, MOST_CHARGING_TIME_S, "s")
            return replace(memory, limits=replace(memory.limits, charging_time_s=limit_s))
        case SetUnderPowerLimit(limit_w=limit_w):
            _expect("underPowerLimit", limit_w, MOST_UNDER_POWER_W, "W")
            written = replace(memory.limits, under_power_w=limit_w)
            return replace(memory, limits=written.forget_under_power())
        case _:  # pragma: no cover - closed by the type checker
            assert_never(command)


def _enable(memory: Memory, *, on: bool) -> Memory:
    if on and not memory.enabled:
        memory = another_chance(memory)
    return replace(memory, enabled=on)


def _make_available(memory: Memory, *, on: bool) -> Memory:
    if on and not memory.available:
        memory = _release(memory, release_by_operator(memory.faults))
    return replace(memory, available=on)


def _apply_rules(memory: Memory, rules: Rules) -> Memory:
    """Put rules in force; the set-point never stays above the maximum (Q19)."""
    if not rules.socket_outlet:
        memory = _release(memory, release_lock(memory.faults))
    return replace(
        memory,
        rules=rules,
        charging_current_da=min(memory.charging_current_da, rules.max_charging_current_a * 10),
    )


def _release(memory: Memory, faults: Faults) -> Memory:
    """Leave some faults behind on somebody's word.

    The pilot must be read afresh when the last one goes, as on every way out of E.
    """
    before = memory.faults
    if lock_failed(before) and not lock_failed(faults):
        memory = replace(memory, outlet=retry_lock(memory.outlet))
    memory = replace(memory, faults=faults)
    if faults.bits or not before.bits:
        return memory
    return replace(memory, error_since_ms=None, seen_unasking=False, line=memory.line.blank())


def _set_charging_current(memory: Memory, current_da: int) -> Memory:
    most_da = memory.rules.max_charging_current_a * 10
    if not LEAST_DA <= current_da <= most_da:
        raise RejectedError(
            f"{LEAST_DA / 10:.1f} to {most_da / 10:.1f} A expected", key="chargingCurrent"
        )
    ceiling_da = set_point_ceiling_da(memory.owned)
    return replace(memory, charging_current_da=min(current_da, ceiling_da))


def _expect(key: str, value: int, most: int, unit: str) -> None:
    if not 0 <= value <= most:
        raise RejectedError(f"0 to {most} {unit} expected", key=key)
