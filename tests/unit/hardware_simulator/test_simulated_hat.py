from dataclasses import replace
from statistics import median

import pytest

from evsed.board.description import AcRelay, Board, Rcm, Watchdog
from evsed.errors import HardwareError, RejectedError
from evsed.hardware.interfaces import (
    AuxIo,
    Button,
    Contactor,
    DeadMan,
    Hat,
    Heartbeat,
    Indicators,
    LockMotor,
    LockStatus,
    LockTiming,
    Meter,
    PilotOutput,
    Proximity,
    ResidualCurrentMonitor,
    Sampler,
    SelfTest,
    Thermometer,
)
from evsed.hardware.simulator import hat as devices
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.hat import simulated_hat
from evsed.hardware.simulator.hat_sampler import (
    SimulatedMeter,
    SimulatedProximity,
    SimulatedSampler,
)
from evsed.hardware.simulator.hat_workers import (
    SimulatedLockMotor,
    SimulatedResidualCurrentMonitor,
    SimulatedThermometer,
)

# one line per driver, for the type checker
_PILOT: type[PilotOutput] = devices.SimulatedPilotOutput
_CONTACTOR: type[Contactor] = devices.SimulatedContactor
_INDICATORS: type[Indicators] = devices.SimulatedIndicators
_BUTTON: type[Button] = devices.SimulatedButton
_AUX: type[AuxIo] = devices.SimulatedAuxIo
_DEAD_MAN: type[DeadMan] = devices.SimulatedDeadMan
_HEARTBEAT: type[Heartbeat] = devices.SimulatedHeartbeat
_SAMPLER: type[Sampler] = SimulatedSampler
_METER: type[Meter] = SimulatedMeter
_PROXIMITY: type[Proximity] = SimulatedProximity
_LOCK: type[LockMotor] = SimulatedLockMotor
_MONITOR: type[ResidualCurrentMonitor] = SimulatedResidualCurrentMonitor
_THERMOMETER: type[Thermometer] = SimulatedThermometer


def built(board: Board) -> tuple[Circuit, Hat]:
    circuit = Circuit(board)
    return circuit, simulated_hat(circuit)


def pass_ms(circuit: Circuit, ms: float) -> None:
    circuit.advance_to_us(circuit.now_us + round(ms * 1000))


def test_a_fresh_hat_is_open_and_low(board: Board) -> None:
    circuit, _ = built(board)
    assert circuit.get()["contactor"] == {"commanded": False, "closed": False}
    assert circuit.read_pin(18) == 0


def test_windows_of_a_square_wave_follow_one_another_without_a_gap(board: Board) -> None:
    circuit, hat = built(board)
    hat.pilot.pulse(266_666)
    hat.sampler.expect(square_wave=True, energized=False)
    pass_ms(circuit, 100)
    windows = hat.sampler.take_windows()
    assert len(windows) == 10
    assert [window.started_ms for window in windows] == list(range(0, 100, 10))
    assert all(len(window.readings_mv) == 232 for window in windows)
    high = [mv for mv in windows[0].readings_mv if mv > 1106]
    assert median(high) == pytest.approx(2560, abs=3)
    assert hat.sampler.take_windows() == []


def test_steady_levels_are_looked_at_every_20_ms(board: Board) -> None:
    circuit, hat = built(board)
    hat.pilot.hold(high=True)
    pass_ms(circuit, 100)
    windows = hat.sampler.take_windows()
    assert [window.started_ms for window in windows] == [0, 20, 40, 60, 80]
    assert all(len(window.readings_mv) == 8 for window in windows)


def test_a_window_that_began_before_the_change_shows_both_sides_of_it(board: Board) -> None:
    circuit, hat = built(board)
    hat.pilot.hold(high=True)
    hat.sampler.expect(square_wave=False, energized=True)
    pass_ms(circuit, 5)
    circuit.set({"vehicle": "connected"})
    pass_ms(circuit, 5)
    readings = hat.sampler.take_windows()[0].readings_mv
    assert readings[0] == pytest.approx(2560, abs=6)
    assert readings[-1] == pytest.approx(2250, abs=6)


def test_full_windows_begin_at_once_and_the_last_one_is_finished(board: Board) -> None:
    circuit, hat = built(board)
    pass_ms(circuit, 7)
    hat.sampler.take_windows()
    assert not hat.sampler.take_windows()
    hat.sampler.expect(square_wave=True, energized=False)
    pass_ms(circuit, 12)
    hat.sampler.expect(square_wave=False, energized=False)
    pass_ms(circuit, 31)
    windows = hat.sampler.take_windows()
    assert [(one.started_ms, len(one.readings_mv)) for one in windows] == [
        (7, 232),
        (17, 232),
        (27, 8),
        (47, 8),
    ]


