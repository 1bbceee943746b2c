"""Every key of a board file: type, range, place in the description. Source: board.md section 3.

Defaults are those of the dataclasses in ``description``.
"""

from typing import Final

from evsed.board.description import (
    AcRelay,
    Adc,
    Aux,
    AuxAnalogInput,
    AuxInput,
    AuxOutput,
    Board,
    Button,
    Leds,
    Limits,
    Onewire,
    OtaChannel,
    OutputPin,
    Pilot,
    Proximity,
    Rcm,
    SerialPort,
    Sim,
    SimVehicle,
    SocketLock,
    Watchdog,
)
from evsed.board.kinds import (
    ChannelReference,
    Converters,
    Key,
    ListOf,
    Section,
    choice,
    flag,
    number,
    pin,
    text,
    whole,
)
from evsed.board.meter_table import ENERGY_METER, EXTERNAL_METER
from evsed.board.reading import PinRole

SIM_CONVERTER: Final = Adc(name="adc0", type="sim", bus=0, cs=0, vref_mv=3300)

_CHANNEL: Final = ChannelReference()
_PULL: Final = choice("up", "down", "none")
_MV: Final = whole(0, 5500, "mV")  # the converter's vref is the real limit: see rules
_URL: Final = r"https://[^\s/]+(/\S*)?|file:///\S+"


def _rcm(**values: object) -> Rcm:
    """Let a broken wire read as tripped unless the file says otherwise."""
    pull = "up" if values.get("active_low") else "down"
    return Rcm(**{"pull": pull, **values})  # type: ignore[arg-type]  # the table has the types


_ADC: Final = Section(
    Adc,
    (
        Key(
            name="name",
            kind=text(8, pattern="[a-z0-9_]+", about="of a-z, 0-9 and _"),
            field="name",
            required=True,
        ),
        Key(
            name="type",
            kind=choice("mcp3004", "mcp3008", "mcp3204", "mcp3208", "sim"),
            field="type",
            required=True,
        ),
        Key(name="bus", kind=choice(0, 1, 3, 4, 5, 6), field="bus", required=True),
        Key(name="cs", kind=whole(0, 2), field="cs", required=True),
        Key(name="speedHz", kind=whole(10_000, 2_000_000, "Hz"), field="speed_hz"),
        Key(name="vdd", kind=whole(2700, 5500, "mV"), field="vdd_mv"),
        Key(name="vref", kind=whole(250, 5500, "mV"), field="vref_mv", required=True),
        Key(name="gain", kind=number(0.90, 1.10), field="gain"),
        Key(name="offset", kind=number(-50, 50, "mV"), field="offset_mv"),
    ),
)


def _led(use: str) -> Section:
    role = PinRole(use=use, function="output", invert_key="activeLow", at_reset="warning")
    return Section(
        OutputPin,
        (
            Key(name="gpio", kind=pin(role), field="gpio", required=True),
            Key(name="activeLow", kind=flag(), field="active_low"),
        ),
    )


_LEDS: Final = Section(
    Leds,
    (
        Key(name="charging", kind=_led("LED charging"), field="charging"),
        Key(name="error", kind=_led("LED error"), field="error"),
        Key(name="wifi", kind=_led("LED network"), field="wifi"),
    ),
)

_BUTTON_ROLE: Final = PinRole(
    use="button", function="input", invert_key="activeLow", pull_key="pull"
)
_BUTTON: Final = Section(
    Button,
    (
        Key(name="gpio", kind=pin(_BUTTON_ROLE, none=True), field="gpio", required=True),
        Key(name="activeLow", kind=flag(), field="active_low"),
        Key(name="pull", kind=_PULL, field="pull"),
        Key(name="debounce", kind=whole(5, 200, "ms"), field="debounce_ms"),
    ),
)

