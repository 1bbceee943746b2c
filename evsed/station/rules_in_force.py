"""From settings and board to the rules the charging core works with: one function.

The charging rules never ask "is there a lock on this board?"; they get the answer here.
"""

from typing import Final

from evsed.board.description import Board
from evsed.charging.owned_limits import OwnedLimit, OwnedLimits
from evsed.charging.rules import PilotLevels, ProximityLevels, Rules
from evsed.charging.states import MeterMode
from evsed.hardware.interfaces import LockTiming
from evsed.settings.administrator import Administrator
from evsed.settings.schema import EvseSettings

#: Owners of the limits that wait for somebody: Modbus clients; whoever writes the set-point.
MODBUS: Final = "modbus"
SUPERVISION: Final = "supervision"


def rules_in_force(board: Board, evse: EvseSettings, administrator: Administrator) -> Rules:
    """Return what the user chose as far as the board can do it."""
    return Rules(
        max_charging_current_a=evse.max_charging_current_a,
        board_limit_a=board.limits.max_current_a,
        require_auth=evse.require_auth,
        socket_outlet=evse.socket_outlet and board.proximity is not None,
        lock_fitted=board.socket_lock is not None,
        proximity_fitted=board.proximity is not None,
        rcm=evse.rcm and board.rcm is not None,
        temperature_sensor=board.temperature_sensor,
        temperature_threshold_c=evse.temperature_threshold_c,
        thermal_derating=administrator.charging_thermal_derating and board.temperature_sensor,
        ventilation=board.limits.ventilation,
        contactor_rest_ms=board.ac_relay.min_off_time_ms,
        open_time_ms=board.ac_relay.open_time_ms,
        close_time_ms=board.ac_relay.close_time_ms,
        wake_up_after_s=administrator.charging_wake_up_s,
        meter_mode=MeterMode(evse.energy_meter_mode),
        ac_voltage_v=evse.energy_meter_ac_voltage_v,
        three_phases=evse.energy_meter_three_phases,
        meter_channels=_meter_channels(board),
        board_channels=_board_channels(board),
        meter_lost_assumes=_lost_assumes(board),
        pilot_levels=_pilot_levels(board),
        proximity_levels=_proximity_levels(board),
    )


def waited_for(administrator: Administrator) -> OwnedLimits:
    """Return the limits of those the administrator wants to be heard from time and again."""
    modbus, anybody = administrator.modbus, administrator.supervision
    limits = (
        OwnedLimit(
            owner=MODBUS,
            lease_ms=modbus.silence_s * 1000,
            fallback_da=modbus.fallback_da,
            lowers_set_point=True,
        ),
        OwnedLimit(
            owner=SUPERVISION,
            lease_ms=anybody.silence_s * 1000,
            fallback_da=anybody.fallback_da,
        ),
    )
    return tuple(limit for limit in limits if limit.lease_ms)


def lock_timing(board: Board, evse: EvseSettings) -> LockTiming:
    """Return how the lock motor is to be driven; the board protects its motor."""
    longest_ms = 5000 if board.socket_lock is None else board.socket_lock.max_operating_time_ms
    return LockTiming(
        operating_ms=min(evse.socket_lock_operating_time_ms, longest_ms),
        break_ms=evse.socket_lock_break_time_ms,
        attempts=max(1, evse.socket_lock_retry_count),
        detection_high=evse.socket_lock_detection_high,
    )


def _lost_assumes(board: Board) -> bool:
    external = board.external_meter
    if external is None:
        return False
    # Without a word: what the board measures itself is better than an assumption.
    return external.fallback == "assumed" or (
        external.fallback is None and board.energy_meter is None
    )


def _meter_channels(board: Board) -> int:
    if board.external_meter is not None:
        return board.external_meter.phases
    return _board_channels(board) or 1


def _board_channels(board: Board) -> int:
    meter = board.energy_meter
    return 0 if meter is None else len(meter.current.adc_channels)


def _pilot_levels(board: Board) -> PilotLevels:
    v12, v9, v6, v3, minus12 = board.pilot.levels_mv
    return PilotLevels(
        v12=v12, v9=v9, v6=v6, v3=v3, minus12=minus12, hysteresis=board.pilot.hysteresis_mv
    )


def _proximity_levels(board: Board) -> ProximityLevels:
    proximity = board.proximity
    if proximity is None:
        return ProximityLevels()
    a13, a20, a32 = proximity.levels_mv
    return ProximityLevels(
        a13=a13,
        a20=a20,
        a32=a32,
        open=proximity.open_level_mv,
        short=proximity.short_level_mv,
    )
