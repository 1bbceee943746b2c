"""Plugging in, charging, pausing, leaving: scenarios 1 to 5 of charging.md section 19."""

from dataclasses import replace

import pytest

from evsed.charging.commands import Enable, MakeAvailable, ShutDown
from evsed.settings.administrator import Administrator
from scenarios.street import SIM_BOARD, Street, quick_board


def test_a_whole_session_from_plug_to_unplug(street: Street) -> None:
    street.vehicle.plug_in()
    street.until(state="B2", within_ms=1000).expect(pilot="pwm", contactor=False, session=True)
    street.vehicle.close_s2()
    street.until(state="C2", within_ms=500).until(contactor=True, within_ms=100)
    street.wait_ms(1000).expect(state="C2", contactor=True, reason="charging")
    street.vehicle.open_s2()
    street.wait_ms(100).expect(state="B2", contactor=False, pilot="pwm", session=True)
    street.vehicle.unplug()
    street.until(state="A", within_ms=300).expect(pilot="high", session=False)
    assert street.path == ["A", "B1", "B2", "C2", "B2", "A"]


def test_what_the_rules_drive_is_what_the_wires_show(street: Street) -> None:
    assert street.pilot_mode == "high"
    street.charge().wait_ms(50)
    world = street.circuit.get()
    assert world["contactor"] == {"commanded": True, "closed": True}
    assert world["pilot"]["mode"] == "pwm"
    assert world["pilot"]["dutyPpm"] == street.now.duty_ppm == 533_333
    assert street.now.contactor_feedback is True
    street.vehicle.unplug()
    street.wait_ms(300)
    world = street.circuit.get()
    assert world["contactor"] == {"commanded": False, "closed": False}
    assert world["pilot"]["mode"] == "high"


def test_disabling_while_charging_gives_the_car_six_seconds(street: Street) -> None:
    street.vehicle.ignore_the_pilot()
    street.charge()
    street.send(Enable(False))
    street.wait_ms(5900).expect(state="C1", contactor=True, pilot="high")
    street.wait_ms(200).expect(state="C1", contactor=False)


def test_grace_lasts_six_seconds_and_not_a_tenth_more(street: Street) -> None:
    street.vehicle.ignore_the_pilot()
    street.charge().send(Enable(False))
    paused_us = street.circuit.now_us
    street.until(contactor=False, within_ms=7000)
    assert 6000 <= street.opened_after_ms(paused_us) <= 6100


def test_a_car_that_goes_to_9_v_in_grace_is_cut_off_within_two_windows(street: Street) -> None:
    street.charge().send(Enable(False))
    street.wait_ms(1000).expect(state="C1", contactor=True)
    left_us = street.circuit.now_us
    street.vehicle.open_s2()
    street.wait_ms(100).expect(state="B1", contactor=False)
    assert street.opened_after_ms(left_us) <= 40


def test_a_car_that_reacts_to_the_withdrawn_offer_ends_grace_itself(street: Street) -> None:
    street.set(reaction=1500)
    street.charge().send(Enable(False))
    street.wait_ms(1400).expect(state="C1", contactor=True)
    street.wait_ms(200).expect(state="B1", contactor=False)


def test_enabling_again_in_grace_charges_on_without_opening(street: Street) -> None:
    street.vehicle.ignore_the_pilot()
    street.charge().send(Enable(False))
    street.wait_ms(2000).expect(state="C1", contactor=True)
    street.send(Enable(True))
    street.wait_ms(6000).expect(state="C2", contactor=True, pilot="pwm")
    assert [on for _, on in street.switched] == [True]


def test_resuming_without_a_diode_opens_within_300_ms_and_two_windows(street: Street) -> None:
    street.vehicle.ignore_the_pilot()
    street.charge().send(Enable(False)).wait_ms(1000)
    street.vehicle.lose_its_diode()
    street.wait_ms(1000).expect(state="C1", contactor=True)
    resumed_us = street.circuit.now_us
    street.send(Enable(True))
    street.until(errors=["diode_short"], within_ms=500).expect(contactor=False, pilot="low")
    assert street.opened_after_ms(resumed_us) <= 320


def test_grace_ends_early_when_no_current_flows(street: Street) -> None:
    street.vehicle.ignore_the_pilot()
    street.charge().wait_s(3)
    street.send(Enable(False)).wait_ms(1000).expect(contactor=True)
    street.set(maxCurrent=0)
    street.wait_ms(700).expect(state="C1", contactor=False)


def test_enabling_after_plug_in_offers_current(street: Street) -> None:
    street.send(Enable(False))
    street.vehicle.plug_in()
    street.wait_ms(1000).expect(state="B1", pilot="high", reason="disabled")
    street.send(Enable(True))
    street.wait_ms(40).expect(state="B2", pilot="pwm", contactor=False)


