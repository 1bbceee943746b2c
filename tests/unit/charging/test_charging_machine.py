"""The control pass: faults, interlock, energy."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.causes import present_causes
from evsed.charging.commands import ApplyRules, Enable, MakeAvailable, ShutDown
from evsed.charging.debounce import PilotLine
from evsed.charging.energy import Measured
from evsed.charging.limits import SessionFigures
from evsed.charging.memory import Inputs, Memory, PilotDrive
from evsed.charging.outlet import Outlet
from evsed.charging.protections import Overcurrent
from evsed.charging.rules import Rules
from evsed.charging.states import (
    Fault,
    LockStatus,
    MeterMode,
    PilotMode,
    PilotReading,
    SelfTest,
)

RCM = replace(NO_REST, rcm=True)


def test_a_plugged_in_vehicle_passes_through_b1(rig: Rig) -> None:
    rig.pilot_says = ("9", "9")
    states = [rig.one_pass().state.value for _ in range(10)]

    assert sorted(set(states), key=states.index) == ["A", "B1", "B2"]
    assert states.count("B1") == 1


def test_asking_closes_the_contactor_and_counts_energy(rig: Rig) -> None:
    rig.charge()
    before = rig.snapshot
    rig.run(10_000)

    assert rig.state == "C2"
    assert rig.snapshot.power_w == 32 * 230
    assert rig.snapshot.session_energy_ws - before.session_energy_ws == 73_600
    assert rig.snapshot.charging_time_ms - before.charging_time_ms == 10_000


@pytest.mark.parametrize("calm", ["9", "12"])
def test_after_an_unclean_end_a_vehicle_has_to_stop_asking_first(calm: str) -> None:
    rig = Rig(unclean_end=True)
    rig.change(unclean_end=True, line=rig.memory.line.blank())
    rig.car("6", 60_000)
    assert (rig.state, rig.closed, rig.snapshot.reason) == ("C1", False, "unclean_end")
    assert rig.memory.pilot.mode is PilotMode.HIGH

    rig.car(calm)
    rig.car("6")
    assert (rig.state, rig.closed) == ("C2", True)


def test_after_an_unclean_end_a_vehicle_that_does_not_ask_is_offered_current() -> None:
    rig = Rig(unclean_end=True)
    rig.car("9")
    assert rig.state == "B2"
    rig.car("6")
    assert rig.closed


def test_two_bad_windows_open_and_one_does_not(rig: Rig) -> None:
    rig.charge()

    rig.pilot_says = ("6", "12")
    assert rig.one_pass().contactor_closed
    rig.pilot_says = ("12", "6")
    assert not rig.one_pass().contactor_closed
    assert rig.state == "C2"


def test_a_single_bad_window_in_a_pass_changes_nothing(rig: Rig) -> None:
    rig.charge()

    for kind in ("!", "0", "12", "6x"):
        rig.pilot_says = (kind, "6")
        assert rig.one_pass().contactor_closed
        rig.car("6", 40)


def test_a_silent_pilot_opens_after_100_ms_and_is_a_fault_after_a_second(rig: Rig) -> None:
    rig.charge()

    rig.pilot_says = ()
    assert rig.run(100).contactor_closed
    assert not rig.one_pass().contactor_closed
    assert rig.run(800).faults is Fault.NONE
    assert rig.run(100).faults is Fault.CONTROLLER_FAULT


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"controller_failed": True}, Fault.CONTROLLER_FAULT),
        ({"emergency_stop": True}, Fault.EMERGENCY_STOP),
        ({"supply_failed": True}, Fault.SUPPLY_FAULT),
        ({"rcm_active": True}, Fault.RCM_TRIGGERED),
    ],
)
def test_what_cannot_wait_opens_in_the_same_pass(given: dict[str, bool], fault: Fault) -> None:
    rig = Rig(RCM)
    rig.given["rcm_test"] = SelfTest.PASSED
    rig.charge()

    rig.one_pass(**given)

    assert rig.snapshot.faults is fault
    assert not rig.closed
    assert rig.snapshot.pilot is PilotMode.LOW


def test_everything_that_is_wrong_at_once_is_told() -> None:
    outlet = {"socket_outlet": True, "lock_fitted": True, "proximity_fitted": True}
    memory = Memory(
        rules=replace(RCM, temperature_sensor=True, feedback_fitted=True, **outlet),
        line=PilotLine(stable=PilotReading.INVALID, diode_missing_since_ms=0),
        pilot=PilotDrive(mode=PilotMode.PWM),
        rcm_test=SelfTest.FAILED,
        overcurrent=Overcurrent(tripped=True),
        outlet=Outlet(in_use=True, candidate=Fault.CABLE_FAULT, equal_readings=3),
    )
    inputs = Inputs(
        now_ms=5000,
        feedback=True,
        controller_failed=True,
        emergency_stop=True,
        supply_failed=True,
        rcm_active=True,
        temperature_fault=True,
        temperature_high_cdeg=9000,
        lock_status=LockStatus.LOCKING_FAIL,
    )

    # A lock fails one way at a time, and contacts that are welded do close.
    assert present_causes(memory, inputs) == ~(Fault.UNLOCK_FAULT | Fault.CONTACTOR_OPEN_FAULT)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [("0", Fault.PILOT_FAULT), ("!", Fault.PILOT_FAULT), ("6x", Fault.DIODE_SHORT)],
)
def test_a_pilot_that_fits_nothing_is_a_fault_for_60_s(rig: Rig, kind: str, fault: Fault) -> None:
    rig.charge()

    rig.car(kind, 40)
    assert not rig.closed
    assert rig.state == "C2"
    rig.car(kind, 200)
    assert rig.snapshot.faults is fault
    rig.car("6", 59_700)
    assert rig.state == "E"
    states = [rig.one_pass().state.value for _ in range(40)]
    assert sorted(set(states), key=states.index) == ["E", "A", "C1", "C2"]
    assert rig.closed


def test_a_vehicle_that_did_not_ask_before_an_error_may_not_ask_after_it(rig: Rig) -> None:
    rig.car("9")
    rig.car("9x", 400)
    rig.car("6", 61_000)

    assert rig.snapshot.faults is Fault.PILOT_FAULT
    rig.car("6", 61_000)
    assert rig.state == "C2"


def test_unplugging_in_an_error_forgets_that_the_vehicle_did_not_ask(rig: Rig) -> None:
    rig.car("9")
    for _ in range(4):
        rig.car("9x", 400)
        rig.car("9", 60_600)
    assert rig.state == "E"

    rig.car("12", 6000)
    assert rig.state == "A"
    assert rig.car("6", 800).contactor_closed


def test_the_fourth_diode_fault_waits_for_the_unplugging(rig: Rig) -> None:
    rig.car("9")
    for _ in range(3):
        rig.car("9x", 400)
        assert rig.state == "E"
        rig.car("9", 60_600)
        assert rig.state == "B2"
    rig.car("9x", 400)

    rig.car("9", 70_000)
    assert rig.state == "E"
    assert rig.snapshot.reason.value == "retries_exhausted"
    assert rig.snapshot.pilot is PilotMode.HIGH
    rig.car("12", 400)
    assert rig.state == "A"
    assert rig.memory.faults.retries == ()


def test_a_held_monitor_stays_an_error_over_60_s() -> None:
    rig = Rig(RCM)
    rig.given["rcm_active"] = True

    rig.run(130_000)
    assert rig.state == "E"
    rig.given["rcm_active"] = False
    rig.run(59_900)
    assert rig.state == "E"
    rig.run(200)
    assert rig.state == "A"


def test_the_trip_of_a_test_whose_session_is_over_is_none() -> None:
    rig = Rig(RCM)
    rig.car("9", 140)
    assert rig.memory.rcm_test is SelfTest.RUNNING
    rig.given.update(rcm_test=SelfTest.RUNNING, rcm_active=True)
    rig.car("12", 600)

    assert rig.state == "A"
    assert rig.faults == 0


def test_every_session_tests_the_monitor_once() -> None:
    rig = Rig(RCM)
    for _ in range(3):
        rig.given["rcm_test"] = SelfTest.NOT_RUN
        rig.pilot_says = ("9", "9")
        begun = 0
        for _ in range(20):
            rig.one_pass()
            begun += rig.outputs.start_rcm_test
        assert begun == 1
        rig.given["rcm_test"] = SelfTest.PASSED
        assert rig.car("6").contactor_closed
        rig.car("12")


def failing_self_test() -> Rig:
    rig = Rig(RCM)
    rig.given["rcm_test"] = SelfTest.FAILED
    rig.pilot_says = ("9", "9")
    rig.until(lambda: rig.memory.rcm_test is SelfTest.FAILED)
    return rig


def test_a_failed_self_test_is_a_fault() -> None:
    assert failing_self_test().one_pass().faults is Fault.RCM_SELFTEST_FAULT


def test_a_failed_self_test_is_none_once_the_monitor_is_switched_off() -> None:
    rig = failing_self_test()
    rig.send(ApplyRules(NO_REST))

    assert rig.one_pass().faults is Fault.NONE
    assert rig.memory.rcm_test is SelfTest.NOT_RUN


def test_no_self_test_runs_while_current_flows() -> None:
    rig = Rig(replace(RCM, meter_mode=MeterMode.CURRENT))
    rig.change(contactor=replace(rig.memory.contactor, ever_closed=True, since_ms=rig.now_ms))
    rig.given["measured"] = Measured(currents_a=(2.0, 0.0, 0.0))
    rig.car("9", 400)

    assert rig.memory.rcm_test is SelfTest.NOT_RUN
    rig.given["measured"] = Measured()
    rig.car("9", 60)
    assert rig.memory.rcm_test is SelfTest.RUNNING


def test_leaving_service_while_charging_goes_through_c1_and_grace(rig: Rig) -> None:
    rig.charge()
    rig.send(MakeAvailable(on=False))

    rig.one_pass()
    assert (rig.state, rig.closed) == ("C1", True)
    rig.run(5_960)
    assert (rig.state, rig.closed) == ("C1", True)
    rig.run(60)
    assert (rig.state, rig.closed) == ("F", False)
    rig.send(MakeAvailable(on=True))
    states = [rig.one_pass().state.value for _ in range(60)]
    assert sorted(set(states), key=states.index) == ["A", "C1", "C2"]


def test_out_of_service_an_error_ends_in_f(rig: Rig) -> None:
    rig.given["supply_failed"] = True
    rig.run(100)
    rig.send(MakeAvailable(on=False))
    rig.given["supply_failed"] = False

    assert [rig.one_pass().state.value for _ in range(3)] == ["F", "F", "F"]


def test_shutting_down_winds_down_and_stays_down(rig: Rig) -> None:
    rig.charge()
    rig.send(ShutDown())

    rig.run(100)
    assert (rig.state, rig.closed) == ("C1", True)
    rig.car("9", 60)
    assert rig.state == "F"
    assert rig.snapshot.reason.value == "shutting_down"
    rig.send(MakeAvailable(on=True))
    assert rig.run(1000).state.value == "F"


def test_grace_lasts_6_s_and_no_pass_longer(rig: Rig) -> None:
    rig.charge()
    rig.send(Enable(on=False))
    rig.one_pass()

    assert rig.run(5980).contactor_closed
    assert not rig.one_pass().contactor_closed


def test_grace_ends_early_without_current() -> None:
    rig = Rig(replace(NO_REST, meter_mode=MeterMode.CURRENT))
    rig.charge()
    rig.given["measured"] = Measured(currents_a=(10.0, 0.0, 0.0))
    rig.send(Enable(on=False))
    rig.run(1000)
    assert rig.closed

    rig.given["measured"] = Measured(currents_a=(0.3, 0.0, 0.0))
    rig.run(300)
    rig.run(100, measured=Measured(currents_a=(3.0, 0.0, 0.0)))
    assert rig.run(480).contactor_closed
    assert not rig.run(60).contactor_closed
    assert rig.snapshot.counters.loaded_openings == 0


def test_resuming_in_grace_keeps_the_contactor_closed_and_looks_for_the_diode(rig: Rig) -> None:
    rig.charge()
    rig.send(Enable(on=False))
    rig.run(2000)
    rig.send(Enable(on=True))

    assert rig.run(1000).contactor_closed
    assert rig.snapshot.counters.openings == 0


def test_resuming_in_grace_without_windows_of_the_diode_opens(rig: Rig) -> None:
    rig.charge()
    rig.send(Enable(on=False))
    rig.run(1000)
    rig.send(Enable(on=True))
    rig.one_pass()
    high = replace(rig._windows()[0], mode=PilotMode.HIGH, low_mv=None)

    for after_ms in range(20, 320, 20):
        rig.one_pass(windows=(replace(high, ended_ms=rig.now_ms + 20),))
        assert rig.closed is (after_ms < 300)


def test_a_recording_brings_its_own_figures(rig: Rig) -> None:
    rig.given["recorded"] = SessionFigures(power_w=77)
    rig.charge()

    assert rig.snapshot.power_w == 77


@pytest.mark.parametrize("power", [float("nan"), float("inf"), -5.0])
def test_nonsense_from_the_meter_adds_no_energy(power: float) -> None:
    rig = Rig(replace(NO_REST, meter_mode=MeterMode.CURRENT_VOLTAGE))
    rig.given["measured"] = Measured(
        voltages_v=(230.0, 0, 0), currents_a=(0, 0, 0), real_powers_w=(power, 0.0, 0.0)
    )
    rig.charge()

    assert rig.run(1000).total_energy_ws == 0


def test_what_the_meter_measures_is_counted_and_not_what_is_offered() -> None:
    rig = Rig(replace(NO_REST, meter_mode=MeterMode.CURRENT_VOLTAGE))
    rig.charge()
    rig.given["measured"] = Measured(
        voltages_v=(230.0, 0.0, 0.0), currents_a=(10.0, 0.0, 0.0), real_powers_w=(2290.0, 0.0, 0.0)
    )
    before_ws = rig.one_pass().session_energy_ws
    rig.run(10_000)

    assert rig.snapshot.power_w == 2290
    assert rig.snapshot.session_energy_ws - before_ws == 22_900


def test_new_rules_lower_the_offer_in_the_same_pass(rig: Rig) -> None:
    rig.charge()
    rig.send(ApplyRules(Rules(max_charging_current_a=10, contactor_rest_ms=0)))

    rig.one_pass()
    assert rig.snapshot.offered_da == 100
    assert rig.snapshot.charging_current_da == 100
