"""Reading board files: what is built, and what every complaint says."""

import pytest
from board_texts import (
    SHIPPED,
    changed,
    complaint,
    complaints,
    full_document,
    warnings,
    without,
    write,
)

from evsed.board.description import AcRelay, Channel, OutputPin, Pilot
from evsed.board.reader import NoBoardError, find_board, read_board, read_board_checked, salvage
from evsed.errors import BadFileError

FULL = full_document()


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.yaml")))
def test_every_shipped_board_loads(name):
    _, found = read_board_checked(find_board(name))
    heartbeat = [line for line in found if "watchdog.heartbeatGpio: GPIO 4 is pulled up" in line]
    assert len(found) == len(heartbeat) == (1 if name == "pi-evse-hat" else 0)


def test_the_four_promised_boards_are_shipped():
    names = {path.stem for path in SHIPPED.glob("*.yaml")}
    assert {"sim", "minimal-single-phase", "full-three-phase", "pi-evse-hat"} <= names


def test_the_simulated_board_is_described_completely():
    board = read_board(find_board("sim"))
    assert (board.platform, board.device_name) == ("sim", "Simulated EVSE")
    assert board.pilot.levels_mv == (2405, 2099, 1792, 1484, 728)
    assert board.leds.wifi == OutputPin(gpio=25)
    assert board.aux.analog_inputs[0].adc_channel == Channel(1, 0)
    assert board.sim.vehicle.phases == 3
    assert (board.energy_meter_mode, board.energy_meter_three_phases) == ("cur_vlt", True)
    assert board.ota[0].path == "file:///usr/share/evsed/ota/stable.json"


def test_the_hat_of_the_pi_evse_project_is_described():
    board = read_board(find_board("pi-evse-hat"))
    assert (board.adcs[0].type, board.adcs[0].bits, board.adcs[0].channels) == ("mcp3004", 10, 4)
    assert (board.pilot.gpio, board.ac_relay.gpios, board.ac_relay.feedback_gpios) == (
        18,
        (17,),
        (23,),
    )
    assert (board.rcm.gpio, board.rcm.test_gpio, board.rcm.reset_gpio) == (22, 24, 27)
    assert (board.watchdog.heartbeat_gpio, board.watchdog.heartbeat_hz) == (4, 2000)
    assert board.button.gpio == -1


def test_flattened_sections_reach_their_fields(tmp_path):
    document = changed(FULL, "pilot.settle", {"high": 1, "low": 2})
    document = changed(document, "sim.relay", {"weld": True, "delay": 3})
    board = read_board(write(tmp_path, document))
    assert (board.pilot.settle_high_us, board.pilot.settle_low_us) == (1, 2)
    assert (board.sim.relay_weld, board.sim.relay_delay_ms) == (True, 3)


def test_a_simulated_board_needs_no_converters(tmp_path):
    document = without(FULL, "adcs")
    document["aux"].pop("analogInputs")
    board = read_board(write(tmp_path, document))
    assert [adc.type for adc in board.adcs] == ["sim"]


def test_a_real_board_needs_converters(tmp_path):
    document = without(without(FULL, "adcs"), "sim") | {"platform": "pi"}
    assert any(": adcs: is missing" in line for line in complaints(tmp_path, document))


@pytest.mark.parametrize(("active_low", "pull"), [(False, "down"), (True, "up")])
def test_the_pull_of_the_residual_current_line_follows_its_polarity(tmp_path, active_low, pull):
    document = changed(FULL, "rcm.activeLow", active_low)
    assert read_board(write(tmp_path, document)).rcm.pull == pull
    document = changed(document, "rcm.pull", "none")
    assert read_board(write(tmp_path, document)).rcm.pull == "none"


def test_one_direction_for_each_metering_channel(tmp_path):
    document = changed(FULL, "energyMeter.current.invert", [True, False, True])
    document = without(document, "energyMeter.voltage.invert")
    meter = read_board(write(tmp_path, document)).energy_meter
    assert meter.current.invert == (True, False, True)
    assert meter.voltage.invert == (False, False, False)


def test_the_dead_man_is_on_unless_there_is_no_pin_daemon(tmp_path):
    assert read_board(write(tmp_path, FULL)).watchdog.deadman is True
    document = changed(FULL, "pilot.pwm", "sysfs")
    assert read_board(write(tmp_path, document)).watchdog.deadman is False
    document = changed(document, "watchdog.deadman", False)
    assert read_board(write(tmp_path, document)).watchdog.deadman is False