def test_a_dead_converter_raises_with_its_name(board: Board) -> None:
    circuit, hat = built(board)
    circuit.set({"adcDead": True})
    with pytest.raises(HardwareError, match=r"adc0 on SPI 0\.0"):
        hat.sampler.take_windows()


def test_a_long_absence_leaves_only_the_newest_windows(board: Board) -> None:
    circuit, hat = built(board)
    hat.sampler.expect(square_wave=True, energized=False)
    pass_ms(circuit, 3_600_000)
    windows = hat.sampler.take_windows()
    assert len(windows) == 15
    assert windows[-1].ended_ms == 3_600_000


def test_the_meter_reads_what_the_vehicle_draws(board: Board) -> None:
    circuit, hat = built(board)
    assert hat.meter is not None
    assert hat.meter.read() is None
    circuit.set({"vehicle": "charging"})
    hat.pilot.pulse(266_666)
    hat.contactor.switch(closed=True)
    hat.sampler.expect(square_wave=True, energized=True)
    taken = set()
    for _ in range(50):
        pass_ms(circuit, 20)
        reading = hat.meter.read()
        taken.add(reading.taken_ms if reading else None)
    assert reading is not None
    assert len(taken - {None}) == 23  # the first one after 100 ms, then every two periods
    assert reading.currents_a == pytest.approx((16.0, 16.0, 16.0), rel=0.01)
    assert reading.voltages_v == pytest.approx((230.0, 230.0, 230.0), rel=0.01)
    assert reading.real_power_w == pytest.approx(3 * 16 * 230, rel=0.02)


def test_no_current_reads_as_no_current_in_spite_of_noise(board: Board) -> None:
    circuit, hat = built(board)
    assert hat.meter is not None
    hat.sampler.expect(square_wave=True, energized=True)
    for _ in range(50):
        pass_ms(circuit, 20)
        reading = hat.meter.read()
        assert reading is None or reading.currents_a == (0.0, 0.0, 0.0)


def test_proximity_is_a_median_no_older_than_its_period(board: Board) -> None:
    circuit, hat = built(board)
    assert hat.proximity is not None
    assert hat.proximity.read() is None
    pass_ms(circuit, 20)
    first = hat.proximity.read()
    circuit.set({"cable": 13})
    assert hat.proximity.read() == first
    pass_ms(circuit, 60)
    second = hat.proximity.read()
    assert first is not None
    assert second is not None
    assert first.mv == pytest.approx(595, abs=3)
    assert (second.mv, second.taken_ms) == (pytest.approx(1980, abs=3), 80)


def test_feedback_of_two_poles_is_strict_in_both_directions(board: Board) -> None:
    relay = AcRelay(gpios=(17, 19), feedback_gpios=(27, 12))
    circuit, hat = built(replace(board, ac_relay=relay))
    hat.contactor.switch(closed=True)
    pass_ms(circuit, 20)
    assert hat.contactor.feedback() is True
    circuit.write_pin(19, 0)
    pass_ms(circuit, 20)
    assert hat.contactor.feedback() is False
    hat.contactor.switch(closed=False)
    assert hat.contactor.feedback() is True
    pass_ms(circuit, 20)
    assert hat.contactor.feedback() is False


def lock_of(hat: Hat) -> LockMotor:
    assert hat.lock is not None
    return hat.lock


def test_locking_takes_settling_drive_and_sensing(board: Board) -> None:
    circuit, hat = built(board)
    lock = lock_of(hat)
    lock.configure(LockTiming(operating_ms=300, break_ms=1000, attempts=5))
    assert lock.position() is False
    lock.request(locked=True)
    assert lock.status() is LockStatus.OPERATING
    pass_ms(circuit, 499)
    assert circuit.read_pin(20) == 0
    pass_ms(circuit, 2)
    assert (circuit.read_pin(20), circuit.read_pin(21)) == (1, 0)
    pass_ms(circuit, 300)
    assert (circuit.read_pin(20), circuit.read_pin(21)) == (1, 1)
    pass_ms(circuit, 50)
    assert lock.status() is LockStatus.IDLE
    assert lock.position() is True
    assert (circuit.read_pin(20), circuit.read_pin(21)) == (0, 0)


