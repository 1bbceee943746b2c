from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any

import pytest

from evsed.board.description import (
    AcRelay,
    Adc,
    Board,
    Channel,
    EnergyMeter,
    MeterChannels,
    Pilot,
    Rcm,
    SimVehicle,
    SocketLock,
    Watchdog,
)
from evsed.errors import RejectedError
from evsed.hardware.simulator.circuit import Circuit

NOTHING, B_MV, C_MV, D_MV, SHORT_MV, LOW_MV = 2560, 2250, 1945, 1630, 1330, 100


def mv(raw: int, bits: int = 12) -> float:
    return raw * 3300 / (1 << bits)


def plateaus(circuit: Circuit) -> tuple[float, float, float]:
    start = circuit.now_us
    circuit.advance_to_us(start + 10_000)
    readings = [mv(raw) for raw in circuit.sample_batch(0, [0] * 230, start, 43)]
    high = [one for one in readings if one > 1106]
    low = [one for one in readings if one <= 1106]
    return (
        median(high) if high else 0.0,
        median(low) if low else 0.0,
        len(high) / len(readings),
    )


def charging(circuit: Circuit, duty_ppm: int = 266_666) -> Circuit:
    circuit.set({"vehicle": "charging", "noise": 0})
    circuit.set_pwm(18, 1000, duty_ppm)
    circuit.write_pin(17, 1)
    circuit.advance_to_us(circuit.now_us + 1_000_000)
    return circuit


def state(circuit: Circuit) -> dict[str, Any]:
    return circuit.get()


@pytest.mark.parametrize("duty_ppm", [100_000, 266_666, 533_333, 892_000])
@pytest.mark.parametrize(
    ("vehicle", "expected_mv"),
    [("none", NOTHING), ("connected", B_MV), ("charging", C_MV), ("ventilation", D_MV)],
)
def test_every_vehicle_leaves_its_plateaus(
    board: Board, duty_ppm: int, vehicle: str, expected_mv: int
) -> None:
    circuit = Circuit(board)
    circuit.set({"vehicle": vehicle})
    circuit.set_pwm(18, 1000, duty_ppm)
    high, low, share = plateaus(circuit)
    assert high == pytest.approx(expected_mv, abs=5)
    assert low == pytest.approx(LOW_MV, abs=5)
    assert share == pytest.approx(duty_ppm / 1_000_000, abs=0.03)


def test_a_shorted_pilot_reads_zero_volts_in_every_mode(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"vehicle": "short"})
    for duty_ppm in (0, 500_000, 1_000_000):
        circuit.set_pwm(18, 1000, duty_ppm)
        assert plateaus(circuit)[0] == pytest.approx(SHORT_MV, abs=5)


def test_a_broken_diode_clamps_both_halves_alike(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"vehicle": "connected", "diode": False})
    circuit.set_pwm(18, 1000, 500_000)
    high, low, _ = plateaus(circuit)
    assert high + low == pytest.approx(2 * SHORT_MV, abs=6)
    assert high < 2250
    assert low > 300


def test_steady_levels_are_plus_and_minus_twelve_volts(board: Board) -> None:
    circuit = Circuit(board)
    assert state(circuit)["pilot"]["mode"] == "low"
    assert plateaus(circuit)[1] == pytest.approx(LOW_MV, abs=5)
    circuit.set_pwm(18, 1000, 1_000_000)
    assert plateaus(circuit)[0] == pytest.approx(NOTHING, abs=5)
    assert state(circuit)["pilot"]["mode"] == "high"


def test_an_inverting_driver_stage_turns_the_duty_round(board: Board) -> None:
    circuit = Circuit(replace(board, pilot=replace(board.pilot, inverted=True)))
    circuit.set_pwm(18, 1000, 733_334)
    assert state(circuit)["pilot"]["dutyPpm"] == 266_666
    assert plateaus(circuit)[2] == pytest.approx(0.2667, abs=0.03)


