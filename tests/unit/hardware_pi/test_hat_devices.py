"""Every device of the hat, driven by the shipped drivers on the simulated circuit."""

import itertools
import statistics
import threading
import time
from dataclasses import replace

import pigpio
import pytest
from pi_world import eventually

from evsed.errors import HardwareError, RejectedError
from evsed.hardware.interfaces import LockStatus, LockTiming, SelfTest
from evsed.hardware.pi.hat import open_hat
from evsed.hardware.pi.lines import InputLine

#: far longer than any machine takes for a window
PATIENCE_S = 60.0
QUICK = LockTiming(operating_ms=120, break_ms=100, attempts=2)


def plateaus_mv(readings_mv):
    """Return the medians above and below the middle, as the charging rules do."""
    high = [reading for reading in readings_mv if reading >= 1106]
    low = [reading for reading in readings_mv if reading < 1106]
    return statistics.median(high), statistics.median(low)


def medians(triples):
    return [statistics.median(phase) for phase in zip(*triples, strict=True)]


def full_windows(hat, count):
    hat.sampler.expect(square_wave=True, energized=False)
    windows = []

    def enough():
        taken = hat.sampler.take_windows()
        windows.extend(window for window in taken if len(window.readings_mv) >= 150)
        return len(windows) > count  # the first may have begun before the pilot swung

    eventually(enough)
    return windows[-count:]


def test_it_starts_with_the_contactor_open_and_the_pilot_low(world, hat):
    shown = world.get()
    assert shown["contactor"] == {"commanded": False, "closed": False}
    assert shown["pilot"]["mode"] == "low"


def test_the_pilot_shows_what_was_driven(world, hat):
    hat.pilot.hold(high=True)
    assert world.get()["pilot"]["mode"] == "high"
    hat.pilot.pulse(266_667)
    shown = world.get()["pilot"]
    assert (shown["mode"], shown["dutyPpm"]) == ("pwm", 266_667)
    assert shown["offeredCurrent"] == pytest.approx(16, abs=0.01)
    hat.pilot.hold(high=False)
    assert world.get()["pilot"]["mode"] == "low"


def test_the_contactor_closes_and_its_contact_tells(world, hat):
    assert hat.contactor.feedback() is False
    hat.contactor.switch(closed=True)
    assert world.get()["contactor"]["commanded"]
    eventually(hat.contactor.feedback)
    hat.contactor.switch(closed=False)
    eventually(lambda: hat.contactor.feedback() is False)


def test_a_welded_contactor_is_seen(world, hat):
    world.set(weld=True)
    eventually(hat.contactor.feedback)


def test_two_poles_disagreeing_count_as_the_one_that_disobeys(worlds):
    world = worlds("full-three-phase")
    hat = open_hat(world.board, world.wiring())
    try:
        assert hat.contactor.feedback() is False
        hat.contactor.switch(closed=True)
        assert (world.level(17), world.level(27)) == (1, 1)
        eventually(hat.contactor.feedback)
    finally:
        hat.close()


def test_a_steady_pilot_is_read_in_short_windows(world, hat):
    hat.pilot.hold(high=True)
    time.sleep(0.05)
    hat.sampler.take_windows()
    windows = []
    eventually(lambda: windows.extend(hat.sampler.take_windows()) or len(windows) >= 3)
    assert {len(window.readings_mv) for window in windows} == {8}
    readings = windows[-1].readings_mv
    assert statistics.median(readings) == pytest.approx(2560, abs=20)
    assert windows[1].started_ms - windows[0].started_ms >= 20
    assert all(isinstance(reading, int) for reading in readings)


@pytest.mark.parametrize("duty_ppm", [100_000, 533_333, 892_000])
def test_windows_show_both_plateaus_and_the_duty(world, hat, duty_ppm):
    world.set(vehicle="connected")
    hat.pilot.pulse(duty_ppm)
    windows = full_windows(hat, 3)
    for window in windows:
        high, low = plateaus_mv(window.readings_mv)
        assert high == pytest.approx(2252, abs=30)
        assert low == pytest.approx(100, abs=30)
        share = sum(reading >= 1106 for reading in window.readings_mv) / len(window.readings_mv)
        assert share == pytest.approx(duty_ppm / 1e6, abs=0.06)


def test_full_windows_follow_one_another(world, hat):
    hat.pilot.pulse(500_000)
    windows = full_windows(hat, 5)
    lengths = [window.ended_ms - window.started_ms for window in windows]
    assert 9 <= statistics.median(lengths) <= 20
    gaps = [b.started_ms - a.ended_ms for a, b in itertools.pairwise(windows)]
    assert all(gap >= 0 for gap in gaps)
    assert statistics.median(gaps) <= 5


def test_a_window_is_taken_once(hat):
    taken = [*eventually(hat.sampler.take_windows), *eventually(hat.sampler.take_windows)]
    begun = [window.started_ms for window in taken]
    assert begun == sorted(set(begun))


def waited_s(hat):
    """Wait for what has not been waited for yet; return how long that took."""
    hat.sampler.wait(0.001)
    began = time.monotonic()
    hat.sampler.wait(PATIENCE_S)
    return time.monotonic() - began


