"""What must fit together in a board file: pins, buses, converters, sections."""

import pytest
import yaml
from board_texts import SHIPPED, changed, complaint, complaints, full_document, warnings

from evsed.board.description import Adc
from evsed.board.pin_rules import spi_pins

FULL = full_document()
PI = yaml.safe_load((SHIPPED / "full-three-phase.yaml").read_text(encoding="utf-8"))
MINIMAL = yaml.safe_load((SHIPPED / "minimal-single-phase.yaml").read_text(encoding="utf-8"))


def _says(line, key, words):
    return f": {key}: " in line and words in line


def test_a_pin_used_twice_names_both_places(tmp_path):
    line = complaint(tmp_path, changed(PI, "button.gpio", 17))
    assert _says(line, "acRelay.gpios[0]", "GPIO 17 is used twice, also by button.gpio in line")


def test_a_pin_used_twice_is_refused_on_a_simulated_board_as_well(tmp_path):
    assert "GPIO 16 is used twice" in complaint(tmp_path, changed(FULL, "onewire.gpio", 16))


def test_no_button_claims_no_pin(tmp_path):
    document = changed(PI, "button.gpio", -1)
    assert complaints(tmp_path, document) == []


@pytest.mark.parametrize(
    ("gpio", "bus"), [(7, "SPI0 CE1"), (8, "SPI0 CE0"), (9, "SPI0 MISO"), (14, "UART0 TXD")]
)
def test_pins_of_enabled_buses_are_taken(tmp_path, gpio, bus):
    line = complaint(tmp_path, changed(PI, "aux.inputs[0].gpio", gpio))
    assert _says(line, "aux.inputs[0].gpio", f"GPIO {gpio} belongs to {bus}")


def test_pins_of_a_port_that_is_not_used_are_free(tmp_path):
    document = changed(changed(PI, "serials", []), "externalMeter.host", "meter")
    del document["externalMeter"]["serial"]
    assert complaints(tmp_path, changed(document, "aux.inputs[0].gpio", 14)) == []


def test_a_simulated_board_has_no_buses(tmp_path):
    document = changed(FULL, "serials[0].device", "/dev/serial0")
    document = changed(document, "adcs[1].type", "mcp3208")
    document = changed(document, "aux.inputs[0].gpio", 14)
    assert complaints(tmp_path, changed(document, "button.gpio", 9)) == []


@pytest.mark.parametrize(
    ("bus", "cs", "pins"),
    [
        (0, 0, {7, 8, 9, 10, 11}),
        (1, 0, {18, 19, 20, 21}),
        (1, 2, {16, 17, 18, 19, 20, 21}),
        (3, 0, {0, 1, 2, 3}),
        (4, 1, {4, 5, 6, 7, 25}),
        (5, 0, {12, 13, 14, 15}),
        (6, 1, {18, 19, 20, 21, 27}),
    ],
)
def test_each_spi_bus_takes_its_own_pins(bus, cs, pins):
    adc = Adc(name="a", type="mcp3208", bus=bus, cs=cs, vref_mv=3300)
    assert set(spi_pins((adc,))) == pins


def test_a_simulated_converter_takes_no_pins():
    assert spi_pins((Adc(name="a", type="sim", bus=0, cs=0, vref_mv=3300),)) == {}


@pytest.mark.parametrize("gpio", [0, 1])
def test_the_pins_of_the_hat_memory_are_reserved(tmp_path, gpio):
    line = complaint(tmp_path, changed(PI, "aux.inputs[0].gpio", gpio))
    assert f"GPIO {gpio} is reserved for the EEPROM of the hat" in line


@pytest.mark.parametrize(
    ("key", "value"),
    [("acRelay.gpios", [2, 27]), ("socketLock.gpios", [24, 3]), ("watchdog.heartbeatGpio", 3)],
)
def test_dangerous_outputs_must_not_be_pulled_up_at_reset(tmp_path, key, value):
    assert "is pulled up at reset; permitted for an output: 9 … 27" in complaint(
        tmp_path, changed(PI, key, value)
    )


