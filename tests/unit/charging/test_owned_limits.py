"""Limits with an owner: the lowest wins, silence leads to the fallback, the holder is named."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.commands import (
    ClearLimit,
    Command,
    Enable,
    LapseLimits,
    RenewLimit,
    SetChargingCurrent,
    SetLimit,
    SetUnderPowerLimit,
    Together,
)
from evsed.charging.energy import Measured
from evsed.charging.gates import permitted_da
from evsed.charging.memory import Memory
from evsed.charging.owned_limits import LONGEST_MS, MOST_LIMITS, OwnedLimit
from evsed.charging.requests import accept
from evsed.charging.states import MeterMode
from evsed.errors import RejectedError

GUARD = SetLimit(owner="guard", current_da=100, lease_ms=6_000, fallback_da=60)


def armed(**limit: object) -> Rig:
    """Return a charging station that waits for somebody from its start."""
    defaults = {"owner": "modbus", "lease_ms": 6_000, "fallback_da": 70}
    rig = Rig(owned=(OwnedLimit(**{**defaults, **limit}),))  # type: ignore[arg-type]
    rig.charge()
    return rig


def test_the_lowest_of_all_is_offered_in_one_pass_and_raises_are_paced(rig: Rig) -> None:
    rig.charge()
    rig.send(SetLimit(owner="sun", current_da=120))
    rig.send(GUARD)
    assert rig.one_pass().offered_da == 100
    rig.send(SetChargingCurrent(80))
    assert rig.one_pass().offered_da == 80

    rig.send(Together((SetChargingCurrent(320), ClearLimit("guard"))))
    assert rig.run(1100).offered_da == 120
    rig.send(ClearLimit("sun"))
    assert rig.run(1100).offered_da == 320


def test_a_limit_never_raises_what_the_user_permits(rig: Rig) -> None:
    rig.send(SetChargingCurrent(60))
    rig.send(SetLimit(owner="sun", current_da=630))

    assert rig.charge().offered_da == 60


def test_the_set_point_is_nobodys_business_but_the_users(rig: Rig) -> None:
    rig.charge()
    rig.send(GUARD)

    assert rig.run(100).charging_current_da == 320


def test_a_silent_owner_falls_back_at_the_end_of_his_time_and_not_before(rig: Rig) -> None:
    rig.charge()
    rig.send(GUARD)
    rig.run(5_980)
    assert rig.snapshot.offered_da == 100
    rig.one_pass()
    assert rig.snapshot.offered_da == 60
    assert rig.snapshot.owned[0].lapsed
    assert not rig.snapshot.limit_reached

    rig.run(10_000)
    assert rig.snapshot.offered_da == 60


def test_an_owner_that_is_heard_again_has_his_limit_back(rig: Rig) -> None:
    rig.charge()
    rig.send(GUARD)
    rig.skip(6_000)
    rig.run(100)
    rig.charge()
    assert rig.snapshot.offered_da == 60
    rig.send(RenewLimit("guard"))

    assert rig.run(1100).offered_da == 100


def test_signs_of_life_put_the_end_off(rig: Rig) -> None:
    rig.charge()
    rig.send(GUARD)
    for _ in range(4):
        rig.run(4_000)
        rig.send(RenewLimit("guard"))
        assert rig.one_pass().offered_da == 100


def test_a_sign_of_life_is_its_owners_alone(rig: Rig) -> None:
    rig.charge()
    rig.send(GUARD)
    rig.send(SetLimit(owner="sun", current_da=80, lease_ms=6_000))
    rig.run(4_000)
    rig.send(RenewLimit("sun"))
    rig.run(2_000)

    assert {one.owner: one.lapsed for one in rig.snapshot.owned} == {"guard": True, "sun": False}


def test_a_limit_without_fallback_ends_with_its_time(rig: Rig) -> None:
    rig.charge()
    rig.send(SetLimit(owner="sun", current_da=100, lease_ms=2000))
    assert rig.run(1980).offered_da == 100
    rig.run(1100)

    assert (rig.snapshot.offered_da, rig.snapshot.owned) == (320, ())


def test_a_limit_without_an_end_stays(rig: Rig) -> None:
    rig.charge()
    rig.send(SetLimit(owner="sun", current_da=100))
    rig.car("12")
    rig.skip(10_000_000)

    assert rig.charge().offered_da == 100


def test_a_pause_is_taken_as_every_pause_is(rig: Rig) -> None:
    rig.charge()
    rig.send(SetLimit(owner="sun", current_da=0))
    rig.one_pass()
    assert (rig.state, rig.closed) == ("C1", True)
    assert rig.snapshot.reason.value == "paused_by_limit"
    assert rig.snapshot.limited_by == "sun"
    rig.car("9", 100)
    assert (rig.state, rig.closed) == ("B1", False)

    rig.send(ClearLimit("sun"))
    rig.run(100)
    assert rig.state == "B2"


def test_a_pause_permits_no_current_at_all() -> None:
    assert permitted_da(Memory(owned=(OwnedLimit(owner="sun", current_da=0),))) == 0


def test_a_fallback_may_be_a_pause(rig: Rig) -> None:
    rig.charge()
    rig.send(SetLimit(owner="sun", current_da=100, lease_ms=1000, fallback_da=0))
    rig.run(980)
    assert rig.state == "C2"
    rig.one_pass()

    assert rig.state == "C1"
    assert rig.snapshot.reason.value == "controller_lost"


def test_owners_that_are_gone_are_not_waited_for(rig: Rig) -> None:
    rig.charge()
    rig.send(GUARD)
    rig.send(SetLimit(owner="sun", current_da=80))
    rig.send(LapseLimits(("guard", "sun", "nobody")))
    rig.one_pass()

    assert rig.snapshot.offered_da == 60
    assert [limit.owner for limit in rig.snapshot.owned] == ["guard"]


def test_a_limit_that_only_waits_limits_nothing_until_then() -> None:
    rig = armed()
    assert rig.snapshot.offered_da == 320
    assert [one.owner for one in rig.snapshot.holders] == ["board", "settings", "user"]
    rig.skip(6_000)
    rig.car("12")

    assert rig.charge().offered_da == 70


def test_a_start_counts_as_a_sign_of_life_and_commands_before_it_too() -> None:
    memory = accept(Memory(rules=NO_REST), replace(GUARD, lease_ms=700), 10_000)
    rig = Rig(owned=memory.owned)

    assert rig.snapshot.owned[0].until_ms == 10_700
    assert not rig.snapshot.owned[0].lapsed
    assert rig.run(200).owned[0].lapsed


def test_silence_may_lower_the_set_point_and_keep_it_down() -> None:
    rig = armed(lowers_set_point=True)
    rig.run(6_000)
    assert rig.snapshot.charging_current_da == 70
    rig.send(SetChargingCurrent(160))
    assert rig.run(100).charging_current_da == 70

    rig.send(Together((RenewLimit("modbus"), SetChargingCurrent(120))))
    assert rig.run(1100).charging_current_da == 120
    assert rig.snapshot.offered_da == 120


def test_silence_never_raises_the_set_point() -> None:
    rig = armed(lowers_set_point=True)
    rig.send(SetChargingCurrent(60))
    rig.run(7_000)

    assert rig.snapshot.charging_current_da == 60


def test_the_end_of_a_pause_is_another_chance_for_the_vehicle() -> None:
    rig = Rig(replace(NO_REST, meter_mode=MeterMode.CURRENT_VOLTAGE))
    rig.given["measured"] = Measured(
        voltages_v=(230.0,) * 3, currents_a=(1.0, 0.0, 0.0), real_powers_w=(230.0, 0.0, 0.0)
    )
    rig.send(SetUnderPowerLimit(1000))
    rig.charge()
    rig.run(61_000)
    assert rig.snapshot.limit_reached
    rig.send(SetLimit(owner="sun", current_da=0))
    rig.run(100)
    rig.send(SetLimit(owner="sun", current_da=0, lease_ms=60_000))
    rig.run(100)
    assert rig.snapshot.limit_reached

    rig.send(SetLimit(owner="sun", current_da=100))
    assert not rig.run(100).limit_reached


def test_the_end_of_one_of_two_pauses_is_no_end(rig: Rig) -> None:
    rig.charge()
    rig.send(SetLimit(owner="sun", current_da=0))
    rig.send(SetLimit(owner="grid", current_da=0))
    rig.send(ClearLimit("sun"))
    rig.run(100)

    assert (rig.state, rig.snapshot.limited_by) == ("C1", "grid")


def test_of_two_pauses_the_first_is_the_reason(rig: Rig) -> None:
    rig.send(SetLimit(owner="grid", current_da=80, lease_ms=1000, fallback_da=0))
    rig.send(SetLimit(owner="sun", current_da=0))
    rig.car("9")
    assert (rig.snapshot.reason.value, rig.snapshot.limited_by) == ("paused_by_limit", "sun")
    rig.run(1000)

    assert (rig.snapshot.reason.value, rig.snapshot.limited_by) == ("controller_lost", "grid")


@pytest.mark.parametrize(
    ("commands", "who"),
    [
        ((), "settings"),
        ((SetChargingCurrent(100),), "user"),
        ((SetChargingCurrent(100), GUARD), "guard"),
        ((SetChargingCurrent(90), GUARD), "user"),
        ((Enable(on=False), SetLimit(owner="sun", current_da=0)), "user"),
        ((SetLimit(owner="sun", current_da=0), GUARD), "sun"),
        ((SetLimit(owner="b", current_da=100), SetLimit(owner="a", current_da=100)), "a"),
    ],
)
def test_it_is_told_who_is_to_be_asked_for_more(
    rig: Rig, commands: tuple[Command, ...], who: str
) -> None:
    for command in commands:
        rig.send(command)

    assert rig.run(100).limited_by == who


def test_equipment_is_among_those_who_hold() -> None:
    rules = replace(
        NO_REST,
        board_limit_a=32,
        max_charging_current_a=32,
        temperature_sensor=True,
        thermal_derating=True,
        socket_outlet=True,
        proximity_fitted=True,
    )
    rig = Rig(rules)
    rig.given.update(proximity=(0, 1980), temperature_high_cdeg=5900)
    rig.run(2000)
    for _ in range(10):
        rig.car("9", 100, proximity=(rig.now_ms, 1980))

    assert [one.owner for one in rig.snapshot.holders] == [
        *("thermal", "cable", "board", "settings", "user")
    ]
    assert rig.snapshot.limited_by == "cable"


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ({"owner": ""}, "owner: 1 to 64 characters expected"),
        ({"owner": "x" * 65}, "owner: 1 to 64 characters expected"),
        ({"current_da": 59}, "current: 6.0 to 63.0 A, or 0 for a pause, expected"),
        ({"current_da": -1}, "current: 6.0 to 63.0 A, or 0 for a pause, expected"),
        ({"fallback_da": 631}, "fallback: 6.0 to 63.0 A, or 0 for a pause, expected"),
        ({"lease_ms": 0}, "expires: 1 to 2592000 s expected"),
        ({"lease_ms": LONGEST_MS + 1}, "expires: 1 to 2592000 s expected"),
    ],
)
def test_a_limit_that_is_none_is_refused(limit: dict[str, object], sentence: str) -> None:
    with pytest.raises(RejectedError) as refused:
        accept(Memory(), SetLimit(**{"owner": "sun", **limit}), 0)  # type: ignore[arg-type]

    assert str(refused.value) == sentence


def test_an_owner_may_be_silent_for_30_days_at_most() -> None:
    memory = accept(Memory(), SetLimit(owner="sun", current_da=100, lease_ms=LONGEST_MS), 0)

    assert memory.owned[0].until_ms == LONGEST_MS == 30 * 24 * 3600 * 1000


def test_there_are_only_so_many_limits_and_an_owner_can_still_change_his() -> None:
    memory = Memory()
    for number in range(MOST_LIMITS):
        memory = accept(memory, SetLimit(owner=f"number {number}", current_da=100), 0)
    with pytest.raises(RejectedError, match="owner: there are 16 limits already"):
        accept(memory, SetLimit(owner="sun", current_da=100), 0)

    memory = accept(memory, SetLimit(owner="ocpp", current_da=90), 0)
    with pytest.raises(RejectedError, match="owner: there are 16 limits already"):
        accept(memory, SetLimit(owner="sun", current_da=100), 0)
    memory = accept(memory, SetLimit(owner="number 3", current_da=80), 0)
    assert min(limit.current_da or 0 for limit in memory.owned) == 80


def test_signs_of_life_of_nobody_change_nothing(rig: Rig) -> None:
    for command in (RenewLimit("nobody"), ClearLimit("nobody"), LapseLimits(("nobody",))):
        rig.send(command)

    assert rig.memory.owned == ()
