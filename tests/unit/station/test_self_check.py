import pytest

from evsed.charging.pilot_window import PilotWindow
from evsed.charging.rules import PilotLevels
from evsed.charging.states import Fault, PilotMode
from evsed.station.self_check import SelfCheck

LOW = {"mode": PilotMode.LOW, "low_mv": 100}
HIGH = {"mode": PilotMode.HIGH, "high_mv": 2560}
FINE = {"feedback": False, "rcm_active": False, "currents_a": (0.0, 0.0, 0.0)}


def windows(kind, count=1):
    return [PilotWindow(started_ms=0, ended_ms=0, **kind)] * count


def run(check, *, low=LOW, high=HIGH, **seen):
    """Run passes until the check is over; return when, and what it found."""
    for now_ms in range(1000, 4000, 20):
        kind = low if check.pilot_mode(now_ms) is PilotMode.LOW else high
        found = check.follow(now_ms, windows(kind) if kind else (), **(FINE | seen))
        if found is not None:
            return now_ms - 1000, found
    raise AssertionError("the check does not end")


@pytest.fixture
def check():
    return SelfCheck(PilotLevels(), 1000)


def test_a_healthy_station_passes_in_less_than_half_a_second(check):
    took_ms, found = run(check)
    assert 300 < took_ms < 500
    assert found is Fault.NONE


def test_the_pilot_stays_at_minus_12_v_for_300_ms(check):
    check.follow(1000, windows(LOW, 5), **FINE)
    assert check.pilot_mode(1299) is PilotMode.LOW
    assert check.pilot_mode(1300) is PilotMode.HIGH


def test_the_pilot_stays_at_minus_12_v_until_it_has_been_seen(check):
    assert check.pilot_mode(2500) is PilotMode.LOW


def test_a_vehicle_that_asks_is_no_reason_to_fail(check):
    assert run(check, high={"mode": PilotMode.HIGH, "high_mv": 1637})[1] is Fault.NONE


@pytest.mark.parametrize(
    "pilots",
    [
        {"low": None},
        {"low": {"mode": PilotMode.LOW, "low_mv": 900}},
        {"low": {"mode": PilotMode.LOW}},
        {"high": None},
        {"high": {"mode": PilotMode.HIGH, "high_mv": 1400}},
        {"high": {"mode": PilotMode.HIGH}},
    ],
    ids=["no low", "not -12 V", "noise low", "no high", "below 2 V", "noise high"],
)
def test_a_pilot_that_does_not_follow_is_a_controller_fault_after_two_seconds(check, pilots):
    assert run(check, **pilots) == (2000, Fault.CONTROLLER_FAULT)


@pytest.mark.parametrize(
    ("seen", "fault"),
    [
        ({"feedback": True}, Fault.CONTACTOR_WELDED),
        ({"currents_a": (0.0, 1.1, 0.0)}, Fault.CONTACTOR_WELDED),
        ({"rcm_active": True}, Fault.RCM_TRIGGERED),
        ({"rcm_active": True, "feedback": True}, Fault.RCM_TRIGGERED | Fault.CONTACTOR_WELDED),
        ({"currents_a": (1.0, 1.0, 1.0)}, Fault.NONE),
        ({"currents_a": None, "feedback": None}, Fault.NONE),
    ],
)
def test_contacts_current_and_monitor_are_looked_at(check, seen, fault):
    assert run(check, **seen)[1] is fault


def test_everything_that_is_wrong_is_told_together(check):
    _, found = run(check, low=None, feedback=True, rcm_active=True)
    assert found == Fault.CONTROLLER_FAULT | Fault.CONTACTOR_WELDED | Fault.RCM_TRIGGERED