@pytest.mark.parametrize(
    "key", ["deviceName", "button", "pilot", "acRelay", "ota", "pilot.levels", "rcm.testGpio"]
)
def test_a_missing_key_is_named_with_what_belongs_there(tmp_path, key):
    lines = complaints(tmp_path, without(FULL, key))
    assert any(f": {key}: is missing, expected a" in line for line in lines)


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("acRelay.activelow", "activeLow"),
        ("pilot.adcchannel", "adcChannel"),
        ("devicename", "deviceName"),
        ("sim.ev.reactoin", "reaction"),
        ("leds.chargin", "charging"),
        ("aux.inputs[0].gpoi", "gpio"),
    ],
)
def test_an_unknown_key_suggests_the_nearest_known_one(tmp_path, key, near):
    line = complaint(tmp_path, changed(FULL, key, 1))
    assert line.endswith(f": {key}: unknown key, did you mean {near}?")


def test_a_key_like_no_other_gets_no_suggestion(tmp_path):
    assert complaint(tmp_path, changed(FULL, "qqqq", 1)).endswith(": qqqq: unknown key")
    long = "k" * 100
    assert complaint(tmp_path, changed(FULL, long, 1)).endswith(f"{'k' * 40}…: unknown key")
    inner = changed(FULL, f"rcm.{long}", 1)
    assert complaint(tmp_path, inner).endswith(f"rcm.{'k' * 40}…: unknown key")


def test_keys_of_the_user_are_left_alone(tmp_path):
    document = changed(changed(FULL, "x-note", "mine"), "pilot.x-measured", [1, {"a": 2}])
    assert complaints(tmp_path, document) == []


def test_all_problems_are_reported_in_the_order_of_the_file(tmp_path):
    text = (SHIPPED / "sim.yaml").read_text(encoding="utf-8")
    text = text.replace("button: {gpio: 22}", "button: {gpio: 99}")
    text = text.replace("maxCurrent: 63", "maxCurrent: 64").replace("gpios: [17]", "gpios: [17.5]")
    keys = [line.split(": ")[1] for line in complaints(tmp_path, text)]
    assert keys == ["button.gpio", "acRelay.gpios[0]", "limits.maxCurrent"]


@pytest.mark.parametrize("content", ["", "# schema: 1\n"])
def test_a_file_without_a_board_says_what_to_do_next(tmp_path, content):
    file = tmp_path / "board.yaml"
    file.write_text(content)
    with pytest.raises(NoBoardError) as refused:
        read_board(file)
    assert str(file) in str(refused.value)
    for word in ("minimal-single-phase", "/usr/share/evsed/boards", "restart", "board: sim"):
        assert word in str(refused.value)


@pytest.mark.parametrize(("content", "found"), [("[1]", "a list"), ("7", "7")])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content, found):
    lines = complaints(tmp_path, content)
    assert lines[0].startswith(f"1:1: {found} is not permitted, expected a mapping with schema, ")


def test_a_text_without_quotes_that_is_no_text_says_what_to_do(tmp_path):
    line = complaint(tmp_path, changed(FULL, "deviceName", 17))
    assert line.endswith("17 is not permitted, expected a text of 1 … 32 bytes (put it in quotes)")


def test_a_list_of_the_wrong_length_says_how_many(tmp_path):
    line = complaint(tmp_path, changed(FULL, "pilot.levels", [4, 3, 2, 1]))
    assert "pilot.levels: a list of 4 is not permitted, expected a list of 5, strictly" in line
    alone = without(FULL, "externalMeter")  # it falls back to the board's own
    line = complaint(tmp_path, changed(alone, "energyMeter.current.adcChannels", [2, 3]))
    assert "a list of 2 is not permitted, expected a list of 1 or 3, each a channel" in line
    line = complaint(tmp_path, changed(FULL, "ota.channels", []))
    assert "a list of 0 is not permitted, expected a list of 1 … 3, each" in line


