"""The 1-wire sensors as the kernel shows them in files."""

import pytest

from evsed.board.description import Onewire
from evsed.hardware.interfaces import TemperatureReading
from evsed.hardware.pi.temperature import OnewireBus, OnewireThermometer

ONEWIRE = Onewire(gpio=4, temperature_sensor=True, bulk=False)


@pytest.fixture
def bus(tmp_path):
    return OnewireBus(tmp_path, ONEWIRE)


def put(root, name, text):
    (root / name).mkdir(exist_ok=True)
    (root / name / "temperature").write_text(text)


def test_lowest_and_highest_sensor_of_both_families_are_told(tmp_path, bus):
    put(tmp_path, "28-000000000001", "23125\n")
    put(tmp_path, "10-000000000002", "-5250\n")
    put(tmp_path, "w1_bus_master1", "90000\n")
    assert bus.measure() == TemperatureReading(-525, 2312, sensors=2, valid=True)


def test_no_more_sensors_are_used_than_the_board_allows(tmp_path):
    for number in range(4):
        put(tmp_path, f"28-00000000000{number}", f"{number}000\n")
    bus = OnewireBus(tmp_path, Onewire(gpio=4, temperature_sensor=True, max_sensors=2))
    assert bus.measure() == TemperatureReading(0, 100, sensors=2, valid=True)


def test_no_sensor_is_a_fault_until_one_is_found(tmp_path, bus):
    assert bus.measure() == TemperatureReading(fault=True)
    put(tmp_path, "28-000000000001", "20000\n")
    assert bus.measure() == TemperatureReading(2000, 2000, sensors=1, valid=True)


@pytest.mark.parametrize("text", ["", "garbage\n", "-40001\n", "125001\n", "85000\n"])
def test_what_is_not_to_be_believed_fails_the_round_and_the_fourth_is_a_fault(tmp_path, bus, text):
    put(tmp_path, "28-000000000001", "20000\n")
    good = bus.measure()
    put(tmp_path, "28-000000000001", text)
    assert [bus.measure() for _ in range(3)] == [good] * 3
    assert bus.measure() == TemperatureReading(2000, 2000, sensors=1, valid=True, fault=True)
    put(tmp_path, "28-000000000001", "21000\n")
    assert bus.measure() == TemperatureReading(2100, 2100, sensors=1, valid=True)


def test_one_failing_sensor_fails_the_round(tmp_path, bus):
    put(tmp_path, "28-000000000001", "20000\n")
    put(tmp_path, "28-000000000002", "30000\n")
    good = bus.measure()
    put(tmp_path, "28-000000000001", "25000\n")
    put(tmp_path, "28-000000000002", "")
    assert bus.measure() == good


@pytest.mark.parametrize("text", ["-40000\n", "125000\n"])
def test_the_ends_of_the_sensors_range_are_believed(tmp_path, bus, text):
    put(tmp_path, "28-000000000001", text)
    assert bus.measure().high_cdeg == int(text) // 10


def test_85_degrees_are_believed_after_75(tmp_path, bus):
    put(tmp_path, "28-000000000001", "75000\n")
    bus.measure()
    put(tmp_path, "28-000000000001", "85000\n")
    assert bus.measure() == TemperatureReading(8500, 8500, sensors=1, valid=True)


def test_a_sensor_that_was_exchanged_is_found_after_the_fault(tmp_path, bus):
    put(tmp_path, "28-000000000001", "20000\n")
    bus.measure()
    (tmp_path / "28-000000000001" / "temperature").unlink()
    (tmp_path / "28-000000000001").rmdir()
    put(tmp_path, "28-000000000002", "22000\n")
    assert [bus.measure().fault for _ in range(4)] == [False, False, False, True]
    assert bus.measure() == TemperatureReading(2200, 2200, sensors=1, valid=True)


def test_all_sensors_convert_at_once_when_the_kernel_can(tmp_path):
    put(tmp_path, "28-000000000001", "20000\n")
    (tmp_path / "w1_bus_master1").mkdir()
    trigger = tmp_path / "w1_bus_master1" / "therm_bulk_read"
    trigger.write_text("0\n")
    bus = OnewireBus(tmp_path, Onewire(gpio=4, temperature_sensor=True, bulk=True))
    assert bus.measure().valid
    assert trigger.read_text() == "trigger\n"


def test_the_worker_publishes_rounds_and_ends_when_told(tmp_path):
    put(tmp_path, "28-000000000001", "20000\n")
    thermometer = OnewireThermometer(tmp_path, ONEWIRE)
    try:
        while not thermometer.read().valid:
            pass
    finally:
        thermometer.close()
    assert thermometer.read().fault  # nobody measures any more