def test_a_finished_window_wakes_whoever_waits_for_one(hat):
    assert waited_s(hat) < PATIENCE_S / 2
    assert hat.sampler.take_windows()


def failure(hat):
    """Return what the sampler complains about now."""
    try:
        hat.sampler.take_windows()
    except HardwareError as error:
        return str(error)
    return ""


def test_a_dead_converter_is_an_error_until_it_answers_again(world, hat):
    world.set(adcDead=True)
    assert "adc0" in eventually(lambda: failure(hat))
    world.set(adcDead=False)
    eventually(lambda: not failure(hat))
    assert eventually(hat.sampler.take_windows)


def test_a_dead_converter_wakes_whoever_waits_for_a_window(world, hat):
    world.set(adcDead=True)
    eventually(lambda: failure(hat))
    assert waited_s(hat) < PATIENCE_S / 2


@pytest.mark.parametrize("name", ["sim", "full-three-phase"])
def test_volts_amperes_and_watts_are_what_flows(worlds, name):
    world = worlds(name)
    # a busy machine must not trip it: the contactor would stay open
    unhurried = replace(world.board.watchdog, deadman_time_ms=2000)
    hat = open_hat(replace(world.board, watchdog=unhurried), world.wiring())
    try:
        world.set(vehicle="charging", phases=3, maxCurrent=6)
        hat.pilot.pulse(533_333)
        hat.sampler.expect(square_wave=True, energized=True)
        hat.contactor.switch(closed=True)

        hat.dead_man.refresh()
        readings = []

        def measured():
            hat.dead_man.refresh()
            newest = hat.meter.read()
            if newest and min(newest.currents_a) > 5.8 and newest not in readings:
                readings.append(newest)
            return len(readings) == 9

        eventually(measured, within_s=60)
        volts = medians(reading.voltages_v for reading in readings)
        amperes = medians(reading.currents_a for reading in readings)
        watts = statistics.median(reading.real_power_w for reading in readings)
        assert volts == pytest.approx([230] * 3, rel=0.02)
        assert amperes == pytest.approx([6] * 3, rel=0.02)
        assert watts == pytest.approx(3 * 230 * 6, rel=0.03)
    finally:
        hat.close()


@pytest.mark.parametrize(("cable", "mv"), [(13, 1980), (20, 1336), (32, 595), (63, 300)])
def test_proximity_is_the_median_of_the_divider(world, hat, cable, mv):
    world.set(cable=cable)
    eventually(hat.proximity.read)
    eventually(lambda: abs(hat.proximity.read().mv - mv) < 25)
    assert time.monotonic_ns() // 1_000_000 - hat.proximity.read().taken_ms < 200


def test_the_lock_locks_and_unlocks_and_says_so(world, hat):
    eventually(lambda: hat.lock.position() is not None)
    hat.lock.configure(QUICK)
    for locked in (True, False):
        hat.lock.request(locked=locked)
        assert hat.lock.status() is LockStatus.OPERATING
        eventually(lambda: hat.lock.status() is not LockStatus.OPERATING)
        assert hat.lock.status() is LockStatus.IDLE
        assert hat.lock.position() is locked
        assert world.get()["locked"] is locked
    eventually(lambda: (world.level(20), world.level(21)) == (0, 0))


def test_a_jammed_lock_is_tried_as_often_as_configured_and_then_given_up(world, hat):
    hat.lock.configure(QUICK)
    for locked, failure in (
        (True, LockStatus.LOCKING_FAIL),
        (False, LockStatus.UNLOCKING_FAIL),
    ):
        world.set(lockJam=False)
        hat.lock.request(locked=not locked)
        eventually(lambda: hat.lock.status() is LockStatus.IDLE)
        world.set(lockJam=True)
        hat.lock.request(locked=locked)
        eventually(lambda: hat.lock.status() is not LockStatus.OPERATING)
        assert hat.lock.status() is failure
        assert hat.lock.position() is not locked


def test_the_newest_request_wins(world, hat):
    hat.lock.configure(QUICK)
    hat.lock.request(locked=True)
    hat.lock.request(locked=False)
    eventually(lambda: hat.lock.status() is LockStatus.IDLE)
    assert world.get()["locked"] is False
    hat.lock.request(locked=False)
    hat.lock.request(locked=True)
    eventually(lambda: hat.lock.status() is LockStatus.IDLE)
    assert world.get()["locked"] is True


def test_a_trip_opens_the_contactor_without_any_control_pass(world, hat):
    hat.residual_current.on_trip(lambda: hat.contactor.switch(closed=False))
    hat.contactor.switch(closed=True)
    assert hat.residual_current.active() is False
    world.set(rcm=True)
    eventually(lambda: not world.get()["contactor"]["commanded"])
    assert hat.residual_current.active() is True
    world.set(rcm=False)
    eventually(lambda: not hat.residual_current.active())


def test_a_trip_that_is_over_is_still_told_once(world, hat):
    tripped = threading.Event()
    hat.residual_current.on_trip(tripped.set)
    world.set(rcm=True)
    assert tripped.wait(5)
    world.set(rcm=False)
    eventually(lambda: world.level(16) == 0)
    time.sleep(0.01)
    assert hat.residual_current.active() is True
    assert hat.residual_current.active() is False