def test_a_contactor_that_is_closed_at_reset_is_refused(tmp_path):
    lines = complaints(tmp_path, changed(PI, "acRelay.activeLow", True))
    assert len(lines) == 2
    assert all(
        "with activeLow: true is on from reset until the daemon runs" in line for line in lines
    )
    assert any(_says(line, "acRelay.gpios[0]", "GPIO 17") for line in lines)


def test_a_pulsed_heartbeat_on_a_pulled_up_pin_is_only_a_warning(tmp_path):
    document = changed(PI, "watchdog", {"heartbeatGpio": 3, "heartbeatHz": 2000})
    [line] = warnings(tmp_path, document)
    assert _says(line, "watchdog.heartbeatGpio", "GPIO 3 is pulled up at reset")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("leds.error.gpio", 2, "GPIO 2 is pulled up"),
        ("aux.outputs[0].gpio", 2, "GPIO 2 is pulled up"),
        ("rcm.testGpio", 2, "GPIO 2 is pulled up"),
        ("leds.error.activeLow", True, "with activeLow: true"),
        ("rcm.testActiveLow", True, "with testActiveLow: true"),
        ("pilot.disconnectGpio", 2, "GPIO 2 is pulled up"),
    ],
)
def test_harmless_outputs_that_are_on_at_reset_are_warnings(tmp_path, key, value, words):
    [line] = warnings(tmp_path, changed(PI, key, value))
    assert words in line


def test_a_simulated_board_does_not_warn_of_reset_levels(tmp_path):
    document = changed(FULL, "leds.error.activeLow", True)
    assert not any("leds" in line for line in warnings(tmp_path, document))


@pytest.mark.parametrize(
    ("key", "value"),
    [("sim", {"noise": 1}), ("pilot.pwm", "sim"), ("adcs[0].type", "sim")],
)
def test_simulated_parts_need_a_simulated_board(tmp_path, key, value):
    lines = complaints(tmp_path, changed(PI, key, value))
    assert any("permitted only with platform: sim" in line for line in lines)


@pytest.mark.parametrize(
    ("speed", "vdd", "good"), [(1_200_000, 3300, True), (1_200_001, 3300, False)]
)
def test_a_fast_clock_needs_five_volts(tmp_path, speed, vdd, good):
    document = changed(changed(PI, "adcs[0].speedHz", speed), "adcs[0].vdd", vdd)
    lines = complaints(tmp_path, document)
    assert (lines == []) is good
    assert good or _says(lines[0], "adcs[0].speedHz", "only with vdd: 5000, vdd is 3300 mV")


