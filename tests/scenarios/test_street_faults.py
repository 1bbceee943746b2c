"""Every fault comes from the street, and goes by its rule: scenarios 7, 9 to 11, section 11."""

from dataclasses import replace

import pytest

from evsed.charging.commands import Enable, MakeAvailable
from evsed.charging.states import Fault
from evsed.hardware.simulator.vehicle import Ramp, Vehicle
from scenarios.street import SIM_BOARD, Street, quick_board

# -- pilot ---------------------------------------------------------------------------------------


def test_a_short_in_a_is_a_fault_that_lasts_60_s_after_12_v_is_back(quick: Street) -> None:
    quick.vehicle.short_the_pilot()
    quick.until(errors=["pilot_fault"], within_ms=500).expect(pilot="low", contactor=False)
    quick.vehicle.unplug()
    quick.doze_s(59.9).expect(state="E", errors=["pilot_fault"])
    quick.wait_ms(150).expect(state="A", errors=[])
    quick.wait_s(1).expect(state="A", pilot="high", reason="no_vehicle")


def test_a_short_while_charging_is_a_pilot_fault_and_opens_at_once(street: Street) -> None:
    street.charge()
    shorted_us = street.circuit.now_us
    street.vehicle.short_the_pilot()
    street.until(errors=["pilot_fault"], within_ms=500).expect(contactor=False)
    assert street.opened_after_ms(shorted_us) <= 40


def test_a_short_that_stays_comes_back_after_every_60_s(quick: Street) -> None:
    quick.vehicle.short_the_pilot()
    quick.until(state="E").doze_s(62).expect(errors=["pilot_fault"])
    quick.doze_s(61).expect(errors=["pilot_fault"])
    quick.vehicle.plug_in()
    quick.until(state="B2", within_ms=62_000)


def test_a_lost_diode_is_a_diode_fault_that_clears_60_s_later(street: Street) -> None:
    street.charge()
    lost_us = street.circuit.now_us
    street.vehicle.lose_its_diode()
    street.until(errors=["diode_short"], within_ms=500).expect(contactor=False, pilot="low")
    assert street.opened_after_ms(lost_us) <= 40
    street.vehicle.get_a_new_diode()
    street.doze_s(59.7).expect(state="E")
    street.until(state="C2", within_ms=1500).until(contactor=True)


def test_a_vehicle_without_a_diode_is_never_energized(quick: Street) -> None:
    quick.vehicle.lose_its_diode()
    quick.vehicle.close_s2()
    quick.until(errors=["diode_short"])
    quick.doze_s(200)
    assert quick.switched == []


def test_a_diode_fault_clears_three_times_and_then_waits_for_the_unplugging(quick: Street) -> None:
    quick.vehicle.lose_its_diode()
    quick.vehicle.plug_in()
    quick.doze_s(300).expect(errors=["diode_short"], reason="retries_exhausted", pilot="high")
    assert quick.path.count("E") == 4
    quick.doze_s(120).expect(errors=["diode_short"])
    quick.vehicle.get_a_new_diode()
    quick.vehicle.unplug()
    quick.until(state="A", within_ms=500)
    quick.charge()


def test_an_exhausted_fault_is_released_by_taking_the_station_out_of_service(quick: Street) -> None:
    quick.vehicle.lose_its_diode()
    quick.vehicle.plug_in()
    quick.doze_s(300).expect(reason="retries_exhausted")
    quick.vehicle.get_a_new_diode()
    quick.send(MakeAvailable(False)).send(MakeAvailable(True))
    quick.until(state="B2", errors=[])


def test_a_pilot_output_that_is_stuck_high_is_noticed(quick: Street) -> None:
    quick.charge()
    stuck_us = quick.circuit.now_us
    quick.set(pwmDead=True)
    quick.until(errors=["pilot_fault"], within_ms=500).expect(contactor=False)
    assert quick.opened_after_ms(stuck_us) <= 40
    quick.set(pwmDead=False)
    quick.until(state="C2", within_ms=63_000)


# -- temperature ---------------------------------------------------------------------------------


def test_heat_ends_charging_and_lets_go_5_degrees_lower(quick: Street) -> None:
    quick.charge().set(temperature=60.1)
    quick.until(errors=["temperature_high"], within_ms=11_000).expect(contactor=False, pilot="low")
    quick.set(temperature=55.1).wait_s(11).expect(state="E")
    quick.set(temperature=54.9).until(state="C2", within_ms=12_000).until(contactor=True)