@pytest.mark.parametrize(("works", "result"), [(True, SelfTest.PASSED), (False, SelfTest.FAILED)])
def test_the_self_test_tells_whether_the_monitor_answers(world, hat, works, result):
    trips = []
    hat.residual_current.on_trip(lambda: trips.append(True))
    world.set(rcmTestOk=works)
    assert hat.residual_current.test_result() is SelfTest.NOT_RUN
    hat.residual_current.start_test()
    while hat.residual_current.test_result() is SelfTest.RUNNING:
        assert hat.residual_current.active() is False
        time.sleep(0.002)
    assert hat.residual_current.test_result() is result
    assert hat.residual_current.active() is False
    assert trips == []
    assert world.level(19) == 0


def test_a_monitor_that_stays_tripped_after_its_test_has_failed(world, hat):
    world.set(rcm=True)
    hat.residual_current.start_test()
    eventually(lambda: hat.residual_current.test_result() is SelfTest.FAILED)
    eventually(hat.residual_current.active)


def test_a_latched_trip_is_released_when_its_cause_is_gone(worlds):
    world = worlds("pi-evse-hat")
    hat = open_hat(world.board, world.wiring())
    try:
        world.set(rcm=True)
        eventually(hat.residual_current.active)
        world.set(rcm=False)
        assert hat.residual_current.active()
        eventually(lambda: not hat.residual_current.active())
        assert world.level(22) == 0
    finally:
        hat.close()


def test_the_first_temperature_round_comes_at_once(world, hat):
    reading = eventually(lambda: hat.thermometer.read().valid and hat.thermometer.read())
    assert reading.low_cdeg == reading.high_cdeg == 2500
    assert not reading.fault


def test_leds_show_patterns_and_go_dark_at_the_end(world, hat):
    hat.indicators.show("charging", 1, 0)
    hat.indicators.show("error", 40, 40)
    hat.indicators.show("nothing of the kind", 1, 0)
    eventually(lambda: world.level(23) == 1)
    seen = set()
    eventually(lambda: seen.add(world.level(24)) or seen == {0, 1})
    hat.indicators.show("charging", 0, 500)
    eventually(lambda: world.level(23) == 0)
    hat.indicators.show("wifi", 1, 0)
    eventually(lambda: world.level(25) == 1)
    hat.close()
    assert [world.level(gpio) for gpio in (23, 24, 25)] == [0, 0, 0]


def test_the_button_counts_when_it_is_held(world, hat):
    assert hat.button.pressed() is False
    world.set(button=True)
    eventually(hat.button.pressed)
    world.set(button=False)
    eventually(lambda: not hat.button.pressed())


def test_aux_lines_are_known_by_name(world, hat):
    assert set(hat.aux.inputs()) == {"AUX_IN1"}
    hat.aux.set_output("AUX_OUT1", on=True)
    assert world.level(6) == 1
    eventually(lambda: "AUX_AN1" in hat.aux.analog_mv())
    with pytest.raises(RejectedError, match="AUX_OUT1"):
        hat.aux.set_output("FAN", on=True)
    hat.close()
    assert world.level(6) == 0


def test_a_board_without_options_has_none(worlds):
    world = worlds("minimal-single-phase")
    hat = open_hat(world.board, world.wiring())
    try:
        assert hat.lock is hat.residual_current is hat.proximity is hat.thermometer is None
        assert hat.heartbeat is None
        assert hat.contactor.feedback() is None
    finally:
        hat.close()


def test_a_heartbeat_train_goes_on_while_it_is_beaten_and_then_stops(worlds):
    world = worlds("pi-evse-hat")
    hat = open_hat(world.board, world.wiring())
    try:
        levels = set()

        def beaten():
            hat.heartbeat.beat()
            levels.add(world.level(4))
            return levels == {0, 1}

        eventually(beaten)
        eventually(lambda: len({world.level(4) for _ in range(20)}) == 1)
        assert world.level(4) == 0
    finally:
        hat.close()


def test_one_wrong_reading_of_the_auxiliary_contact_is_not_believed(hat, monkeypatch):
    assert hat.contactor.feedback() is False
    readings = iter([True, False, True, True, False, True, False, False])
    monkeypatch.setattr(InputLine, "active", lambda _: next(readings))
    believed = [hat.contactor.feedback() for _ in range(8)]
    assert believed == [False, False, False, True, True, True, True, False]


def test_a_contactor_whose_pin_was_made_an_input_says_so_and_leaves_it(world, hat):
    pins = pigpio.pi("127.0.0.1", world.port, show_errors=False)
    gpio = world.board.ac_relay.gpios[0]
    pins.set_mode(gpio, pigpio.INPUT)
    with pytest.raises(HardwareError, match=f"GPIO {gpio}: made an input by another"):
        hat.contactor.switch(closed=True)
    assert pins.get_mode(gpio) == pigpio.INPUT
    pins.set_mode(gpio, pigpio.OUTPUT)
    pins.stop()