def test_a_dead_pwm_stands_at_plus_twelve_volts(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set_pwm(18, 1000, 266_666)
    circuit.set({"pwmDead": True})
    assert plateaus(circuit)[2] == 1.0


@pytest.mark.parametrize(
    ("duty_ppm", "amperes"),
    [
        (100_000, 6.0),
        (90_000, 6.0),
        (266_666, 15.99996),
        (850_000, 51.0),
        (892_000, 63.0),
        (965_000, 80.0),
        (50_000, 0.0),
        (75_000, 0.0),
        (980_000, 0.0),
    ],
)
def test_the_vehicle_reads_the_duty_as_the_standard_says(
    board: Board, duty_ppm: int, amperes: float
) -> None:
    circuit = Circuit(board)
    circuit.set_pwm(18, 1000, duty_ppm)
    assert state(circuit)["pilot"]["offeredCurrent"] == pytest.approx(amperes, abs=0.0001)


def test_s2_closes_with_the_pwm_and_opens_after_the_reaction_time(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"vehicle": "charging", "reaction": 500})
    circuit.set_pwm(18, 1000, 1_000_000)
    assert not state(circuit)["s2"]
    circuit.set_pwm(18, 1000, 266_666)
    assert state(circuit)["s2"]
    circuit.advance_to_us(1_000_000)
    circuit.set_pwm(18, 1000, 1_000_000)
    circuit.advance_to_us(1_499_999)
    assert state(circuit)["s2"]
    circuit.advance_to_us(1_500_000)
    assert not state(circuit)["s2"]


def test_a_vehicle_without_reaction_keeps_s2_closed(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"vehicle": "charging", "reaction": -1})
    circuit.set_pwm(18, 1000, 1_000_000)
    circuit.advance_to_us(60_000_000)
    assert state(circuit)["s2"]
    circuit.set({"vehicle": "connected"})
    assert not state(circuit)["s2"]


def test_pwm_that_comes_back_in_time_keeps_s2_closed(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"vehicle": "charging", "reaction": 500})
    circuit.set_pwm(18, 1000, 266_666)
    circuit.set_pwm(18, 1000, 1_000_000)
    circuit.advance_to_us(400_000)
    circuit.set_pwm(18, 1000, 266_666)
    circuit.advance_to_us(2_000_000)
    assert state(circuit)["s2"]


def test_current_rises_with_the_ramp_and_stops_with_the_contact(board: Board) -> None:
    slow = replace(board, sim=replace(board.sim, vehicle=SimVehicle(phases=3, ramp_a_per_s=2.0)))
    circuit = Circuit(slow)
    circuit.set({"vehicle": "charging"})
    circuit.set_pwm(18, 1000, 266_666)
    circuit.write_pin(17, 1)
    circuit.advance_to_us(15_000 + 3_000_000)
    assert state(circuit)["current"] == [6.0, 6.0, 6.0]
    circuit.advance_to_us(20_000_000)
    assert state(circuit)["current"] == pytest.approx([16.0] * 3, abs=0.001)
    circuit.write_pin(17, 0)
    circuit.advance_to_us(20_014_999)
    assert state(circuit)["current"][0] > 15
    circuit.advance_to_us(20_015_000)
    assert state(circuit)["current"] == [0.0, 0.0, 0.0]


def test_the_draw_follows_the_offer_down_at_once_and_keeps_its_own_limit(board: Board) -> None:
    circuit = charging(Circuit(board), duty_ppm=533_333)
    assert state(circuit)["current"] == [16.0] * 3
    circuit.set_pwm(18, 1000, 100_000)
    assert state(circuit)["current"] == [6.0] * 3
    circuit.set({"phases": 1})
    assert state(circuit)["current"] == [6.0, 0.0, 0.0]


def test_opening_s2_stops_the_current_while_the_contact_is_still_closed(board: Board) -> None:
    circuit = charging(Circuit(board))
    circuit.set({"vehicle": "connected"})
    assert state(circuit)["current"] == [0.0] * 3
    assert state(circuit)["contactor"] == {"commanded": True, "closed": True}


def test_the_contact_moves_after_its_delay_and_feedback_shows_it(board: Board) -> None:
    circuit = Circuit(board)
    circuit.write_pin(17, 1)
    circuit.advance_to_us(14_999)
    assert circuit.read_pin(27) == 0
    assert state(circuit)["contactor"] == {"commanded": True, "closed": False}
    circuit.advance_to_us(15_000)
    assert circuit.read_pin(27) == 1


def test_a_welded_contact_stays_closed_until_it_is_repaired(board: Board) -> None:
    circuit = charging(Circuit(board))
    circuit.set({"weld": True})
    circuit.write_pin(17, 0)
    circuit.advance_to_us(circuit.now_us + 1_000_000)
    assert state(circuit)["contactor"] == {"commanded": False, "closed": True}
    assert state(circuit)["current"] == [16.0] * 3
    circuit.set({"weld": False})
    assert circuit.read_pin(27) == 0


def test_a_stuck_contactor_never_closes(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"contactorStuck": True})
    circuit.write_pin(17, 1)
    circuit.advance_to_us(10_000_000)
    assert circuit.read_pin(27) == 0