def test_a_converter_on_five_volts_is_a_warning(tmp_path):
    document = changed(changed(PI, "adcs[0].speedHz", 2_000_000), "adcs[0].vdd", 5000)
    [line] = warnings(tmp_path, document)
    assert _says(line, "adcs[0].vdd", "MISO too high")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("adcs[1].cs", 0, "SPI0 chip select 0 is used twice, also by adcs[0]"),
        ("adcs[1].cs", 2, "SPI0 has the chip selects 0 … 1"),
        ("adcs[1].name", "cp", "cp is there twice, also at adcs[0].name"),
        ("serials[1].name", "Nextion", "Nextion is there twice, also at serials[0].name"),
        ("serials[1].device", "/dev/serial0", "/dev/serial0 is there twice"),
        ("ota.channels[1].name", "stable", "stable is there twice"),
        ("aux.analogInputs[0].name", "IN1", "IN1 is there twice, also at aux.inputs[0].name"),
        ("pilot.pwm", "sysfs", "sysfs needs pwmChip"),
        ("pilot.levels", [2405, 2405, 3, 2, 1], "not strictly descending"),
        (
            "pilot.levels",
            [3301, 4, 3, 2, 1],
            "3301 is not permitted, expected 0 … 3300 mV, the vref of cp",
        ),
        ("proximity.levels[0]", 3301, "expected 0 … 3300 mV, the vref of cp"),
        ("proximity.openLevel", 1650, "must be above the first of levels, 1650 mV"),
        ("proximity.openLevel", 3301, "expected 0 … 3300 mV"),
        ("proximity.shortLevel", 430, "must be below the last of levels, 430 mV"),
        ("acRelay.feedbackGpios", [22], "a list of 1 is not permitted, expected 2 as in gpios"),
        ("energyMeter.current.invert", [True], "a list of 1 is not permitted, expected 3"),
        ("serials[0].device", "/srv/tty", "a path under /dev/ is expected"),
        ("serials[0].direction", "rts", "permitted only with type: rs485"),
        ("serials[1].direction", "gpio", "gpio needs directionGpio"),
        ("serials[1].directionGpio", 2, "permitted only with direction: gpio"),
        ("watchdog.heartbeatHz", 10, "needs heartbeatGpio"),
        ("ota.channels[0].path", "http://example.org/x", "https://… or file:///…"),
        ("ota.channels[0].path", "file://host/x", "https://… or file:///…"),
    ],
)
def test_what_does_not_fit_together_is_named(tmp_path, key, value, words):
    lines = complaints(tmp_path, changed(PI, key, value))
    assert any(words in line for line in lines), lines


def test_switching_phases_needs_two_coils(tmp_path):
    document = changed(MINIMAL, "acRelay.phaseSwitch", True)
    assert "acRelay.phaseSwitch: needs two gpios" in complaint(tmp_path, document)


def test_switching_phases_on_one_phase_is_a_warning(tmp_path):
    [line] = warnings(tmp_path, changed(PI, "limits.phases", 1))
    assert "acRelay.phaseSwitch: does nothing without limits.phases: 3" in line


def test_the_same_device_twice_is_permitted_on_a_simulated_board(tmp_path):
    assert complaints(tmp_path, changed(FULL, "serials[0].device", "/dev/null")) == []
    assert complaints(tmp_path, changed(FULL, "serials[0].device", "/srv/tty")) == []


def test_the_dead_man_needs_the_pin_daemon(tmp_path):
    document = changed(FULL, "pilot.pwm", "sysfs")
    document = changed(document, "watchdog.deadman", True)
    assert "watchdog.deadman: needs the pin daemon" in complaint(tmp_path, document)


def test_a_kernel_pilot_with_chip_and_channel_is_good(tmp_path):
    document = changed(PI, "pilot.pwm", "sysfs")
    document = changed(document, "pilot.pwmChip", 2)
    document = changed(document, "watchdog", {})
    assert complaints(tmp_path, changed(document, "pilot.pwmChannel", 2)) == []


def test_the_negative_level_is_measured_against_its_own_converter(tmp_path):
    document = changed(PI, "adcs[1].vref", 600)
    document = changed(document, "pilot.adcChannelLow", "em:6")
    line = complaint(tmp_path, document)
    assert _says(
        line, "pilot.levels[4]", "728 is not permitted, expected 0 … 600 mV, the vref of em"
    )


def test_levels_may_reach_vref(tmp_path):
    document = changed(PI, "pilot.levels", [3300, 2099, 1792, 1484, 0])
    assert complaints(tmp_path, changed(document, "proximity.openLevel", 3300)) == []


def test_proximity_without_a_short_level_is_a_warning(tmp_path):
    document = changed(PI, "proximity", {"adcChannel": "cp:1", "levels": [1650, 820, 430]})
    [line] = warnings(tmp_path, document)
    assert _says(line, "proximity", "shortLevel is missing")


def test_rules_do_not_stumble_over_sections_that_are_wrong(tmp_path):
    for key in PI:
        assert complaints(tmp_path, changed(PI, key, "wrong")) != [] or key == "deviceName"
