"""From state to state: what the vehicle asks, what the gates permit."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.commands import Enable, MakeAvailable
from evsed.charging.states import PilotMode, PilotReading
from evsed.charging.transitions import asked


@pytest.mark.parametrize(("kind", "state"), [("6", "C2"), ("3", "D2"), ("9", "B2"), ("12", "A")])
def test_from_every_session_state_every_reading_leads_on(kind: str, state: str) -> None:
    for begin in ("9", "6", "3"):
        rig = Rig()
        rig.car(begin)
        assert rig.car(kind).state.value == state


def test_a_vehicle_that_asks_at_once_is_a_session_through_c1(rig: Rig) -> None:
    rig.pilot_says = ("6", "6")
    states = [rig.one_pass().state.value for _ in range(60)]

    assert sorted(set(states), key=states.index) == ["A", "C1", "C2"]
    assert rig.closed


def test_without_ventilation_state_d_is_refused() -> None:
    rig = Rig(replace(NO_REST, ventilation=False))
    rig.car("9")
    rig.car("3")

    assert rig.state == "D1"
    assert rig.snapshot.reason.value == "ventilation_required"


def test_changing_between_c1_and_d1_does_not_extend_grace(rig: Rig) -> None:
    rig.charge()
    rig.send(Enable(on=False))
    for second in range(6):
        rig.car("36"[second % 2], 1000)
    assert rig.car("6", 60).contactor_closed is False
    for second in range(24):
        assert not rig.car("36"[second % 2], 1000).contactor_closed


def test_changing_between_c2_and_d2_keeps_the_contactor_closed(rig: Rig) -> None:
    rig.charge()
    rig.car("3")

    assert rig.state == "D2"
    assert rig.snapshot.counters.openings == 0


def test_pausing_with_the_contactor_open_arms_no_grace(rig: Rig) -> None:
    rig.charge()
    rig.car("12", 20)
    rig.send(Enable(on=False))
    rig.car("6", 20)

    assert (rig.state, rig.closed) == ("C1", False)
    rig.send(Enable(on=True))
    assert rig.car("6", 600).contactor_closed


def test_out_of_service_every_vehicle_is_ignored(rig: Rig) -> None:
    rig.send(MakeAvailable(on=False))

    for kind in ("12", "9", "6", "3", "0"):
        assert rig.car(kind).state.value == "F"
        assert rig.snapshot.pilot is PilotMode.LOW


def test_coming_back_into_service_the_pilot_is_read_afresh(rig: Rig) -> None:
    rig.car("9")
    rig.send(MakeAvailable(on=False))
    rig.one_pass(windows=())
    rig.send(MakeAvailable(on=True))

    assert rig.one_pass(windows=()).state.value == "A"
    assert [rig.one_pass().state.value for _ in range(10)] == ["A"] * 10


def test_a_session_without_a_reading_asks_what_it_asked_last(rig: Rig) -> None:
    rig.charge()
    rig.change(line=rig.memory.line.blank())

    assert asked(rig.memory) is PilotReading.V6


def test_settled_without_a_vehicle_nothing_happens(rig: Rig) -> None:
    rig.change(line=rig.memory.line.blank())

    assert rig.one_pass(windows=()).reason.value == "pilot_settling"
    assert rig.car("12").reason.value == "no_vehicle"
