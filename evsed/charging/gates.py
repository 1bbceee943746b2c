"""May we charge, and if not, why not. Pure. Source: charging.md section 5; platform.md 8.2."""

from evsed.charging.contactor import rested
from evsed.charging.memory import Inputs, Memory
from evsed.charging.outlet import cable_limit_da, lock_in_use, locked_for_sure
from evsed.charging.owned_limits import lowest, pausing
from evsed.charging.pilot import LEAST_DA
from evsed.charging.states import ASKING, PilotReading, Reason, SelfTest


def permitted_da(memory: Memory) -> int:
    """Return the most the station may offer now, tenths of an ampere; below 60 it may not."""
    rules = memory.rules
    offered_da = min(
        memory.charging_current_da,
        rules.max_charging_current_a * 10,
        rules.board_limit_a * 10,
        cable_limit_da(memory.outlet, rules),
    )
    derated_da = memory.derating.limit_da
    if derated_da is not None:
        offered_da = min(offered_da, derated_da)
    held = lowest(memory.owned)
    return offered_da if held is None else min(offered_da, held.in_force_da or 0)


def closed_gate(memory: Memory, inputs: Inputs, reading: PilotReading) -> Reason | None:
    """Return why charging is not allowed now, None when every gate is open.

    The reading matters where the vehicle does: ventilation for state D, and the rest of an open
    contactor, which holds back energy but not the offer in B2.
    """
    return _wanted(memory) or _fit(memory, inputs) or _asked(memory, inputs, reading)


def _wanted(memory: Memory) -> Reason | None:
    """Gates that somebody set: service, operator, authorization, limits."""
    if memory.shutting_down:
        return Reason.SHUTTING_DOWN
    if not memory.available:
        return Reason.OUT_OF_SERVICE
    if not memory.enabled:
        return Reason.DISABLED
    if memory.rules.require_auth and not memory.authorization.authorized:
        return Reason.AUTHORIZATION_PENDING
    return memory.limits.reached or _paused(memory)


def _paused(memory: Memory) -> Reason | None:
    """Somebody's pause, or the one that silence leads to."""
    holder = pausing(memory.owned)
    if holder is None:
        return None
    return Reason.CONTROLLER_LOST if holder.lapsed else Reason.PAUSED_BY_LIMIT


def _fit(memory: Memory, inputs: Inputs) -> Reason | None:
    """Gates of the equipment: outlet, cable, lock, residual current monitor, current."""
    rules, outlet = memory.rules, memory.outlet
    if rules.socket_outlet and not outlet.in_use:
        return Reason.OUTLET_CHANGED
    if rules.socket_outlet and rules.proximity_fitted and not outlet.rating_a:
        return Reason.CABLE_UNKNOWN
    if lock_in_use(outlet, rules) and not locked_for_sure(
        outlet, inputs.lock_status, inputs.lock_position
    ):
        return Reason.LOCKING
    if rules.rcm and memory.rcm_test is not SelfTest.PASSED:
        return Reason.RCM_SELFTEST
    return Reason.CURRENT_TOO_LOW if permitted_da(memory) < LEAST_DA else None


def _asked(memory: Memory, inputs: Inputs, reading: PilotReading) -> Reason | None:
    """Gates that depend on what the vehicle asks for."""
    if reading is PilotReading.V3 and not memory.rules.ventilation:
        return Reason.VENTILATION_REQUIRED
    if reading not in ASKING or memory.contactor.closed:
        return None
    if memory.unclean_end:
        return Reason.UNCLEAN_END
    resting = not rested(memory.contactor, memory.rules, inputs.now_ms)
    return Reason.CONTACTOR_REST if resting else None