def test_feedback_of_an_active_low_board_is_turned_round(board: Board) -> None:
    relay = AcRelay(gpios=(17, 19), feedback_gpios=(27, 12), feedback_active_low=True)
    circuit = Circuit(replace(board, ac_relay=relay))
    assert (circuit.read_pin(27), circuit.read_pin(12)) == (1, 1)
    circuit.write_pin(17, 1)
    circuit.advance_to_us(20_000)
    assert (circuit.read_pin(27), circuit.read_pin(12)) == (0, 1)


def test_the_second_coil_carries_the_other_phases(board: Board) -> None:
    circuit = Circuit(replace(board, ac_relay=AcRelay(gpios=(17, 19))))
    assert state(charging(circuit))["current"] == [16.0, 0.0, 0.0]
    circuit.write_pin(19, 1)
    circuit.advance_to_us(circuit.now_us + 20_000)
    assert state(circuit)["current"] == [16.0] * 3


def test_without_a_heartbeat_the_charge_pump_lets_the_contactor_go(board: Board) -> None:
    circuit = Circuit(replace(board, watchdog=Watchdog(heartbeat_gpio=13)))
    circuit.write_pin(17, 1)
    circuit.advance_to_us(100_000)
    assert not state(circuit)["contactor"]["closed"]
    for pass_number in range(1, 51):
        circuit.write_pin(13, pass_number % 2)
        circuit.advance_to_us(100_000 + pass_number * 20_000)
    assert state(circuit)["contactor"]["closed"]
    circuit.advance_to_us(circuit.now_us + 1_000_000)
    assert not state(circuit)["contactor"]["closed"]


def test_a_pump_fed_by_pulses_holds_for_a_few_passes_only(board: Board) -> None:
    circuit = Circuit(replace(board, watchdog=Watchdog(heartbeat_gpio=13, heartbeat_hz=2000)))
    circuit.write_pin(17, 1)
    for half_period in range(400):
        circuit.write_pin(13, half_period % 2)
        circuit.advance_to_us(half_period * 250)
    assert state(circuit)["contactor"]["closed"]
    circuit.advance_to_us(circuit.now_us + 80_000)
    assert not state(circuit)["contactor"]["closed"]


def test_the_monitor_answers_its_test_and_falls_with_it(board: Board) -> None:
    circuit = Circuit(board)
    circuit.write_pin(25, 1)
    circuit.advance_to_us(9_999)
    assert circuit.read_pin(16) == 0
    circuit.advance_to_us(10_000)
    assert circuit.read_pin(16) == 1
    circuit.write_pin(25, 0)
    assert circuit.read_pin(16) == 0


def test_a_failing_monitor_does_not_answer_its_test(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"rcmTestOk": False})
    circuit.write_pin(25, 1)
    circuit.advance_to_us(1_000_000)
    assert circuit.read_pin(16) == 0


def test_a_leak_trips_the_monitor_for_as_long_as_it_lasts(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"rcm": True})
    assert circuit.read_pin(16) == 1
    circuit.set({"rcm": False})
    assert circuit.read_pin(16) == 0


def test_a_latched_trip_waits_for_its_reset_line(board: Board) -> None:
    circuit = Circuit(replace(board, rcm=Rcm(gpio=16, test_gpio=25, active_low=True, reset_gpio=2)))
    circuit.write_pin(2, 0)
    circuit.set({"rcm": True})
    circuit.set({"rcm": False})
    assert circuit.read_pin(16) == 0
    circuit.write_pin(2, 1)
    assert circuit.read_pin(16) == 1


def drive_lock(circuit: Circuit, a: int, b: int, ms: int) -> None:
    circuit.write_pin(20, a)
    circuit.write_pin(21, b)
    circuit.advance_to_us(circuit.now_us + ms * 1000)


def test_the_lock_needs_its_time_and_shows_its_contact(board: Board) -> None:
    circuit = Circuit(board)
    drive_lock(circuit, 1, 0, 50)
    drive_lock(circuit, 1, 1, 100)
    assert circuit.read_pin(26) == 1
    drive_lock(circuit, 1, 0, 50)
    assert circuit.read_pin(26) == 0
    drive_lock(circuit, 1, 1, 1000)
    assert state(circuit)["locked"] is True
    drive_lock(circuit, 0, 1, 100)
    assert circuit.read_pin(26) == 1


def test_a_jammed_lock_does_not_move(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"lockJam": True})
    drive_lock(circuit, 1, 0, 5000)
    assert state(circuit)["locked"] is False


