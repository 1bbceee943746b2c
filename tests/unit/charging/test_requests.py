"""Commands: taken, or refused with nothing changed."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.commands import (
    ApplyRules,
    Command,
    Enable,
    MakeAvailable,
    ResetEnergy,
    SetChargingCurrent,
    SetChargingTimeLimit,
    SetConsumptionLimit,
    SetUnderPowerLimit,
    Together,
)
from evsed.charging.debounce import PilotLine
from evsed.charging.faults import Faults
from evsed.charging.memory import Memory
from evsed.charging.requests import accept
from evsed.charging.rules import Rules
from evsed.charging.states import Fault, PilotReading
from evsed.errors import RejectedError


@pytest.mark.parametrize(
    ("command", "field", "value"),
    [
        (SetChargingCurrent(60), "charging_current_da", 60),
        (SetChargingCurrent(320), "charging_current_da", 320),
        (Enable(on=False), "enabled", False),
        (MakeAvailable(on=False), "available", False),
    ],
)
def test_a_value_in_its_range_is_taken(command: Command, field: str, value: object) -> None:
    assert getattr(accept(Memory(), command, 0), field) == value


@pytest.mark.parametrize(
    ("command", "field", "value"),
    [
        (SetConsumptionLimit(3600 * (2**32 - 1)), "consumption_ws", 3600 * (2**32 - 1)),
        (SetChargingTimeLimit(2**32 - 1), "charging_time_s", 2**32 - 1),
        (SetUnderPowerLimit(65_535), "under_power_w", 65_535),
    ],
)
def test_a_limit_in_its_range_is_taken(command: Command, field: str, value: int) -> None:
    assert getattr(accept(Memory(), command, 0).limits, field) == value


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (SetChargingCurrent(59), "chargingCurrent: 6.0 to 32.0 A expected"),
        (SetChargingCurrent(321), "chargingCurrent: 6.0 to 32.0 A expected"),
        (SetConsumptionLimit(-1), "consumptionLimit: 0 to 15461882262000 Ws expected"),
        (SetConsumptionLimit(3600 * 2**32), "consumptionLimit: 0 to 15461882262000 Ws expected"),
        (SetChargingTimeLimit(2**32), "chargingTimeLimit: 0 to 4294967295 s expected"),
        (SetUnderPowerLimit(65_536), "underPowerLimit: 0 to 65535 W expected"),
    ],
)
def test_a_value_out_of_its_range_is_refused_with_the_range(
    command: Command, sentence: str
) -> None:
    with pytest.raises(RejectedError) as refused:
        accept(Memory(), command, 0)

    assert str(refused.value) == sentence


def test_commands_given_together_are_all_taken_or_all_refused(rig: Rig) -> None:
    before = rig.memory
    with pytest.raises(RejectedError):
        rig.send(Together((Enable(on=False), SetChargingCurrent(1))))
    assert rig.memory is before

    rig.send(Together((Enable(on=False), SetChargingCurrent(100))))
    assert (rig.memory.enabled, rig.memory.charging_current_da) == (False, 100)


def test_a_lower_maximum_lowers_the_set_point_and_a_higher_one_leaves_it() -> None:
    memory = accept(Memory(), ApplyRules(Rules(max_charging_current_a=10)), 0)
    assert memory.charging_current_da == 100

    assert accept(memory, ApplyRules(Rules()), 0).charging_current_da == 100


def test_the_energy_register_reads_0_at_once_and_the_session_goes_on(rig: Rig) -> None:
    rig.charge()
    rig.run(1000)
    session_ws = rig.snapshot.session_energy_ws
    rig.send(ResetEnergy())

    assert rig.memory.energy.total_ws == 0
    assert rig.memory.energy.session_ws == session_ws > 0


def test_an_operator_leaves_a_latched_error_behind(rig: Rig) -> None:
    rig.charge()
    rig.one_pass(emergency_stop=True)
    rig.run(1000)
    assert rig.state == "E"
    rig.send(MakeAvailable(on=True))
    assert rig.run(1000).state.value == "E"

    for on in (False, True):
        rig.send(MakeAvailable(on=on))
        rig.run(20)
    assert rig.run(1000).contactor_closed


def test_an_operator_leaves_nothing_of_an_error_behind() -> None:
    failed = Memory(
        available=False,
        faults=Faults(bits=Fault.EMERGENCY_STOP.value),
        error_since_ms=5,
        seen_unasking=True,
        line=PilotLine(stable=PilotReading.V9),
    )

    assert accept(failed, MakeAvailable(on=True), 20) == Memory()


def test_an_operator_cannot_leave_a_fault_behind_that_is_still_there(rig: Rig) -> None:
    rig.given["emergency_stop"] = True
    rig.run(100)
    for on in (False, True):
        rig.send(MakeAvailable(on=on))
        rig.run(20)

    assert rig.state == "E"


def test_rules_that_change_nothing_about_a_fault_leave_it(rig: Rig) -> None:
    rig.given["supply_failed"] = True
    rig.run(100)
    rig.send(ApplyRules(replace(NO_REST, rcm=True)))

    assert rig.run(20).state.value == "E"