def test_a_temperature_at_the_threshold_is_not_above_it(quick: Street) -> None:
    quick.charge().set(temperature=60.0).wait_s(21).expect(state="C2", errors=[])


def test_a_lost_sensor_is_a_fault_after_four_rounds_until_it_is_read_again(quick: Street) -> None:
    quick.charge().set(tempFault=True).wait_s(30).expect(state="C2")
    quick.until(errors=["temperature_fault"], within_ms=12_000).expect(contactor=False)
    quick.doze_s(70).expect(errors=["temperature_fault"])
    quick.set(tempFault=False).until(state="C2", within_ms=12_000)


def test_a_car_unplugged_during_a_temperature_error_is_not_energized_afterwards(
    quick: Street,
) -> None:
    quick.charge().set(temperature=70.0)
    quick.until(errors=["temperature_high"], within_ms=11_000)
    quick.vehicle.unplug()
    quick.wait_s(2).set(temperature=25.0)
    quick.until(state="A", within_ms=11_000).wait_s(5).expect(state="A", contactor=False)
    assert [on for _, on in quick.switched] == [True, False]


# -- residual current ----------------------------------------------------------------------------


def test_a_trip_while_charging_opens_at_once_and_clears_60_s_later(with_rcm: Street) -> None:
    with_rcm.charge()
    tripped_us = with_rcm.circuit.now_us
    with_rcm.set(rcm=True).until(errors=["rcm_triggered"], within_ms=100).expect(contactor=False)
    assert with_rcm.opened_after_ms(tripped_us) <= 5
    with_rcm.set(rcm=False).doze_s(59.5).expect(state="E")
    with_rcm.until(state="C2", within_ms=2500)


def test_a_monitor_held_tripped_keeps_the_fault_beyond_60_s(with_rcm: Street) -> None:
    with_rcm.charge().set(rcm=True).until(state="E")
    with_rcm.doze_s(61).expect(errors=["rcm_triggered"])
    with_rcm.doze_s(60).expect(errors=["rcm_triggered"])
    with_rcm.set(rcm=False).doze_s(59.9).expect(errors=["rcm_triggered"])
    with_rcm.wait_ms(200).expect(errors=[])


def test_the_fourth_trip_of_one_vehicle_stays(with_rcm: Street) -> None:
    with_rcm.vehicle.close_s2()
    for _ in range(4):
        with_rcm.until(state="C2", contactor=True, within_ms=62_000)
        with_rcm.set(rcm=True).until(state="E").set(rcm=False)
    with_rcm.doze_s(100).expect(errors=["rcm_triggered"], reason="retries_exhausted")


def test_a_trip_at_power_up_is_noticed() -> None:
    street = Street(quick_board(), rcm=True)
    street.set(rcm=True)
    street.until(errors=["rcm_triggered"], contactor=False)


def test_a_monitor_that_fails_its_self_test_is_a_fault(with_rcm: Street) -> None:
    with_rcm.set(rcmTestOk=False)
    with_rcm.vehicle.close_s2()
    with_rcm.until(errors=["rcm_selftest_fault"], within_ms=1500)
    with_rcm.set(rcmTestOk=True).doze_s(59.5).expect(errors=["rcm_selftest_fault"])
    with_rcm.until(state="C2", within_ms=3000)
    assert [on for _, on in with_rcm.switched] == [True]


def test_nothing_is_offered_before_the_self_test_has_passed(with_rcm: Street) -> None:
    with_rcm.vehicle.plug_in()
    with_rcm.until(state="B1").expect(reason="rcm_selftest", pilot="high")
    with_rcm.until(state="B2", within_ms=1000)


def test_a_trip_does_not_matter_to_who_switched_the_monitor_off(quick: Street) -> None:
    quick.charge().set(rcm=True).wait_ms(500).expect(state="C2", contactor=True)


# -- socket outlet -------------------------------------------------------------------------------


def test_a_plug_is_locked_before_current_is_offered_and_released_after(socket: Street) -> None:
    socket.vehicle.close_s2()
    socket.until(state="B1").expect(locked=True, pilot="high")
    socket.until(reason="locking")
    socket.until(state="C2", within_ms=2000, contactor=True)
    assert socket.circuit.get()["locked"] is True
    socket.vehicle.unplug()
    socket.until(state="A").wait_s(3).expect(locked=False)
    assert socket.circuit.get()["locked"] is False


def test_a_lock_that_jams_is_a_fault_until_an_operator_acts(socket: Street) -> None:
    socket.set(lockJam=True)
    socket.vehicle.plug_in()
    socket.until(errors=["lock_fault"], within_ms=15_000).expect(contactor=False)
    socket.set(lockJam=False).doze_s(120).expect(errors=["lock_fault"])
    socket.send(MakeAvailable(False)).send(MakeAvailable(True))
    socket.until(state="B2", within_ms=6000)