def test_a_refused_value_is_complained_about_only_once(tmp_path):
    text = (SHIPPED / "sim.yaml").read_text(encoding="utf-8")
    text = text.replace("rcm: {gpio: 16", "rcm: {gpio: *pin")
    assert complaint(tmp_path, text).endswith(": rcm.gpio: aliases are not permitted")
    text = (SHIPPED / "sim.yaml").read_text(encoding="utf-8")
    text = text.replace("gpios: [17]", "gpios: *pins")
    assert complaint(tmp_path, text).endswith(": acRelay.gpios: aliases are not permitted")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("adc2:0", "no converter is called adc2, did you mean adc"),
        ("adc1:8", "'adc1:8' is not permitted, expected a channel 0 … 7"),
        (8, "8 is not permitted, expected a channel 0 … 7"),
        (True, "true is not permitted"),
        ("adc0:2", "the channel is used twice, also by energyMeter.current.adcChannels[0] in line"),
        (2, "the channel is used twice"),
    ],
)
def test_a_channel_reference_must_fit(tmp_path, reference, words):
    assert words in complaint(tmp_path, changed(FULL, "aux.analogInputs[0].adcChannel", reference))


def test_a_channel_must_be_on_the_converter(tmp_path):
    document = changed(FULL, "adcs[1].type", "mcp3004")
    document = changed(document, "aux.analogInputs[0].adcChannel", "adc1:4")
    assert "channel 4 is not there, adc1 (mcp3004) has channels 0 … 3" in complaint(
        tmp_path, document
    )


def test_a_shipped_board_is_found_by_name_and_a_path_is_taken_as_it_is():
    assert find_board("sim") == SHIPPED / "sim.yaml"
    assert str(find_board("./mine.yaml")) == "mine.yaml"
    assert str(find_board("mine.yml")) == "mine.yml"
    assert str(find_board("some/board")) == "some/board"


def test_an_unknown_board_name_is_answered_with_the_nearest_or_all():
    with pytest.raises(BadFileError, match="did you mean pi-evse-hat"):
        find_board("pi-evs-hat")
    with pytest.raises(BadFileError, match="there are full-three-phase, minimal-single-phase"):
        find_board("zzz")


def test_maintenance_mode_gets_pilot_and_contactor_of_a_board_that_is_wrong_elsewhere(tmp_path):
    document = changed(FULL, "limits.maxCurrent", 64)
    pilot, contactor = salvage(write(tmp_path, document))
    assert isinstance(pilot, Pilot)
    assert isinstance(contactor, AcRelay)
    assert (pilot.gpio, contactor.gpios) == (18, (17,))


def test_maintenance_mode_gets_the_pilot_although_the_converters_are_wrong(tmp_path):
    pilot, _ = salvage(write(tmp_path, changed(FULL, "adcs", "none")))
    assert pilot is not None
    assert pilot.gpio == 18


@pytest.mark.parametrize(
    ("key", "value", "pilot", "contactor"),
    [
        ("pilot.invertd", True, False, True),
        ("acRelay.gpios", [17, 30], True, False),
        ("acRelay.gpios", [18], False, False),
        ("aux.outputs[0].gpio", 17, True, False),
        ("button.gpio", 18, False, True),
        ("acRelay.activeLow", True, True, False),
        ("pilot", 3, False, True),
    ],
)
def test_maintenance_mode_does_not_drive_what_is_unclear(tmp_path, key, value, pilot, contactor):
    found = salvage(write(tmp_path, changed(FULL, key, value)))
    assert (found[0] is not None, found[1] is not None) == (pilot, contactor)


@pytest.mark.parametrize("content", ["", "a: [", "\x01", b"\xff", "[1]", "a: 1\n" * 9999])
def test_maintenance_mode_gets_nothing_from_a_file_that_is_no_board(tmp_path, content):
    assert salvage(write(tmp_path, content)) == (None, None)


def test_maintenance_mode_survives_a_missing_file(tmp_path):
    assert salvage(tmp_path / "missing.yaml") == (None, None)


def test_the_full_board_warns_of_its_converter_on_five_volts_only(tmp_path):
    [line] = warnings(tmp_path, FULL)
    assert ": adcs[0].vdd: " in line


def test_what_the_meter_of_a_board_can_do(tmp_path):
    minimal = read_board(find_board("minimal-single-phase"))
    assert (minimal.energy_meter_mode, minimal.energy_meter_three_phases) == ("cur", False)
    assert minimal.temperature_sensor is False
    alone = without(FULL, "externalMeter")
    bare = read_board(write(tmp_path, without(alone, "energyMeter")))
    assert (bare.energy_meter_mode, bare.energy_meter_three_phases) == ("none", False)
    document = changed(alone, "energyMeter.voltage", {"adcChannels": [5], "scale": 1})
    assert read_board(write(tmp_path, document)).energy_meter_three_phases is False
    document = without(alone, "energyMeter.voltage")
    found = read_board(write(tmp_path, document))
    assert (found.energy_meter_mode, found.energy_meter_three_phases) == ("cur", True)
