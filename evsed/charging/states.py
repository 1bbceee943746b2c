"""States, pilot readings, faults and reasons: the vocabulary of the charging rules. Pure."""

from collections.abc import Mapping
from enum import Enum, Flag, StrEnum
from typing import Final


class ChargingState(StrEnum):
    """What clients see. The letter is what the vehicle asks, the digit what the charger permits.

    Source: IEC 61851-1:2017 Annex A; charging.md section 2.
    """

    A = "A"
    B1 = "B1"
    B2 = "B2"
    C1 = "C1"
    C2 = "C2"
    D1 = "D1"
    D2 = "D2"
    E = "E"
    F = "F"


class PilotReading(Enum):
    """The classified high plateau of the control pilot; INVALID when a window made no sense."""

    V12 = 12
    V9 = 9
    V6 = 6
    V3 = 3
    V0 = 0
    INVALID = -1


class PilotMode(StrEnum):
    """What the station drives on the control pilot: +12 V, -12 V, or 1 kHz."""

    HIGH = "high"
    LOW = "low"
    PWM = "pwm"


class Fault(Flag):
    """A bit the API reports in ``errors``, in the order of the bits.

    Source: charging.md section 11.
    """

    NONE = 0
    PILOT_FAULT = 1
    DIODE_SHORT = 2
    LOCK_FAULT = 4
    UNLOCK_FAULT = 8
    RCM_TRIGGERED = 16
    RCM_SELFTEST_FAULT = 32
    TEMPERATURE_HIGH = 64
    TEMPERATURE_FAULT = 128
    CONTACTOR_WELDED = 256
    CONTACTOR_OPEN_FAULT = 512
    OVERCURRENT = 1024
    CABLE_FAULT = 2048
    SUPPLY_FAULT = 4096
    CONTROLLER_FAULT = 8192
    EMERGENCY_STOP = 16384


def fault_names(faults: Fault) -> list[str]:
    """Return the wire names of the faults that are set, ascending by bit."""
    if faults is Fault.NONE:  # as nearly always, and asked in every pass
        return []
    return [str(fault.name).lower() for fault in Fault if fault & faults]


class Reason(StrEnum):
    """Why the station is, or is not, charging at this moment. One code, the most telling one."""

    CHARGING = "charging"
    STARTING = "starting"
    STOPPING = "stopping"
    NO_VEHICLE = "no_vehicle"
    VEHICLE_NOT_ASKING = "vehicle_not_asking"
    PILOT_SETTLING = "pilot_settling"
    FAULT = "fault"
    RETRIES_EXHAUSTED = "retries_exhausted"
    OUT_OF_SERVICE = "out_of_service"
    SHUTTING_DOWN = "shutting_down"
    MAINTENANCE = "maintenance"
    SELF_CHECK = "self_check"
    DISABLED = "disabled"
    AUTHORIZATION_PENDING = "authorization_pending"
    CONSUMPTION_LIMIT = "consumption_limit"
    CHARGING_TIME_LIMIT = "charging_time_limit"
    UNDER_POWER_LIMIT = "under_power_limit"
    LOCKING = "locking"
    OUTLET_CHANGED = "outlet_changed"
    CABLE_UNKNOWN = "cable_unknown"
    RCM_SELFTEST = "rcm_selftest"
    VENTILATION_REQUIRED = "ventilation_required"
    CONTACTOR_REST = "contactor_rest"
    UNCLEAN_END = "unclean_end"
    CURRENT_TOO_LOW = "current_too_low"
    START_DELAY = "start_delay"
    PAUSED_BY_LIMIT = "paused_by_limit"
    CONTROLLER_LOST = "controller_lost"


class LockStatus(StrEnum):
    """What the socket lock's own worker reports. Source: charging.md section 12.1."""

    IDLE = "idle"
    OPERATING = "operating"
    LOCKING_FAIL = "locking_fail"
    UNLOCKING_FAIL = "unlocking_fail"


class SelfTest(StrEnum):
    """Progress of the residual current monitor's self-test. Source: charging.md section 12.3."""

    NOT_RUN = "not_run"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class MeterMode(StrEnum):
    """Where volts and amperes come from. Source: charging.md section 13.1."""

    DUMMY = "dummy"
    CURRENT = "cur"
    CURRENT_VOLTAGE = "cur_vlt"


class MeterAlarm(StrEnum):
    """What is wrong with the measuring of energy; none of it stops charging."""

    L1_CURRENT_REVERSED = "l1_current_reversed"
    L2_CURRENT_REVERSED = "l2_current_reversed"
    L3_CURRENT_REVERSED = "l3_current_reversed"
    L1_VOLTAGE_MISSING = "l1_voltage_missing"
    L2_VOLTAGE_MISSING = "l2_voltage_missing"
    L3_VOLTAGE_MISSING = "l3_voltage_missing"
    #: no reading comes; what is counted instead, the source says
    METER_LOST = "meter_lost"
    #: the meter's own counter fell, or rose by what cannot have flowed
    COUNTER_JUMPED = "counter_jumped"


#: alarms that say nothing on a station in single-phase use
OTHER_PHASES: Final = frozenset(
    {
        MeterAlarm.L2_CURRENT_REVERSED,
        MeterAlarm.L3_CURRENT_REVERSED,
        MeterAlarm.L2_VOLTAGE_MISSING,
        MeterAlarm.L3_VOLTAGE_MISSING,
    }
)


class MeterSource(StrEnum):
    """Where volts, amperes and watts come from at this moment."""

    NONE = "none"
    #: offered current times assumed voltage
    ASSUMED = "assumed"
    BOARD = "board"
    EXTERNAL = "external"


#: not allowed, allowed
_STATES: Final[Mapping[PilotReading, tuple[ChargingState, ChargingState]]] = {
    PilotReading.V12: (ChargingState.A, ChargingState.A),
    PilotReading.V9: (ChargingState.B1, ChargingState.B2),
    PilotReading.V6: (ChargingState.C1, ChargingState.C2),
    PilotReading.V3: (ChargingState.D1, ChargingState.D2),
}

SESSION_STATES: Final = frozenset(
    {
        ChargingState.B1,
        ChargingState.B2,
        ChargingState.C1,
        ChargingState.C2,
        ChargingState.D1,
        ChargingState.D2,
    }
)
CHARGING_STATES: Final = frozenset({ChargingState.C2, ChargingState.D2})
PAUSED_STATES: Final = frozenset({ChargingState.C1, ChargingState.D1})
OFFERING_STATES: Final = frozenset({ChargingState.B2, ChargingState.C2, ChargingState.D2})
#: Readings with which a vehicle asks for energy.
ASKING: Final = frozenset({PilotReading.V6, PilotReading.V3})


def follow_pilot(reading: PilotReading, *, allowed: bool) -> ChargingState | None:
    """Return the state the pilot asks for, or None when no state has that voltage.

    Source: IEC 61851-1:2017 Annex A, system states; charging.md section 7.
    """
    pair = _STATES.get(reading)
    return None if pair is None else pair[allowed]