def test_a_jammed_lock_is_tried_as_often_as_said_and_then_fails(board: Board) -> None:
    circuit, hat = built(board)
    lock = lock_of(hat)
    lock.configure(LockTiming(operating_ms=300, break_ms=1000, attempts=3))
    circuit.set({"lockJam": True})
    brakes: list[int] = []
    circuit.listen(lambda gpio, level, t: brakes.append(t) if (gpio, level) == (21, 1) else None)
    lock.request(locked=True)
    pass_ms(circuit, 4000)
    assert lock.status() is LockStatus.LOCKING_FAIL
    assert brakes == [800_000, 2_150_000, 3_500_000]


def test_a_newer_request_replaces_an_older_one_after_the_break(board: Board) -> None:
    circuit, hat = built(board)
    lock = lock_of(hat)
    lock.request(locked=True)
    pass_ms(circuit, 600)
    lock.request(locked=False)
    pass_ms(circuit, 1000)
    assert lock.status() is LockStatus.OPERATING
    pass_ms(circuit, 2000)
    assert (lock.status(), lock.position()) == (LockStatus.IDLE, False)


def test_a_contact_that_says_high_for_locked_is_read_the_other_way(board: Board) -> None:
    circuit, hat = built(board)
    lock = lock_of(hat)
    lock.configure(LockTiming(attempts=1, detection_high=True))
    lock.request(locked=False)
    pass_ms(circuit, 1000)
    assert lock.status() is LockStatus.UNLOCKING_FAIL


def monitor_of(hat: Hat) -> ResidualCurrentMonitor:
    assert hat.residual_current is not None
    return hat.residual_current


def test_the_self_test_passes_without_being_taken_for_a_trip(board: Board) -> None:
    circuit, hat = built(board)
    monitor = monitor_of(hat)
    trips: list[int] = []
    monitor.on_trip(lambda: trips.append(circuit.now_us))
    assert monitor.test_result() is SelfTest.NOT_RUN
    monitor.start_test()
    assert monitor.test_result() is SelfTest.RUNNING
    pass_ms(circuit, 100)
    assert monitor.test_result() is SelfTest.PASSED
    assert not monitor.active()
    assert trips == []
    assert circuit.read_pin(25) == 0


def test_the_self_test_fails_when_nothing_answers(board: Board) -> None:
    circuit, hat = built(board)
    monitor = monitor_of(hat)
    circuit.set({"rcmTestOk": False})
    monitor.start_test()
    pass_ms(circuit, 499)
    assert monitor.test_result() is SelfTest.RUNNING
    pass_ms(circuit, 2)
    assert monitor.test_result() is SelfTest.FAILED


def test_the_self_test_fails_when_the_line_does_not_fall(board: Board) -> None:
    circuit, hat = built(board)
    monitor = monitor_of(hat)
    monitor.start_test()
    circuit.set({"rcm": True})
    pass_ms(circuit, 1200)
    assert monitor.test_result() is SelfTest.FAILED
    assert monitor.active()


def test_a_latching_monitor_is_reset_by_its_self_test(board: Board) -> None:
    circuit, hat = built(replace(board, rcm=Rcm(gpio=16, test_gpio=25, reset_gpio=2)))
    monitor = monitor_of(hat)
    circuit.set({"rcm": True})
    circuit.set({"rcm": False})
    assert monitor.active()
    monitor.start_test()
    pass_ms(circuit, 100)
    assert monitor.test_result() is SelfTest.PASSED
    assert not monitor.active()


def test_a_trip_is_told_at_once_and_a_spike_is_not(board: Board) -> None:
    circuit, hat = built(board)
    monitor = monitor_of(hat)
    trips: list[int] = []
    monitor.on_trip(lambda: trips.append(circuit.now_us))
    circuit.set({"rcm": True})
    pass_ms(circuit, 0.5)
    circuit.set({"rcm": False})
    pass_ms(circuit, 10)
    assert (trips, monitor.active()) == ([], False)
    circuit.set({"rcm": True})
    pass_ms(circuit, 2)
    assert trips == [11_500]
    circuit.set({"rcm": False})
    assert monitor.active()
    assert not monitor.active()