def test_swapped_lock_wires_turn_the_motor_round(board: Board) -> None:
    lock = SocketLock(
        gpios=(20, 21), detection_gpio=26, detection_delay_ms=1, min_break_time_ms=1, swap=True
    )
    circuit = Circuit(replace(board, socket_lock=lock))
    drive_lock(circuit, 0, 1, 100)
    assert state(circuit)["locked"] is True


@pytest.mark.parametrize(
    ("cable", "expected_mv"), [(13, 1980), (20, 1336), (32, 595), (63, 300), (0, 3299), (-1, 0)]
)
def test_the_cable_shows_its_rating_on_the_proximity_input(
    board: Board, cable: int, expected_mv: int
) -> None:
    circuit = Circuit(board)
    circuit.set({"cable": cable})
    assert mv(circuit.sample(0, 1, 0)) == pytest.approx(expected_mv, abs=5)


def test_metering_inputs_carry_scaled_sines_a_third_of_a_period_apart(board: Board) -> None:
    circuit = charging(Circuit(board))
    start = circuit.now_us - 60_000
    for place in range(3):
        current = [mv(raw) - 1650 for raw in circuit.sample_batch(0, [2 + place] * 400, start, 100)]
        voltage = [mv(raw) - 1650 for raw in circuit.sample_batch(0, [5 + place] * 400, start, 100)]
        assert rms(current) * 0.090909 == pytest.approx(16.0, rel=0.01)
        assert rms(voltage) * 0.47 == pytest.approx(230.0, rel=0.01)
    first = circuit.sample(0, 5, start)
    assert abs(circuit.sample(0, 6, start + 6667) - first) <= 2


def rms(values: list[float]) -> float:
    return float((sum(value * value for value in values) / len(values)) ** 0.5)


def test_a_power_cut_stops_volts_and_amperes(board: Board) -> None:
    circuit = charging(Circuit(board))
    circuit.set({"powerCut": True})
    assert state(circuit)["voltage"] == [0.0] * 3
    assert state(circuit)["current"] == [0.0] * 3
    circuit.set({"mains": True})
    assert state(circuit)["voltage"] == [230.0] * 3