_SETTLE: Final = Section(
    dict,
    (
        Key(name="high", kind=whole(0, 100, "µs"), field="settle_high_us"),
        Key(name="low", kind=whole(0, 100, "µs"), field="settle_low_us"),
    ),
)
_PILOT_ROLE: Final = PinRole(use="control pilot", function="PWM 1 kHz", invert_key="inverted")
_DISCONNECT_ROLE: Final = PinRole(
    use="control pilot disconnect",
    function="output",
    invert_key="disconnectActiveLow",
    at_reset="warning",
)
_PILOT: Final = Section(
    Pilot,
    (
        Key(
            name="gpio",
            kind=choice(12, 13, 18, 19, role=_PILOT_ROLE),
            field="gpio",
            required=True,
        ),
        Key(name="pwm", kind=choice("pigpio", "sysfs", "sim"), field="pwm"),
        Key(name="pwmChip", kind=whole(0, 9), field="pwm_chip"),
        Key(name="pwmChannel", kind=whole(0, 3), field="pwm_channel"),
        Key(name="inverted", kind=flag(), field="inverted"),
        Key(name="adcChannel", kind=_CHANNEL, field="adc_channel", required=True),
        Key(name="adcChannelLow", kind=_CHANNEL, field="adc_channel_low"),
        Key(
            name="levels",
            kind=ListOf(_MV, (5,), descending=True),
            field="levels_mv",
            required=True,
        ),
        Key(name="hysteresis", kind=whole(0, 200, "mV"), field="hysteresis_mv"),
        Key(name="settle", kind=_SETTLE, field=""),
        Key(name="window", kind=whole(5, 40, "ms"), field="window_ms"),
        Key(name="disconnectGpio", kind=pin(_DISCONNECT_ROLE), field="disconnect_gpio"),
        Key(name="disconnectActiveLow", kind=flag(), field="disconnect_active_low"),
    ),
)

_PROXIMITY: Final = Section(
    Proximity,
    (
        Key(name="adcChannel", kind=_CHANNEL, field="adc_channel", required=True),
        Key(
            name="levels",
            kind=ListOf(_MV, (3,), descending=True),
            field="levels_mv",
            required=True,
        ),
        Key(name="openLevel", kind=_MV, field="open_level_mv"),
        Key(name="shortLevel", kind=_MV, field="short_level_mv"),
    ),
)

_CONTACTOR_ROLE: Final = PinRole(
    use="contactor", function="output", invert_key="activeLow", at_reset="error"
)
_FEEDBACK_ROLE: Final = PinRole(
    use="contactor feedback",
    function="input",
    invert_key="feedbackActiveLow",
    pull_key="feedbackPull",
)
_AC_RELAY: Final = Section(
    AcRelay,
    (
        Key(name="gpios", kind=ListOf(pin(_CONTACTOR_ROLE), (1, 2)), field="gpios", required=True),
        Key(name="activeLow", kind=flag(), field="active_low"),
        Key(name="phaseSwitch", kind=flag(), field="phase_switch"),
        Key(name="feedbackGpios", kind=ListOf(pin(_FEEDBACK_ROLE), (1, 2)), field="feedback_gpios"),
        Key(name="feedbackActiveLow", kind=flag(), field="feedback_active_low"),
        Key(name="feedbackPull", kind=_PULL, field="feedback_pull"),
        Key(name="closeTime", kind=whole(5, 500, "ms"), field="close_time_ms"),
        Key(name="openTime", kind=whole(5, 500, "ms"), field="open_time_ms"),
        Key(name="minOffTime", kind=whole(0, 60_000, "ms"), field="min_off_time_ms"),
    ),
)

_LOCK_ROLE: Final = PinRole(use="socket lock motor", function="output", at_reset="error")
_LOCK_INPUT: Final = PinRole(use="socket lock contact", function="input", pull_key="detectionPull")
_SOCKET_LOCK: Final = Section(
    SocketLock,
    (
        Key(name="gpios", kind=ListOf(pin(_LOCK_ROLE), (2,)), field="gpios", required=True),
        Key(name="detectionGpio", kind=pin(_LOCK_INPUT), field="detection_gpio", required=True),
        Key(name="detectionPull", kind=_PULL, field="detection_pull"),
        Key(
            name="detectionDelay",
            kind=whole(0, 5000, "ms"),
            field="detection_delay_ms",
            required=True,
        ),
        Key(
            name="minBreakTime",
            kind=whole(0, 60_000, "ms"),
            field="min_break_time_ms",
            required=True,
        ),
        Key(name="maxOperatingTime", kind=whole(100, 5000, "ms"), field="max_operating_time_ms"),
        Key(name="swap", kind=flag(), field="swap"),
    ),
)

