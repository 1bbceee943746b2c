"""What is wired to what: frozen dataclasses of a board file. Source: board.md section 3. Pure.

Field names are the keys of the file in snake_case, with the unit where a number has one.
"""

from dataclasses import dataclass, field

Pull = str  # "up", "down" or "none"


@dataclass(frozen=True, slots=True)
class Channel:
    """One ADC input: position of the converter in ``Board.adcs`` and channel number."""

    adc: int
    channel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adc:
    """One SPI converter; ``type`` is mcp3004, mcp3008, mcp3204, mcp3208 or sim."""

    name: str
    type: str
    bus: int
    cs: int
    vref_mv: int
    speed_hz: int = 1_000_000
    vdd_mv: int = 3300
    gain: float = 1.0
    offset_mv: float = 0.0

    @property
    def bits(self) -> int:
        """Resolution; the simulated converter is a 12-bit one with 8 channels."""
        return 10 if self.type in {"mcp3004", "mcp3008"} else 12

    @property
    def channels(self) -> int:
        """Number of single-ended inputs."""
        return 4 if self.type in {"mcp3004", "mcp3204"} else 8


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPin:
    """A plain output."""

    gpio: int
    active_low: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leds:
    """The LEDs that are fitted."""

    charging: OutputPin | None = None
    error: OutputPin | None = None
    wifi: OutputPin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """The button; ``gpio`` -1 for none."""

    gpio: int
    active_low: bool = True
    pull: Pull = "up"
    debounce_ms: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """The control pilot: output and sense. ``levels_mv`` = thresholds 12, 9, 6, 3, -12 V."""

    gpio: int
    adc_channel: Channel
    levels_mv: tuple[int, int, int, int, int]
    pwm: str = "pigpio"
    pwm_chip: int | None = None
    pwm_channel: int | None = None
    inverted: bool = False
    adc_channel_low: Channel | None = None
    hysteresis_mv: int = 40
    settle_high_us: int = 15
    settle_low_us: int = 20
    window_ms: int = 10
    disconnect_gpio: int | None = None
    disconnect_active_low: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proximity:
    """Proximity sense; ``levels_mv`` = lower bounds for 13, 20, 32 A."""

    adc_channel: Channel
    levels_mv: tuple[int, int, int]
    open_level_mv: int | None = None
    short_level_mv: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcRelay:
    """The contactor: one or two coil outputs, and auxiliary contacts."""

    gpios: tuple[int, ...]
    active_low: bool = False
    phase_switch: bool = False
    feedback_gpios: tuple[int, ...] = ()
    feedback_active_low: bool = False
    feedback_pull: Pull = "up"
    close_time_ms: int = 100
    open_time_ms: int = 100
    min_off_time_ms: int = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLock:
    """The H-bridge of the lock motor and its contact."""

    gpios: tuple[int, int]
    detection_gpio: int
    detection_delay_ms: int
    min_break_time_ms: int
    detection_pull: Pull = "none"
    max_operating_time_ms: int = 5000
    swap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rcm:
    """The residual current monitor. The latch pins exist on boards with a ground-fault latch."""

    gpio: int
    test_gpio: int
    active_low: bool = False
    test_active_low: bool = False
    pull: Pull = "down"
    test_time_ms: int = 500
    reset_gpio: int | None = None
    reset_active_low: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterChannels:
    """One to three converter inputs; ``scale`` is A or V per mV rms."""

    adc_channels: tuple[Channel, ...]
    scale: float
    invert: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyMeter:
    """The metering inputs."""

    current: MeterChannels
    voltage: MeterChannels | None = None
    phase_shift_us: float = 0.0
    frequency_hz: int = 50
    noise_floor_a: float = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalMeter:
    """A meter asked over Modbus: by TCP (``host``), or on a serial port in mode ``meter``.

    ``fallback`` says what is counted while it does not answer: the board's own channels, the
    offered current at the assumed voltage, or nothing.
    """

    model: str
    host: str | None = None
    port: int = 502
    serial: str | None = None
    unit: int = 1
    interval_ms: int = 1000
    fallback: str | None = None

    @property
    def phases(self) -> int:
        """How many phases the model measures."""
        return 1 if self.model == "sdm120" else 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxInput:
    """A free digital input."""

    name: str
    gpio: int
    active_low: bool = False
    pull: Pull = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxOutput:
    """A free digital output; ``initial`` is its level at start and on stop."""

    name: str
    gpio: int
    active_low: bool = False
    initial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxAnalogInput:
    """A free analog input."""

    name: str
    adc_channel: Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Aux:
    """Everything free."""

    inputs: tuple[AuxInput, ...] = ()
    outputs: tuple[AuxOutput, ...] = ()
    analog_inputs: tuple[AuxAnalogInput, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialPort:
    """One serial port; ``type`` is uart or rs485."""

    type: str
    name: str
    device: str
    direction: str = "auto"
    direction_gpio: int | None = None
    direction_active_low: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Onewire:
    """The 1-wire bus."""

    gpio: int
    temperature_sensor: bool
    max_sensors: int = 5
    bulk: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OtaChannel:
    """Where one update channel's descriptor is found."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Ratings of the hardware."""

    max_current_a: int = 32
    phases: int = 1
    ventilation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """Dead-man and heartbeat. ``heartbeat_hz`` asks for a pulse train (decision 26)."""

    heartbeat_gpio: int | None = None
    heartbeat_hz: int | None = None
    deadman: bool = True
    deadman_time_ms: int = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class SimVehicle:
    """The simulated vehicle as it is at start; ``reaction_ms`` -1: never reacts."""

    r2_ohm: int = 2740
    r3_ohm: int = 1300
    diode: bool = True
    max_current_a: float = 16.0
    phases: int = 1
    ramp_a_per_s: float = 2.0
    reaction_ms: int = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Sim:
    """The simulated circuit as it is at start; ``cable_a`` 0 open, -1 short."""

    seed: int = 1
    noise_mv: int = 5
    speed: float = 1.0
    control: str = "/run/evsed/sim.sock"
    vehicle: SimVehicle = field(default_factory=SimVehicle)
    cable_a: int = 32
    relay_weld: bool = False
    relay_delay_ms: int = 15
    temperature_c: float = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One board: everything that is fitted."""

    device_name: str
    button: Button
    pilot: Pilot
    ac_relay: AcRelay
    ota: tuple[OtaChannel, ...]
    platform: str = "pi"
    adcs: tuple[Adc, ...] = ()
    leds: Leds = field(default_factory=Leds)
    proximity: Proximity | None = None
    socket_lock: SocketLock | None = None
    rcm: Rcm | None = None
    energy_meter: EnergyMeter | None = None
    external_meter: ExternalMeter | None = None
    aux: Aux = field(default_factory=Aux)
    serials: tuple[SerialPort, ...] = ()
    onewire: Onewire | None = None
    limits: Limits = field(default_factory=Limits)
    watchdog: Watchdog = field(default_factory=Watchdog)
    sim: Sim = field(default_factory=Sim)

    @property
    def temperature_sensor(self) -> bool:
        """Whether a temperature sensor is expected."""
        return self.onewire is not None and self.onewire.temperature_sensor

    @property
    def energy_meter_mode(self) -> str:
        """The best meter mode the board can do: ``none``, ``cur`` or ``cur_vlt`` (API words)."""
        if self.external_meter is not None:
            return "cur_vlt"
        if self.energy_meter is None:
            return "none"
        return "cur" if self.energy_meter.voltage is None else "cur_vlt"

    @property
    def energy_meter_three_phases(self) -> bool:
        """Whether every channel its best mode needs is there three times. Quirk Q35."""
        if self.external_meter is not None:
            return self.external_meter.phases == 3
        meter = self.energy_meter
        if meter is None or len(meter.current.adc_channels) != 3:
            return False
        return meter.voltage is None or len(meter.voltage.adc_channels) == 3
