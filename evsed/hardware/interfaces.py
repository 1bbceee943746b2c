"""One small Protocol per device of the hat, named by what it does on a charging station.

Calls made by the control thread return within 1 ms; a device that fails raises ``HardwareError``.
Optional hardware is a missing object (None in ``Hat``). Times are ``time.monotonic`` in whole ms.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from evsed.hardware.meter_correction import MeterCorrection

#: one value per phase, L1 first
Trio = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SampleWindow:
    """One batch of control pilot readings in mV at the ADC pin, evenly taken from start to end."""

    started_ms: int
    ended_ms: int
    readings_mv: Sequence[int]


@dataclass(frozen=True, slots=True)
class ProximityReading:
    """Median of 16 proximity readings in mV at the ADC pin."""

    taken_ms: int
    mv: int


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


@dataclass(frozen=True, slots=True)
class MeterReading:
    """RMS values over two mains periods; phases that are not measured are 0.

    ``real_powers_w`` is the mean of u·i per phase, None unless both are measured.
    """

    taken_ms: int
    currents_a: Trio
    voltages_v: Trio
    real_powers_w: Trio | None = None
    #: before noise floor and calibration
    raw_currents_a: Trio = (0.0, 0.0, 0.0)
    raw_voltages_v: Trio = (0.0, 0.0, 0.0)
    alarms: tuple[MeterAlarm, ...] = ()
    #: the meter's own register of consumed energy, and its smallest step
    counter_mws: int | None = None
    counter_step_mws: int = 0

    @property
    def real_power_w(self) -> float | None:
        """Real power of all phases together."""
        return None if self.real_powers_w is None else sum(self.real_powers_w)


@dataclass(frozen=True, slots=True)
class TemperatureReading:
    """Lowest and highest sensor of the newest good round, 0.01 °C.

    ``fault`` is set when no sensor was found or more than three rounds in a row failed.
    """

    low_cdeg: int = 0
    high_cdeg: int = 0
    sensors: int = 0
    valid: bool = False
    fault: bool = False


class LockStatus(StrEnum):
    """What the lock's worker is doing, or how its last operation ended."""

    IDLE = "idle"
    OPERATING = "operating"
    LOCKING_FAIL = "locking_fail"
    UNLOCKING_FAIL = "unlocking_fail"


class SelfTest(StrEnum):
    """Progress of the residual current monitor's self-test."""

    NOT_RUN = "not_run"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LockTiming:
    """How to drive the lock motor. Source: charging.md section 12.1."""

    operating_ms: int = 300
    break_ms: int = 1000
    attempts: int = 5
    detection_high: bool = False


class PilotOutput(Protocol):
    """The control pilot's driver stage."""

    def hold(self, *, high: bool) -> None:
        """Drive steady +12 V or -12 V."""

    def pulse(self, duty_ppm: int) -> None:
        """Drive 1 kHz; ``duty_ppm`` millionths of each period at +12 V."""


class Sampler(Protocol):
    """Takes control pilot windows on its own thread; feeds meter, proximity, analog inputs."""

    def expect(self, *, square_wave: bool, energized: bool) -> None:
        """Say what the next windows are for.

        Square wave or energized: full windows back to back, with the meter's channels between.
        Neither: the line is DC, a short window of a few readings every 20 ms.
        """

    def take_windows(self) -> Sequence[SampleWindow]:
        """Return the windows finished since the last call, oldest first; does not wait.

        Raises:
            HardwareError: the converter does not answer.
        """

    def wait(self, seconds: float) -> None:
        """Wait until a window has finished, or none will; not longer, perhaps 1 ms less.

        For one thread.
        """


class Contactor(Protocol):
    """What puts mains on the outlet."""

    def switch(self, *, closed: bool) -> None:
        """Command every pole; returns when the pins are driven."""

    def feedback(self) -> bool | None:
        """Return the auxiliary contact: True closed, None when there is none."""


class LockMotor(Protocol):
    """The motor that holds the plug, with its own worker."""

    def configure(self, timing: LockTiming) -> None:
        """Use this timing from the next operation on."""

    def request(self, *, locked: bool) -> None:
        """Ask for a position; returns at once. A newer request replaces an older one."""

    def status(self) -> LockStatus:
        """Return what the worker is doing."""

    def position(self) -> bool | None:
        """Return the contact as last read: True locked, None not read yet."""


class ResidualCurrentMonitor(Protocol):
    """The residual current monitor's trip line and test line."""

    def active(self) -> bool:
        """Return whether it has tripped: level now, or a confirmed edge since the last call."""

    def start_test(self) -> None:
        """Start the self-test on the driver's own thread; the contactor must be open."""

    def test_result(self) -> SelfTest:
        """Return how the newest self-test stands."""

    def on_trip(self, action: Callable[[], None]) -> None:
        """Call ``action`` from the edge callback, on the library's own thread."""


class Proximity(Protocol):
    """The proximity contact."""

    def read(self) -> ProximityReading | None:
        """Return the newest reading, at most 100 ms old in a session; None before the first."""


class Meter(Protocol):
    """The energy meter's measuring channels."""

    def read(self) -> MeterReading | None:
        """Return the newest reading; None before the first."""

    def correct(self, correction: MeterCorrection) -> None:
        """Use what a calibration has found, from the next reading on."""


class Thermometer(Protocol):
    """The 1-wire temperature sensors, read by their own worker every 10 s."""

    def read(self) -> TemperatureReading:
        """Return the newest round."""


class Indicators(Protocol):
    """The LEDs."""

    def show(self, name: str, on_ms: int, off_ms: int) -> None:
        """Blink ``charging``, ``error`` or ``wifi``, starting with on; returns at once.

        ``off_ms`` 0 is steadily on, ``on_ms`` 0 steadily off. A LED the board lacks is ignored.
        """


class Button(Protocol):
    """The button."""

    def pressed(self) -> bool:
        """Return whether it is held now, debounced."""


class AuxIo(Protocol):
    """Free inputs and outputs, by the names of the board file."""

    def inputs(self) -> Mapping[str, bool]:
        """Return every digital input."""

    def analog_mv(self) -> Mapping[str, int]:
        """Return every analog input in mV at the ADC pin."""

    def set_output(self, name: str, *, on: bool) -> None:
        """Drive one output.

        Raises:
            RejectedError: there is no output of that name.
        """


class DeadMan(Protocol):
    """A switch outside this process that opens the contactor unless it is refreshed."""

    def refresh(self) -> bool:
        """Tell it that the control thread is alive, at least every 100 ms.

        Returns False when it is already plain that nobody is there to be told.
        """

    def armed(self) -> bool:
        """Return whether it is running; asked before closing and once a second."""


class Heartbeat(Protocol):
    """A line for a charge pump or supervisor on the board."""

    def beat(self) -> None:
        """Signal one successful control pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hat:
    """Every device of one board; the parts list the control thread works with."""

    pilot: PilotOutput
    sampler: Sampler
    contactor: Contactor
    indicators: Indicators
    aux: AuxIo
    lock: LockMotor | None = None
    residual_current: ResidualCurrentMonitor | None = None
    proximity: Proximity | None = None
    meter: Meter | None = None
    thermometer: Thermometer | None = None
    button: Button | None = None
    dead_man: DeadMan | None = None
    heartbeat: Heartbeat | None = None
    #: Contactor open, then pilot low, by any means left (also a fresh connection); never raises.
    make_safe: Callable[[], None] = field(default=lambda: None)
    #: Stop workers and give the pins back; after ``make_safe``.
    close: Callable[[], None] = field(default=lambda: None)
