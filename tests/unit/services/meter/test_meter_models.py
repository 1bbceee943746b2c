"""Every model of meter, emulated by pymodbus's server and read by pymodbus's client."""

import struct
import threading
import time

import pytest
from meter_world import EmulatedMeter, Load, em340, sdm, sunspec_203, sunspec_213

from evsed.board.description import ExternalMeter
from evsed.hardware.interfaces import MeterAlarm
from evsed.services.meter.client import MeterSilentError, MissingLibraryError, TcpClient
from evsed.services.meter.models import EM340, SDM630, SUNSPEC_203, figures
from evsed.services.meter.poller import Poller
from evsed.services.meter.sunspec import find_meter

WH = 3_600_000
MODELS = {
    "sdm120": (lambda load: sdm(load, phases=1), 1, 10 * WH),
    "sdm630": (lambda load: sdm(load, phases=3), 3, 10 * WH),
    "em340": (em340, 3, 100 * WH),
    "sunspec 203": (sunspec_203, 3, 10 * WH),
    "sunspec 213": (sunspec_213, 3, 10 * WH),
}


class Asked:
    """A poller on its thread, and what it has put."""

    def __init__(self, model, port, *, unit=1, interval_ms=200):
        self.readings = []
        self.came = threading.Condition()
        meter = ExternalMeter(
            model=model, host="127.0.0.1", port=port, unit=unit, interval_ms=interval_ms
        )
        self.poller = Poller(meter, TcpClient("127.0.0.1", port, unit), self._put)
        self._thread = threading.Thread(target=self.poller.run)
        self._thread.start()

    def _put(self, reading):
        with self.came:
            self.readings.append(reading)
            self.came.notify_all()

    def wait(self, condition, timeout_s=60):
        with self.came:
            assert self.came.wait_for(lambda: condition(self.readings), timeout_s)
        return self.readings[-1]

    def stop(self):
        self.poller.stop()
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_read_as_it_shows(name):
    words, phases, step_mws = MODELS[name]
    load = Load()
    emulated = EmulatedMeter(words(load))
    asked = Asked(name.split()[0], emulated.port)
    try:
        reading = asked.wait(len)
    finally:
        asked.stop()
        emulated.close()
    missing = (0.0,) * (3 - phases)
    assert reading.voltages_v == pytest.approx(load.volts[:phases] + missing, rel=1e-3)
    assert reading.currents_a == pytest.approx(load.amperes[:phases] + missing, rel=1e-3)
    assert reading.real_powers_w == pytest.approx(load.watts[:phases] + missing, rel=1e-3)
    assert reading.counter_mws == pytest.approx(load.kwh * 1000 * WH, rel=1e-6)
    assert reading.counter_step_mws == step_mws
    assert reading.alarms == ()


def test_a_sunspec_map_may_begin_elsewhere():
    emulated = EmulatedMeter(sunspec_213(Load(), base=50_000))
    asked = Asked("sunspec", emulated.port)
    try:
        assert asked.wait(len).voltages_v[0] == pytest.approx(229.5)
    finally:
        asked.stop()
        emulated.close()


def test_a_transformer_mounted_backwards_is_found_and_its_energy_counts_all_the_same():
    load = Load()
    load.watts = (load.watts[0], -load.watts[1], load.watts[2])
    emulated = EmulatedMeter(sdm(load, phases=3))
    asked = Asked("sdm630", emulated.port)
    try:
        reading = asked.wait(lambda readings: readings and readings[-1].alarms)
    finally:
        asked.stop()
        emulated.close()
    assert reading.alarms == (MeterAlarm.L2_CURRENT_REVERSED,)
    assert reading.real_power_w == pytest.approx(sum(map(abs, load.watts)), rel=1e-3)


def test_a_meter_that_goes_and_comes_back_is_read_again(caplog):
    emulated = EmulatedMeter(sdm(Load(), phases=3))
    asked = Asked("sdm630", emulated.port)
    try:
        asked.wait(len)
        port = emulated.port
        emulated.close()
        deadline = time.monotonic() + 60
        while "does not answer" not in caplog.text:
            assert time.monotonic() < deadline
            with asked.came:
                asked.came.wait(0.05)
        seen = len(asked.readings)
        emulated = EmulatedMeter(sdm(Load(), phases=3), port=port)
        asked.wait(lambda readings: len(readings) > seen)
    finally:
        asked.stop()
        emulated.close()


def test_another_unit_does_not_answer():
    emulated = EmulatedMeter(sdm(Load(), phases=3))
    client = TcpClient("127.0.0.1", emulated.port, 7)
    try:
        with pytest.raises(MeterSilentError):
            client.read(4, 0, 2)
    finally:
        client.close()
        emulated.close()


def test_nobody_at_the_address_is_said():
    client = TcpClient("127.0.0.1", 1, 1)
    with pytest.raises(MeterSilentError, match="no connection"):
        client.read(4, 0, 2)


def test_without_the_library_it_says_which_package_is_missing(monkeypatch, caplog):
    def refuse(name):
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", refuse)
    client = TcpClient("127.0.0.1", 1, 1)
    with pytest.raises(MissingLibraryError, match="python3-pymodbus"):
        client.read(4, 0, 2)
    meter = ExternalMeter(model="sdm630", host="127.0.0.1", port=1)
    Poller(meter, client, lambda _: None).run()
    assert "python3-pymodbus" in caplog.text


def test_a_device_without_a_meter_model_says_what_it_has():
    words = {40_000: 0x5375, 40_001: 0x6E53, 40_002: 103, 40_003: 0, 40_004: 0xFFFF}
    emulated = EmulatedMeter(words)
    client = TcpClient("127.0.0.1", emulated.port, 1)
    try:
        with pytest.raises(MeterSilentError, match=r"there are \[103\]"):
            find_meter(client)
    finally:
        client.close()
        emulated.close()


def test_values_a_meter_marks_as_not_there_are_no_readings():
    words = em340(Load()) | {0x0012: 0xFFFF, 0x0013: 0x7FFF}
    with pytest.raises(ValueError, match="register 18"):
        figures(EM340, words)
    words = sdm(Load(), phases=3)
    words[0x0048], words[0x0049] = struct.unpack(">2H", struct.pack(">f", float("nan")))
    assert figures(SDM630, words).energy_mws is None


def test_a_sunspec_register_of_energy_has_the_step_of_its_digit():
    base = 40_072
    words = {place - base: word for place, word in sunspec_203(Load()).items() if place >= base}
    for place in range(105):
        words.setdefault(place, 0)
    assert figures(SUNSPEC_203, words).step_mws == 10 * WH


def test_a_large_float_moves_in_larger_steps():
    words = sdm(Load(kwh=400_000.0), phases=3)
    assert figures(SDM630, words).step_mws > 10 * WH


@pytest.mark.parametrize(("place", "value"), [(0x0000, 3.4e38), (0x0006, -1.0e9), (0x000C, 9.0e9)])
def test_figures_that_cannot_be_are_no_readings(place, value):
    words = sdm(Load(), phases=3)
    words[place], words[place + 1] = struct.unpack(">2H", struct.pack(">f", value))
    with pytest.raises(ValueError, match="cannot be"):
        figures(SDM630, words)


def test_a_scale_that_cannot_be_is_no_reading():
    base = 40_072
    words = {place - base: word for place, word in sunspec_203(Load()).items() if place >= base}
    for place in range(105):
        words.setdefault(place, 0)
    words[SUNSPEC_203.watts.exponent] = 400
    with pytest.raises(ValueError, match="no scale"):
        figures(SUNSPEC_203, words)