def test_a_lock_that_does_not_let_go_is_a_fault_until_the_outlet_is_given_up(
    socket: Street,
) -> None:
    socket.vehicle.plug_in()
    socket.until(state="B2").set(lockJam=True)
    socket.vehicle.unplug()
    socket.until(errors=["unlock_fault"], within_ms=15_000)
    socket.set(lockJam=False).doze_s(90).expect(errors=["unlock_fault"])
    socket.change_settings(socket_outlet=False).until(state="A", errors=[])


def test_a_plug_torn_out_of_its_lock_ends_charging(socket: Street) -> None:
    socket.charge()
    socket.circuit.lock.locked = False
    socket.set().until(errors=["lock_fault"], within_ms=700).expect(contactor=False)


@pytest.mark.parametrize(("cable", "offered"), [(13, 13.0), (20, 20.0), (32, 32.0), (63, 32.0)])
def test_the_cable_caps_the_offer(socket: Street, cable: int, offered: float) -> None:
    socket.set(cable=cable)
    socket.vehicle.plug_in()
    socket.until(state="B2").expect(cable=cable, offered=offered)


@pytest.mark.parametrize("cable", [0, -1], ids=["open", "short"])
def test_a_proximity_contact_that_fails_while_charging_is_a_fault(
    socket: Street, cable: int
) -> None:
    socket.charge().set(cable=cable)
    socket.until(errors=["cable_fault"], within_ms=500).expect(contactor=False)
    socket.set(cable=32).until(state="C2", contactor=True, within_ms=6000)


def test_a_rating_only_falls_within_a_session(socket: Street) -> None:
    socket.set(cable=20).charge().set(cable=32).wait_s(1).expect(cable=20, offered=20.0)
    socket.set(cable=13).wait_s(1).expect(cable=13, offered=13.0)


def test_switching_to_the_outlet_in_a_session_stops_it_until_the_next(quick: Street) -> None:
    quick.set(reaction=500).charge()
    quick.change_settings(socket_outlet=True)
    quick.until(state="B1", contactor=False).expect(reason="outlet_changed")
    quick.vehicle.unplug()
    quick.until(state="A")
    quick.charge().expect(locked=True)


# -- contactor -----------------------------------------------------------------------------------


def test_welded_contacts_are_a_fault_that_stays_and_keeps_the_plug() -> None:
    street = Street(socket_outlet=True).start().charge()
    street.set(weld=True)
    street.vehicle.open_s2()
    street.until(errors=["contactor_welded"], within_ms=1000).expect(pilot="low")
    street.set(weld=False).doze_s(90).expect(errors=["contactor_welded"])
    assert street.circuit.get()["locked"] is True
    street.send(MakeAvailable(False)).send(MakeAvailable(True))
    street.wait_s(1).expect(errors=["contactor_welded"])


def test_contacts_welded_at_power_up_are_found_by_the_self_check() -> None:
    street = Street()
    street.set(weld=True)
    street.until(errors=["contactor_welded"])
    assert street.switched == []


def test_without_an_auxiliary_contact_the_current_tells_of_a_weld(blind: Street) -> None:
    blind.vehicle.ignore_the_pilot()
    blind.charge().wait_s(5).set(weld=True)
    blind.send(Enable(False))
    blind.until(errors=["contactor_welded"], within_ms=8000)


def test_without_an_auxiliary_contact_opening_under_load_is_no_weld(blind: Street) -> None:
    blind.vehicle.ignore_the_pilot()
    blind.charge().wait_s(5).send(Enable(False))
    blind.wait_s(9).expect(state="C1", contactor=False, errors=[])


def test_without_an_auxiliary_contact_a_fault_under_load_is_no_weld(blind: Street) -> None:
    blind.charge().wait_s(5).vehicle.short_the_pilot()
    blind.wait_s(5).expect(contactor=False, errors=["pilot_fault"])


def test_current_that_flows_at_power_up_is_found_by_the_self_check(blind: Street) -> None:
    blind.vehicle.ignore_the_pilot()
    blind.charge().wait_s(5).set(weld=True)
    blind.hat.close()
    successor = Street(blind.board, circuit=blind.circuit)
    successor.until(state="E", errors=["contactor_welded"])