def test_a_reading_of_the_past_shows_what_was_there_then(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"noise": 0})
    circuit.set_pwm(18, 1000, 1_000_000)
    circuit.advance_to_us(5_000)
    circuit.set({"vehicle": "connected"})
    circuit.advance_to_us(50_000)
    window = [mv(raw) for raw in circuit.sample_batch(0, [0] * 200, 1_000, 43)]
    boundary = next(place for place, reading in enumerate(window) if reading < 2400)
    assert boundary == -(-4_000 // 43)
    mixed = circuit.sample_batch(0, [0, 1] * 100, 1_000, 43)
    assert [mv(raw) for raw in mixed[0::2]] == window[0::2]
    assert {round(mv(raw)) for raw in mixed[1::2]} == {595}


def test_the_raw_value_counts_the_bits_of_the_converter(board: Board) -> None:
    circuit = Circuit(board)
    circuit.set({"aux": {"AUX_AN1": 1650.0}, "noise": 0})
    assert circuit.sample(1, 0, 0) == 512
    circuit.set({"aux": {"AUX_AN1": 5000}})
    assert circuit.sample(1, 0, 0) == 1023


def test_trim_of_the_converter_is_taken_back(board: Board) -> None:
    trimmed = Adc(name="adc1", type="mcp3208", bus=0, cs=1, vref_mv=3000, gain=1.05, offset_mv=20)
    circuit = Circuit(replace(board, adcs=(board.adcs[0], trimmed)))
    circuit.set({"aux": {"AUX_AN1": 2000}, "noise": 0})
    raw = circuit.sample(1, 0, 0)
    assert raw * 3000 / 4096 * 1.05 + 20 == pytest.approx(2000, abs=0.5)


def test_noise_is_seeded_and_never_larger_than_set(board: Board) -> None:
    circuit, same = Circuit(board), Circuit(board)
    for one in (circuit, same):
        one.set({"noise": 20})
    readings = circuit.sample_batch(0, [1] * 400, 0, 43)
    assert readings == same.sample_batch(0, [1] * 400, 0, 43)
    assert max(abs(mv(raw) - 595) for raw in readings) <= 21
    assert max(readings) > min(readings)


def test_peak_detectors_hold_both_plateaus(board: Board) -> None:
    pilot = Pilot(
        gpio=18,
        adc_channel=Channel(0, 0),
        adc_channel_low=Channel(1, 1),
        levels_mv=board.pilot.levels_mv,
    )
    circuit = Circuit(replace(board, pilot=pilot))
    circuit.set({"noise": 0})
    circuit.set_pwm(18, 1000, 266_666)
    assert {round(mv(raw)) for raw in circuit.sample_batch(0, [0] * 50, 0, 43)} == {2560}
    assert mv(circuit.sample(1, 1, 0), bits=10) == pytest.approx(100, abs=3)


def test_a_delayed_voltage_transformer_is_modeled(board: Board) -> None:
    assert board.energy_meter is not None
    shifted = EnergyMeter(
        current=board.energy_meter.current,
        voltage=MeterChannels(adc_channels=(Channel(0, 5),), scale=0.47, invert=(True,)),
        phase_shift_us=500,
    )
    plain, delayed = Circuit(board), Circuit(replace(board, energy_meter=shifted))
    for circuit in (plain, delayed):
        circuit.set({"noise": 0})
    one = plain.sample(0, 5, 3_000) - 2048
    assert delayed.sample(0, 5, 3_500) - 2048 == pytest.approx(-one, abs=1)


def test_button_and_free_inputs_reach_their_pins(board: Board) -> None:
    circuit = Circuit(board)
    assert (circuit.read_pin(22), circuit.read_pin(5)) == (1, 0)
    circuit.set({"button": True, "aux": {"AUX_IN1": True}})
    assert (circuit.read_pin(22), circuit.read_pin(5)) == (0, 1)


def test_listeners_hear_every_edge_once_and_may_drive_pins(board: Board) -> None:
    circuit = Circuit(board)
    heard: list[tuple[int, int, int]] = []

    def open_contactor(gpio: int, level: int, t_us: int) -> None:
        heard.append((gpio, level, t_us))
        if (gpio, level) == (16, 1):
            circuit.write_pin(17, 0)

    circuit.write_pin(17, 1)
    circuit.advance_to_us(100_000)
    circuit.listen(open_contactor)
    circuit.set({"rcm": True})
    circuit.advance_to_us(200_000)
    assert heard == [(16, 1, 100_000), (17, 0, 100_000), (27, 0, 115_000)]


def test_opening_the_pilot_by_its_relay_lets_the_vehicle_see_nothing(board: Board) -> None:
    circuit = Circuit(replace(board, pilot=replace(board.pilot, disconnect_gpio=2)))
    circuit.write_pin(2, 0)
    circuit.set({"vehicle": "charging", "reaction": 0})
    circuit.set_pwm(18, 1000, 266_666)
    assert state(circuit)["s2"]
    circuit.write_pin(2, 1)
    assert not state(circuit)["s2"]
    assert plateaus(circuit)[0] == pytest.approx(NOTHING, abs=5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vehicle": "car"}, "vehicle: must be one of none, connected"),
        ({"diode": 1}, "diode: must be true or false"),
        ({"cable": 16}, "cable: must be one of 13, 20, 32, 63, 0, -1"),
        ({"cable": True}, "cable: must be"),
        ({"maxCurrent": 81}, "maxCurrent: must be a number from 0 to 80 A"),
        ({"maxCurrent": float("nan")}, "maxCurrent: must be"),
        ({"phases": 0}, "phases: must be a whole number from 1 to 3"),
        ({"phases": 1.0}, "phases: must be"),
        ({"reaction": -2}, "reaction: must be a whole number from -1 to 60000 ms"),
        ({"temperature": "hot"}, "temperature: must be a number from -55 to 125"),
        ({"noise": -1}, "noise: must be a number from 0 to 200 mV"),
        ({"speed": 1}, "speed: unknown"),
        ({"aux": True}, "aux: must be an object"),
        ({"aux": {"X": True}}, "aux.X: no input"),
        ({"aux": {"AUX_IN1": 3}}, "aux.AUX_IN1: must be true or false"),
        ({"aux": {"AUX_AN1": 9000}}, "aux.AUX_AN1: must be a number"),
    ],
)
def test_a_bad_change_names_its_key_and_changes_nothing(
    board: Board, changes: dict[str, object], words: str
) -> None:
    circuit = Circuit(board)
    before = circuit.get()
    with pytest.raises(RejectedError) as caught:
        circuit.set({"rcm": True, **changes})
    assert str(caught.value).startswith(words)
    assert circuit.get() == before


def test_a_full_window_costs_less_than_a_millisecond(board: Board) -> None:
    circuit = charging(Circuit(board))
    pattern = ([0, 2, 5, 0, 3, 6, 0, 4, 7] * 26)[:232]
    costs = []
    for _ in range(20):
        begin = perf_counter()
        circuit.sample_batch(0, pattern, circuit.now_us - 10_000, 43)
        costs.append(perf_counter() - begin)
    assert min(costs) < 0.001