_RCM_ROLE: Final = PinRole(
    use="residual current trip", function="input", invert_key="activeLow", pull_key="pull"
)
_RCM_TEST: Final = PinRole(
    use="residual current test",
    function="output",
    invert_key="testActiveLow",
    at_reset="warning",
)
_RCM_RESET: Final = PinRole(
    use="residual current latch reset",
    function="output",
    invert_key="resetActiveLow",
    at_reset="warning",
)
_RCM: Final = Section(
    _rcm,
    (
        Key(name="gpio", kind=pin(_RCM_ROLE), field="gpio", required=True),
        Key(name="testGpio", kind=pin(_RCM_TEST), field="test_gpio", required=True),
        Key(name="activeLow", kind=flag(), field="active_low"),
        Key(name="testActiveLow", kind=flag(), field="test_active_low"),
        Key(name="pull", kind=_PULL, field="pull"),
        Key(name="testTime", kind=whole(50, 2000, "ms"), field="test_time_ms"),
        Key(name="resetGpio", kind=pin(_RCM_RESET), field="reset_gpio"),
        Key(name="resetActiveLow", kind=flag(), field="reset_active_low"),
    ),
)


_AUX_NAME: Final = Key(name="name", kind=text(8), field="name", required=True)
_AUX_INPUT: Final = PinRole(
    use="aux input", function="input", invert_key="activeLow", pull_key="pull"
)
_AUX_OUTPUT: Final = PinRole(
    use="aux output", function="output", invert_key="activeLow", at_reset="warning"
)
_AUX: Final = Section(
    Aux,
    (
        Key(
            name="inputs",
            kind=ListOf(
                Section(
                    AuxInput,
                    (
                        _AUX_NAME,
                        Key(name="gpio", kind=pin(_AUX_INPUT), field="gpio", required=True),
                        Key(name="activeLow", kind=flag(), field="active_low"),
                        Key(name="pull", kind=_PULL, field="pull"),
                    ),
                ),
                (0, 1, 2, 3, 4),
            ),
            field="inputs",
        ),
        Key(
            name="outputs",
            kind=ListOf(
                Section(
                    AuxOutput,
                    (
                        _AUX_NAME,
                        Key(name="gpio", kind=pin(_AUX_OUTPUT), field="gpio", required=True),
                        Key(name="activeLow", kind=flag(), field="active_low"),
                        Key(name="initial", kind=flag(), field="initial"),
                    ),
                ),
                (0, 1, 2, 3, 4),
            ),
            field="outputs",
        ),
        Key(
            name="analogInputs",
            kind=ListOf(
                Section(
                    AuxAnalogInput,
                    (
                        _AUX_NAME,
                        Key(name="adcChannel", kind=_CHANNEL, field="adc_channel", required=True),
                    ),
                ),
                (0, 1, 2),
            ),
            field="analog_inputs",
        ),
    ),
)

_DIRECTION_ROLE: Final = PinRole(
    use="RS-485 direction",
    function="output",
    invert_key="directionActiveLow",
    at_reset="warning",
)
_SERIAL: Final = Section(
    SerialPort,
    (
        Key(name="type", kind=choice("uart", "rs485"), field="type", required=True),
        Key(name="name", kind=text(16), field="name", required=True),
        Key(
            name="device",
            kind=text(200, pattern=r"/\S+", about="a path under /dev/"),
            field="device",
            required=True,
        ),
        Key(name="direction", kind=choice("auto", "rts", "gpio", "kernel"), field="direction"),
        Key(name="directionGpio", kind=pin(_DIRECTION_ROLE), field="direction_gpio"),
        Key(name="directionActiveLow", kind=flag(), field="direction_active_low"),
    ),
)

_ONEWIRE: Final = Section(
    Onewire,
    (
        Key(
            name="gpio",
            kind=pin(PinRole(use="temperature sensors", function="1-wire")),
            field="gpio",
            required=True,
        ),
        Key(name="temperatureSensor", kind=flag(), field="temperature_sensor", required=True),
        Key(name="maxSensors", kind=whole(1, 5), field="max_sensors"),
        Key(name="bulk", kind=flag(), field="bulk"),
    ),
)

_OTA: Final = Section(
    dict,
    (
        Key(
            name="channels",
            kind=ListOf(
                Section(
                    OtaChannel,
                    (
                        Key(name="name", kind=text(16), field="name", required=True),
                        Key(
                            name="path",
                            kind=text(500, pattern=_URL, about="https://… or file:///…"),
                            field="path",
                            required=True,
                        ),
                    ),
                ),
                (1, 2, 3),
            ),
            field="ota",
            required=True,
        ),
    ),
)