def test_the_thermometer_takes_a_round_every_ten_seconds(board: Board) -> None:
    circuit, hat = built(board)
    assert hat.thermometer is not None
    assert not hat.thermometer.read().valid
    circuit.set({"temperature": 41.256})
    pass_ms(circuit, 800)
    reading = hat.thermometer.read()
    assert (reading.high_cdeg, reading.sensors, reading.valid) == (4126, 1, True)
    circuit.set({"tempFault": True})
    pass_ms(circuit, 30_000)
    assert not hat.thermometer.read().fault
    pass_ms(circuit, 10_000)
    assert hat.thermometer.read().fault
    circuit.set({"tempFault": False})
    pass_ms(circuit, 10_000)
    assert not hat.thermometer.read().fault


def test_leds_blink_in_virtual_time(board: Board) -> None:
    circuit, hat = built(board)
    edges: list[tuple[int, int]] = []
    circuit.listen(lambda gpio, level, t: edges.append((level, t)) if gpio == 23 else None)
    hat.indicators.show("charging", 100, 900)
    hat.indicators.show("charging", 100, 900)
    pass_ms(circuit, 1500)
    assert edges == [(1, 0), (0, 100_000), (1, 1_000_000), (0, 1_100_000)]
    hat.indicators.show("charging", 1000, 0)
    pass_ms(circuit, 5000)
    assert circuit.read_pin(23) == 1
    hat.indicators.show("error", 0, 1000)
    assert circuit.read_pin(24) == 1
    hat.indicators.show("wifi", 100, 100)


def test_the_button_is_debounced(board: Board) -> None:
    circuit, hat = built(board)
    assert hat.button is not None
    for on in (True, False, True):
        circuit.set({"button": on})
        pass_ms(circuit, 5)
        assert not hat.button.pressed()
    pass_ms(circuit, 26)
    assert hat.button.pressed()


def test_free_inputs_and_outputs_go_by_their_names(board: Board) -> None:
    circuit, hat = built(board)
    pass_ms(circuit, 1)
    circuit.set({"aux": {"AUX_IN1": True, "AUX_AN1": 1000}})
    pass_ms(circuit, 2)
    assert hat.aux.inputs() == {"AUX_IN1": True}
    assert hat.aux.analog_mv()["AUX_AN1"] == pytest.approx(1000, abs=4)
    hat.aux.set_output("AUX_OUT1", on=True)
    assert circuit.read_pin(6) == 1
    with pytest.raises(RejectedError, match="AUX_OUT1"):
        hat.aux.set_output("FAN", on=True)
    hat.close()
    assert circuit.read_pin(6) == 0


def test_the_dead_man_opens_when_nobody_refreshes(board: Board) -> None:
    circuit, hat = built(board)
    assert hat.dead_man is not None
    assert not hat.dead_man.armed()
    hat.dead_man.refresh()
    hat.contactor.switch(closed=True)
    hat.pilot.pulse(266_666)
    for _ in range(50):
        pass_ms(circuit, 100)
        hat.dead_man.refresh()
    assert hat.dead_man.armed()
    pass_ms(circuit, 249)
    assert circuit.get()["contactor"] == {"commanded": True, "closed": True}
    pass_ms(circuit, 2)
    assert circuit.read_pin(17) == 0
    assert circuit.get()["pilot"]["mode"] == "low"
    hat.dead_man.refresh()
    assert not hat.dead_man.armed()


def test_the_heartbeat_keeps_the_coils_supplied(board: Board) -> None:
    circuit, hat = built(replace(board, watchdog=Watchdog(heartbeat_gpio=13, deadman=False)))
    assert hat.dead_man is None
    assert hat.heartbeat is not None
    hat.contactor.switch(closed=True)
    for _ in range(10):
        hat.heartbeat.beat()
        pass_ms(circuit, 20)
    assert circuit.get()["contactor"]["closed"] is True


def test_make_safe_opens_and_goes_low(board: Board) -> None:
    circuit, hat = built(board)
    hat.contactor.switch(closed=True)
    hat.pilot.pulse(500_000)
    hat.make_safe()
    pass_ms(circuit, 20)
    assert circuit.get()["contactor"] == {"commanded": False, "closed": False}
    assert circuit.get()["pilot"]["mode"] == "low"


def test_absent_parts_are_missing_objects(board: Board) -> None:
    bare = replace(
        board,
        proximity=None,
        socket_lock=None,
        rcm=None,
        energy_meter=None,
        onewire=None,
        ac_relay=AcRelay(gpios=(17,)),
        button=replace(board.button, gpio=-1),
    )
    _, hat = built(bare)
    assert (hat.lock, hat.residual_current, hat.proximity, hat.meter) == (None,) * 4
    assert (hat.thermometer, hat.button, hat.heartbeat) == (None,) * 3
    assert hat.contactor.feedback() is None