def test_a_contactor_that_does_not_close_is_a_fault_that_is_retried(quick: Street) -> None:
    quick.set(contactorStuck=True)
    quick.vehicle.close_s2()
    quick.until(errors=["contactor_open_fault"]).expect(contactor=False)
    (_, first), (_, second) = quick.switched
    assert (first, second) == (True, False)
    quick.set(contactorStuck=False).until(state="C2", contactor=True, within_ms=62_000)


class Greedy(Vehicle):
    """A car that takes what it can, whatever it is offered."""

    def draw(self, now_us: int, *, energized: bool) -> Ramp:
        self._allowance_a = 0.0
        return super().draw(now_us, energized=energized)


def greedy_street() -> Street:
    street = Street()
    street.circuit.vehicle = Greedy.of(replace(SIM_BOARD.sim.vehicle, ramp_a_per_s=1000.0))
    return street.start().charge()


def test_a_car_that_draws_far_more_than_offered_is_cut_off_after_a_second() -> None:
    street = greedy_street()
    over_us = street.circuit.now_us
    street.set(maxCurrent=60).until(errors=["overcurrent"], within_ms=2000)
    assert 1000 <= street.opened_after_ms(over_us) <= 1200
    street.set(maxCurrent=16).doze_s(59).expect(errors=["overcurrent"])
    street.until(state="C2", contactor=True)


def test_a_car_that_draws_a_little_more_than_offered_is_cut_off_after_seven() -> None:
    street = greedy_street()
    street.set(maxCurrent=38).wait_ms(6900).expect(state="C2", errors=[])
    street.until(errors=["overcurrent"], within_ms=400).expect(contactor=False)


# -- the controller itself -----------------------------------------------------------------------


def test_a_dead_converter_opens_at_once_and_charging_goes_on_60_s_after_it_is_back(
    quick: Street,
) -> None:
    quick.charge()
    died_us = quick.circuit.now_us
    quick.set(adcDead=True)
    quick.until(errors=["controller_fault"], within_ms=200).expect(contactor=False)
    assert quick.opened_after_ms(died_us) <= 20
    quick.doze_s(70).expect(errors=["controller_fault"])
    quick.set(adcDead=False).doze_s(59.5).expect(errors=["controller_fault"])
    quick.until(state="C2", within_ms=2500)


def test_a_pilot_that_cannot_be_driven_is_found_by_the_self_check() -> None:
    street = Street(quick_board())
    street.set(adcDead=True)
    street.until(errors=["controller_fault"], within_ms=2500)


def test_a_pass_that_comes_too_late_while_charging_is_a_fault(quick: Street) -> None:
    quick.charge()
    quick.circuit.advance_to_us(quick.circuit.now_us + 120_000)
    quick.station.run(late_ms=101)
    quick.expect(errors=["controller_fault"], contactor=False)


def test_a_dead_man_that_has_tripped_forbids_closing(quick: Street) -> None:
    quick.charge()
    quick.circuit.advance_to_us(quick.circuit.now_us + 400_000)
    assert quick.circuit.get()["deadMan"] == "halted"
    assert quick.circuit.get()["contactor"]["commanded"] is False
    quick._next_pass_us = quick.circuit.now_us
    quick.station.run()
    assert quick.now.contactor_closed is False
    quick.wait_s(3)
    assert quick.circuit.get()["contactor"]["commanded"] is False


def test_faults_that_come_together_go_one_by_one(with_rcm: Street) -> None:
    with_rcm.charge().set(rcm=True, temperature=70.0)
    with_rcm.until(errors=["rcm_triggered", "temperature_high"], within_ms=11_000)
    with_rcm.set(rcm=False).until(errors=["temperature_high"], within_ms=61_000).expect(state="E")
    with_rcm.set(temperature=25.0).until(state="C2", within_ms=13_000)


# -- C1 and D1 -----------------------------------------------------------------------------------


def test_a_car_that_toggles_between_c_and_d_gets_no_more_than_six_seconds(quick: Street) -> None:
    quick.vehicle.ignore_the_pilot()
    quick.charge().send(Enable(False))
    paused_us = quick.circuit.now_us
    for second in range(30):
        quick.set(vehicle="charging" if second % 2 else "ventilation").wait_s(1)
    assert [on for _, on in quick.switched] == [True, False]
    assert 6000 <= quick.opened_after_ms(paused_us) <= 6100
    assert quick.path.count("D1") == 15


def test_every_fault_of_the_interface_is_shown_under_its_own_name() -> None:
    names = "pilot_fault diode_short lock_fault unlock_fault rcm_triggered rcm_selftest_fault"
    assert [str(one.name).lower() for one in Fault][:6] == names.split()
