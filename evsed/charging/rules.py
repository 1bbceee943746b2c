"""The rules in force: the user's settings and what the board can do, as one value. Pure."""

from dataclasses import dataclass, field

from evsed.charging.states import MeterMode


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotLevels:
    """Thresholds of the control pilot in mV at the ADC pin. Source: charging.md section 4.1."""

    v12: int = 2405
    v9: int = 2099
    v6: int = 1792
    v3: int = 1484
    minus12: int = 728
    hysteresis: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ProximityLevels:
    """Lower bounds of the cable ratings in mV at the ADC pin. Source: charging.md section 12.2."""

    a13: int = 1650
    a20: int = 820
    a32: int = 430
    open: int | None = None
    short: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the charging rules must know about settings and board; they never ask for more.

    The defaults describe a bare tethered charger of 32 A.
    """

    max_charging_current_a: int = 32
    board_limit_a: int = 63
    require_auth: bool = False
    socket_outlet: bool = False
    lock_fitted: bool = False
    proximity_fitted: bool = False
    rcm: bool = False
    temperature_sensor: bool = False
    temperature_threshold_c: int = 60
    thermal_derating: bool = False
    ventilation: bool = False
    contactor_rest_ms: int = 3000
    feedback_fitted: bool = False
    open_time_ms: int = 100
    close_time_ms: int = 100
    #: Seconds in B2 without C before one wake-up pulse; 0 for none (charging.md 18.4).
    wake_up_after_s: int = 0
    meter_mode: MeterMode = MeterMode.DUMMY
    ac_voltage_v: int = 230
    three_phases: bool = False
    #: measured phases: 1 or 3
    meter_channels: int = 1
    #: the same of the board's own meter where an external one goes first; 0: there is no other
    board_channels: int = 0
    #: a meter that gives no reading is replaced by offered current and assumed voltage
    meter_lost_assumes: bool = False
    pilot_levels: PilotLevels = field(default_factory=PilotLevels)
    proximity_levels: ProximityLevels = field(default_factory=ProximityLevels)