_LIMITS: Final = Section(
    Limits,
    (
        Key(name="maxCurrent", kind=whole(6, 63, "A"), field="max_current_a"),
        Key(name="phases", kind=choice(1, 3), field="phases"),
        Key(name="ventilation", kind=flag(), field="ventilation"),
    ),
)

_WATCHDOG: Final = Section(
    Watchdog,
    (
        Key(
            name="heartbeatGpio",
            kind=pin(PinRole(use="heartbeat", function="output", at_reset="error")),
            field="heartbeat_gpio",
        ),
        Key(name="heartbeatHz", kind=whole(1, 20_000, "Hz"), field="heartbeat_hz"),
        Key(name="deadman", kind=flag(), field="deadman"),
        Key(name="deadmanTime", kind=whole(100, 2000, "ms"), field="deadman_time_ms"),
    ),
)

_VEHICLE: Final = Section(
    SimVehicle,
    (
        Key(name="r2", kind=whole(10, 1_000_000, "Ω"), field="r2_ohm"),
        Key(name="r3", kind=whole(10, 1_000_000, "Ω"), field="r3_ohm"),
        Key(name="diode", kind=flag(), field="diode"),
        Key(name="maxCurrent", kind=number(0, 80, "A"), field="max_current_a"),
        Key(name="phases", kind=whole(1, 3), field="phases"),
        Key(name="ramp", kind=number(0, 1000, "A/s", above=True), field="ramp_a_per_s"),
        Key(name="reaction", kind=whole(-1, 60_000, "ms"), field="reaction_ms"),
    ),
)
_SIM_RELAY: Final = Section(
    dict,
    (
        Key(name="weld", kind=flag(), field="relay_weld"),
        Key(name="delay", kind=whole(0, 1000, "ms"), field="relay_delay_ms"),
    ),
)
_SIM: Final = Section(
    Sim,
    (
        Key(name="seed", kind=whole(0, 4_294_967_295), field="seed"),
        Key(name="noise", kind=whole(0, 200, "mV"), field="noise_mv"),
        Key(name="speed", kind=number(0, 1000), field="speed"),
        Key(
            name="control",
            kind=text(200, pattern=r"/\S+", about="an absolute path"),
            field="control",
        ),
        Key(name="ev", kind=_VEHICLE, field="vehicle"),
        Key(name="cable", kind=choice(13, 20, 32, 63, 0, -1), field="cable_a"),
        Key(name="relay", kind=_SIM_RELAY, field=""),
        Key(name="temperature", kind=number(-55, 125, "°C"), field="temperature_c"),
    ),
)

CONVERTERS: Final = Converters(ListOf(_ADC, (1, 2, 3, 4)))

#: ``adcs`` stands before everything that refers to a channel: keys are read in this order.
BOARD: Final = Section(
    Board,
    (
        Key(name="schema", kind=choice(1), field=""),
        Key(name="deviceName", kind=text(32), field="device_name", required=True),
        Key(name="platform", kind=choice("pi", "sim"), field="platform"),
        Key(name="adcs", kind=CONVERTERS, field="adcs"),
        Key(name="leds", kind=_LEDS, field="leds"),
        Key(name="button", kind=_BUTTON, field="button", required=True),
        Key(name="pilot", kind=_PILOT, field="pilot", required=True),
        Key(name="proximity", kind=_PROXIMITY, field="proximity"),
        Key(name="acRelay", kind=_AC_RELAY, field="ac_relay", required=True),
        Key(name="socketLock", kind=_SOCKET_LOCK, field="socket_lock"),
        Key(name="rcm", kind=_RCM, field="rcm"),
        Key(name="energyMeter", kind=ENERGY_METER, field="energy_meter"),
        Key(name="externalMeter", kind=EXTERNAL_METER, field="external_meter"),
        Key(name="aux", kind=_AUX, field="aux"),
        Key(name="serials", kind=ListOf(_SERIAL, (0, 1, 2, 3)), field="serials"),
        Key(name="onewire", kind=_ONEWIRE, field="onewire"),
        Key(name="ota", kind=_OTA, field="", required=True),
        Key(name="limits", kind=_LIMITS, field="limits"),
        Key(name="watchdog", kind=_WATCHDOG, field="watchdog"),
        Key(name="sim", kind=_SIM, field="sim"),
    ),
)
