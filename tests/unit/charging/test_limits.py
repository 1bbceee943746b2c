"""Session limits."""

import pytest
from charging_rig import Rig

from evsed.charging.commands import (
    Authorize,
    Enable,
    SetChargingTimeLimit,
    SetConsumptionLimit,
    SetUnderPowerLimit,
)
from evsed.charging.limits import Limits, SessionFigures, check_limits, end_session
from evsed.charging.states import Reason

LOW = SessionFigures(power_w=900)


def test_energy_stops_charging_and_a_higher_limit_resumes_it(rig: Rig) -> None:
    rig.send(SetConsumptionLimit(7360))
    rig.charge()
    rig.run(1000)

    assert (rig.state, rig.closed, rig.snapshot.limit_reached) == ("C1", True, True)
    assert rig.snapshot.reason is Reason.CONSUMPTION_LIMIT
    rig.send(SetConsumptionLimit(100_000))
    rig.run(100)
    assert (rig.state, rig.snapshot.limit_reached) == ("C2", False)


def test_time_stops_charging_until_the_session_is_over(rig: Rig) -> None:
    rig.send(SetChargingTimeLimit(5))
    rig.charge()
    rig.run(5000)
    assert rig.snapshot.reason is Reason.CHARGING_TIME_LIMIT
    rig.car("9")
    assert rig.state == "B1"

    rig.car("12")
    assert rig.charge().limit_reached is False


@pytest.mark.parametrize(
    ("figures", "reached"),
    [
        (SessionFigures(energy_ws=7_199_999), None),
        (SessionFigures(energy_ws=7_200_000), Reason.CONSUMPTION_LIMIT),
        (SessionFigures(charging_time_ms=3_599_999), None),
        (SessionFigures(charging_time_ms=3_600_000), Reason.CHARGING_TIME_LIMIT),
    ],
    ids=str,
)
def test_a_limit_is_reached_at_its_value_and_not_before(
    figures: SessionFigures, reached: Reason | None
) -> None:
    limits = Limits(consumption_ws=7_200_000, charging_time_s=3600)

    assert check_limits(limits, figures, charging=True, now_ms=0).reached is reached


@pytest.mark.parametrize(("lasts_ms", "state"), [(59_000, "C2"), (61_000, "C1")])
def test_too_little_power_for_60_s_stops_charging(rig: Rig, lasts_ms: int, state: str) -> None:
    rig.charge()
    rig.send(SetUnderPowerLimit(1000))

    assert rig.run(lasts_ms, recorded=LOW).state.value == state


def test_power_in_between_starts_the_60_s_again(rig: Rig) -> None:
    rig.charge()
    rig.send(SetUnderPowerLimit(1000))
    rig.run(50_000, recorded=LOW)
    rig.run(40)

    assert rig.run(50_000, recorded=LOW).state.value == "C2"


def test_a_pause_starts_the_60_s_again(rig: Rig) -> None:
    rig.charge()
    rig.send(SetUnderPowerLimit(1000))
    rig.run(50_000, recorded=LOW)
    rig.car("9", 200)
    rig.car("6", 600)

    assert rig.run(50_000, recorded=LOW).state.value == "C2"


@pytest.mark.parametrize(
    "commands",
    [
        (SetUnderPowerLimit(1000),),
        (SetUnderPowerLimit(0),),
        (Authorize(),),
        (Enable(on=False), Enable(on=True)),
    ],
    ids=str,
)
def test_under_power_is_released_by_whoever_means_it(rig: Rig, commands: tuple) -> None:
    rig.charge()
    rig.send(SetUnderPowerLimit(1000))
    rig.run(61_000, recorded=LOW)
    assert rig.snapshot.reason is Reason.UNDER_POWER_LIMIT
    for command in commands:
        rig.send(command)

    assert rig.run(100).state.value == "C2"


def test_writing_enabled_twice_is_no_rising_edge(rig: Rig) -> None:
    rig.charge()
    rig.send(SetUnderPowerLimit(1000))
    rig.run(61_000, recorded=LOW)
    rig.send(Enable(on=True))

    assert rig.run(100).state.value == "C1"


def test_under_power_stays_until_the_session_ends() -> None:
    limits = Limits(under_power_w=1000)
    for now_ms in (0, 60_000):
        limits = check_limits(limits, LOW, charging=True, now_ms=now_ms)
    rich = SessionFigures(power_w=9000)

    assert check_limits(limits, rich, charging=False, now_ms=60_020).reached is not None


def test_the_next_session_meets_the_same_limits_and_none_of_them_reached() -> None:
    limits = Limits(consumption_ws=10**6, charging_time_s=3600, under_power_w=1000)
    reached = limits
    for now_ms in (0, 60_000):
        reached = check_limits(reached, LOW, charging=True, now_ms=now_ms)
    assert reached.reached is Reason.UNDER_POWER_LIMIT

    assert end_session(reached) == limits


def test_nothing_new_makes_no_new_object() -> None:
    limits = Limits()
    assert check_limits(limits, LOW, charging=True, now_ms=0) is limits