def test_unavailable_while_charging_goes_out_of_service_when_the_car_has_reacted(
    street: Street,
) -> None:
    street.set(reaction=1500)
    street.charge().send(MakeAvailable(False))
    street.wait_ms(1000).expect(state="C1", contactor=True)
    street.until(state="F", within_ms=1000).expect(contactor=False, pilot="low", session=False)
    assert street.path[-3:] in (["C1", "B1", "F"], ["C2", "C1", "F"])


def test_unavailable_while_charging_waits_six_seconds_for_a_car_that_does_not_react(
    street: Street,
) -> None:
    street.vehicle.ignore_the_pilot()
    street.charge().send(MakeAvailable(False))
    street.wait_ms(5900).expect(state="C1", contactor=True)
    street.wait_ms(200).expect(state="F", contactor=False, pilot="low")


def test_back_in_service_the_station_walks_through_a_and_b1(street: Street) -> None:
    street.charge().send(MakeAvailable(False))
    street.until(state="F", within_ms=7000)
    street.vehicle.open_s2()
    street.path.clear()
    street.send(MakeAvailable(True)).until(state="B2")
    assert street.path in (["A", "B1", "B2"], ["F", "A", "B1", "B2"])


def test_minus_12_v_lasts_300_ms_at_least_when_service_returns_at_once(street: Street) -> None:
    street.send(MakeAvailable(False)).until(pilot="low")
    low_us = street.circuit.now_us
    street.send(MakeAvailable(True)).until(pilot="high")
    assert 300 <= (street.circuit.now_us - low_us) / 1000 <= 340


def test_out_of_service_nothing_that_is_plugged_in_matters(street: Street) -> None:
    street.send(MakeAvailable(False)).until(state="F")
    street.vehicle.plug_in()
    street.wait_ms(1000).expect(state="F", contactor=False, pilot="low", session=False)
    street.vehicle.close_s2()
    street.wait_ms(1000).expect(state="F", contactor=False, pilot="low")
    assert street.switched == []


def test_a_car_that_asks_at_power_up_charges_through_c1() -> None:
    street = Street(quick_board())
    street.vehicle.ignore_the_pilot()
    street.vehicle.close_s2()
    street.until(state="C2", contactor=True, within_ms=3000)
    assert street.path[-4:] == ["F", "A", "C1", "C2"]


def test_state_d_charges_where_the_room_is_ventilated(street: Street) -> None:
    street.vehicle.ask_with_ventilation()
    street.until(state="D2", contactor=True)
    street.vehicle.close_s2()
    street.until(state="C2", within_ms=300).expect(contactor=True)
    assert [on for _, on in street.switched] == [True]


def test_state_d_waits_where_the_room_is_not_ventilated() -> None:
    limits = replace(SIM_BOARD.limits, ventilation=False)
    street = Street(replace(quick_board(), limits=limits)).start()
    street.vehicle.ignore_the_pilot()
    street.vehicle.ask_with_ventilation()
    street.wait_ms(3000).expect(state="D1", contactor=False, reason="ventilation_required")


def test_an_opened_contactor_rests_before_it_closes_again() -> None:
    relay = replace(SIM_BOARD.ac_relay, min_off_time_ms=3000)
    street = Street(replace(quick_board(), ac_relay=relay)).start()
    street.charge()
    street.vehicle.open_s2()
    street.until(contactor=False)
    opened_us = street.circuit.now_us
    street.vehicle.close_s2()
    street.until(contactor=True, within_ms=4000)
    assert 2990 <= (street.circuit.now_us - opened_us) / 1000 <= 3200


@pytest.mark.parametrize("reacts", [True, False])
def test_an_orderly_end_is_a_pause_and_then_minus_12_v(street: Street, reacts: bool) -> None:
    street.set(reaction=500 if reacts else -1)
    street.charge().send(ShutDown())
    street.wait_ms(300).expect(state="C1", contactor=True)
    street.until(state="F", within_ms=7000).expect(
        contactor=False, pilot="low", reason="shutting_down"
    )
    street.wait_ms(2000).expect(state="F", pilot="low")


def test_a_sleeping_car_gets_one_pulse_of_minus_12_v() -> None:
    street = Street(quick_board(), administrator=Administrator(charging_wake_up_s=30)).start()
    street.vehicle.plug_in()
    street.until(state="B2").wait_s(29.5).expect(pilot="pwm")
    street.wait_s(1).expect(state="B2", pilot="low")
    street.wait_s(4).expect(state="B2", pilot="high")
    street.wait_s(1).expect(state="B2", pilot="pwm")
    street.wait_s(36).expect(state="B2", pilot="pwm")
