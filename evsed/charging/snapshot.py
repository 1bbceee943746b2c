"""What services see: one complete, immutable picture per control pass. Pure."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from evsed.charging.owned_limits import OwnedLimits
from evsed.charging.states import (
    ChargingState,
    Fault,
    MeterAlarm,
    MeterSource,
    PilotMode,
    Reason,
)

Phases = tuple[float, float, float]
DARK: Phases = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactorCounters:
    """Wear of the contactor, over its life. Source: charging.md section 18.8."""

    closings: int = 0
    openings: int = 0
    #: of these, openings with at least 0.5 A flowing
    loaded_openings: int = 0


class Holder(NamedTuple):
    """One of those who say how much may be offered: an owner of a limit, or what has none.

    Args:
        owner: of a limit, or ``user``, ``settings``, ``board``, ``cable``, ``thermal``.
        current_da: the most he permits, tenths of an ampere; 0 for a pause.
    """

    owner: str
    current_da: int


#: Upper ends of the classes lateness is counted in; one more class has no end.
LATENESS_CLASSES_US: Final = (250, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """How late the control passes began, measured by the loop itself."""

    passes: int = 0
    last_us: int = 0
    worst_us: int = 0
    #: passes that began more than 5 ms and more than 20 ms late
    over_5_ms: int = 0
    over_20_ms: int = 0
    #: longest pass so far, from its begin to its end
    longest_pass_us: int = 0
    real_time: bool = False
    #: passes by how late they began, see ``LATENESS_CLASSES_US``
    classes: tuple[int, ...] = (0,) * (len(LATENESS_CLASSES_US) + 1)
    #: of all passes together
    sum_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The station at the end of one control pass; never changes, never reaches to a device."""

    at_ms: int = 0
    state: ChargingState = ChargingState.F
    reason: Reason = Reason.MAINTENANCE
    available: bool = True
    enabled: bool = True
    pending_auth: bool = False
    limit_reached: bool = False
    faults: Fault = Fault.NONE
    charging_current_da: int = 320
    consumption_limit_ws: int = 0
    charging_time_limit_s: int = 0
    under_power_limit_w: int = 0
    owned: OwnedLimits = ()
    #: everybody who limits the offer, the first of those who permit least is to be asked first
    holders: tuple[Holder, ...] = ()
    #: who holds the offer where it is; None: no station
    limited_by: str | None = None
    pilot: PilotMode = PilotMode.LOW
    #: what the duty tells the vehicle now; 0 unless ``pilot`` is PWM
    offered_da: int = 0
    duty_ppm: int = 0
    contactor_closed: bool = False
    #: auxiliary contact: True closed, None not fitted
    contactor_feedback: bool | None = None
    #: lock commanded (None: no lock in use)
    locked: bool | None = None
    cable_rating_a: int | None = None
    session: bool = False
    session_time_ms: int = 0
    charging_time_ms: int = 0
    session_energy_ws: int = 0
    total_energy_ws: int = 0
    power_w: int = 0
    voltages_v: Phases = DARK
    currents_a: Phases = DARK
    #: where the three come from, and what is wrong with the measuring
    meter_source: MeterSource = MeterSource.NONE
    meter_alarms: tuple[MeterAlarm, ...] = ()
    temperature_low_cdeg: int = 0
    temperature_high_cdeg: int = 0
    temperature_sensors: int = 0
    counters: ContactorCounters = ContactorCounters()
    lateness: Lateness = Lateness()
