"""What one pass may look at, what it remembers, and what it wants driven. Pure."""

from dataclasses import dataclass, field

from evsed.charging.authorization import Authorization
from evsed.charging.contactor import Contactor
from evsed.charging.debounce import PilotLine
from evsed.charging.energy import Energy, Measured, Power
from evsed.charging.faults import Faults
from evsed.charging.indicators import OFF, Blink
from evsed.charging.limits import Limits, SessionFigures
from evsed.charging.outlet import Outlet
from evsed.charging.owned_limits import OwnedLimits
from evsed.charging.pilot_window import PilotWindow
from evsed.charging.protections import Derating, Overcurrent
from evsed.charging.rules import Rules
from evsed.charging.states import (
    ChargingState,
    LockStatus,
    MeterAlarm,
    MeterSource,
    PilotMode,
    SelfTest,
)
from evsed.charging.wake_up import WakeUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything one pass may look at; nothing else influences the decision.

    Times are whole milliseconds of one monotonic clock and never decrease.
    """

    now_ms: int
    #: finished since the last pass, oldest first, each from a time of one pilot output
    windows: tuple[PilotWindow, ...] = ()
    #: time and median in mV of the newest proximity reading
    proximity: tuple[int, int] | None = None
    feedback: bool | None = None
    lock_status: LockStatus = LockStatus.IDLE
    #: the lock's contact: True locked, None unknown
    lock_position: bool | None = None
    rcm_active: bool = False
    rcm_test: SelfTest = SelfTest.NOT_RUN
    #: lowest and highest sensor, None before the first good round
    temperature_low_cdeg: int | None = None
    temperature_high_cdeg: int | None = None
    temperature_sensors: int = 0
    temperature_fault: bool = False
    measured: Measured | None = None
    meter_source: MeterSource = MeterSource.NONE
    meter_alarms: tuple[MeterAlarm, ...] = ()
    #: a device failed in a way that leaves the station blind or unable to act
    controller_failed: bool = False
    emergency_stop: bool = False
    supply_failed: bool = False
    #: a replayed trace brings the counters of the station it was recorded from
    recorded: SessionFigures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotDrive:
    """What is driven on the control pilot, and since when."""

    mode: PilotMode = PilotMode.LOW
    since_ms: int = 0
    offered_da: int = 0
    duty_ppm: int = 0
    raised_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Everything one pass hands to the next. ``state`` is never E: faults are kept apart."""

    rules: Rules = field(default_factory=Rules)
    enabled: bool = True
    available: bool = True
    shutting_down: bool = False
    #: the daemon before this one died at work, and no vehicle has been seen in A or B since
    unclean_end: bool = False
    charging_current_da: int = 320
    state: ChargingState = ChargingState.A
    #: since when faults have been set; None without any
    error_since_ms: int | None = None
    #: the vehicle did not ask when the error came; set while that error lasts, and until the next
    #: settled reading after a self-clearing one
    seen_unasking: bool = False
    last_ms: int | None = None
    line: PilotLine = field(default_factory=PilotLine)
    pilot: PilotDrive = field(default_factory=PilotDrive)
    faults: Faults = field(default_factory=Faults)
    authorization: Authorization = field(default_factory=Authorization)
    limits: Limits = field(default_factory=Limits)
    #: what others than the user permit, by owner
    owned: OwnedLimits = ()
    outlet: Outlet = field(default_factory=Outlet)
    contactor: Contactor = field(default_factory=Contactor)
    rcm_test: SelfTest = SelfTest.NOT_RUN
    overcurrent: Overcurrent = field(default_factory=Overcurrent)
    derating: Derating = field(default_factory=Derating)
    wake_up: WakeUp = field(default_factory=WakeUp)
    energy: Energy = field(default_factory=Energy)
    power: Power = field(default_factory=Power)

    @property
    def reported_state(self) -> ChargingState:
        """The state clients see."""
        return ChargingState.E if self.faults.bits else self.state

    @property
    def in_service(self) -> bool:
        """Whether the station may leave state F, or stay out of it."""
        return self.available and not self.shutting_down


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What the station drives until the next pass."""

    pilot: PilotMode
    duty_ppm: int
    contactor_closed: bool
    #: position the lock is to take, None: leave it alone
    lock: bool | None
    start_rcm_test: bool
    charging_led: Blink = OFF
    error_led: Blink = OFF
