"""One pulse of -12 V for a vehicle that sleeps in B2."""

from dataclasses import replace
from itertools import groupby

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.commands import ApplyRules, Enable
from evsed.charging.states import ChargingState, PilotMode, PilotReading
from evsed.charging.wake_up import WakeUp, follow_waiting

SLEEPY = replace(NO_REST, wake_up_after_s=30)


def modes(rig: Rig, ms: int) -> list[tuple[str, int]]:
    seen = [rig.one_pass().pilot.value for _ in range(ms // 20)]
    return [(mode, 20 * len(list(group))) for mode, group in groupby(seen)]


@pytest.fixture
def sleeper() -> Rig:
    rig = Rig(SLEEPY)
    rig.car("9")
    assert rig.state == "B2"
    return rig


def test_after_30_s_one_pulse_and_never_again(sleeper: Rig) -> None:
    seen = modes(sleeper, 60_000)

    assert [mode for mode, _ in seen] == ["pwm", "low", "high", "pwm"]
    assert [ms for _, ms in seen[1:3]] == [4000, 760]
    assert 29_000 < seen[0][1] < 31_000
    assert sleeper.state == "B2"


def pulses(waiting: WakeUp, now_ms: int) -> bool:
    """Return whether a vehicle that waits in B2 is woken now."""
    after = follow_waiting(waiting, ChargingState.B2, PilotReading.V9, after_s=30, now_ms=now_ms)
    return after.pilot_mode(now_ms) is PilotMode.LOW


def test_the_pulse_comes_after_30_s_and_not_before() -> None:
    waiting = WakeUp(waiting_since_ms=10_000)

    assert not pulses(waiting, 39_999)
    assert pulses(waiting, 40_000)


def test_a_vehicle_that_last_asked_an_hour_ago_is_asleep() -> None:
    waiting = WakeUp(waiting_since_ms=6_000_000, asked_ms=5_000_000)

    assert not pulses(waiting, 8_599_999)
    assert pulses(waiting, 8_600_000)


def test_enabling_again_gives_another_pulse(sleeper: Rig) -> None:
    modes(sleeper, 60_000)
    for on in (False, True):
        sleeper.send(Enable(on=on))
        sleeper.run(40)

    assert "low" in [mode for mode, _ in modes(sleeper, 60_000)]


def test_enabling_again_starts_the_30_s_again(sleeper: Rig) -> None:
    modes(sleeper, 20_000)
    for on in (False, True):
        sleeper.send(Enable(on=on))

    assert modes(sleeper, 20_000) == [("pwm", 20_000)]


def test_a_vehicle_that_charged_in_the_last_hour_is_full_and_not_asleep(sleeper: Rig) -> None:
    sleeper.car("6")
    sleeper.car("9")

    assert modes(sleeper, 60_000) == [("pwm", 60_000)]


def test_a_vehicle_that_wakes_charges(sleeper: Rig) -> None:
    modes(sleeper, 35_000)
    sleeper.pilot_says = ("6", "6")

    assert sleeper.run(2000).contactor_closed


def test_pausing_ends_the_pulse(sleeper: Rig) -> None:
    sleeper.until(lambda: sleeper.snapshot.pilot is PilotMode.LOW)
    sleeper.run(400)
    sleeper.send(Enable(on=False))

    assert sleeper.run(40).pilot is PilotMode.HIGH
    assert sleeper.state == "B1"


def test_switched_off_there_is_no_pulse(sleeper: Rig) -> None:
    sleeper.send(ApplyRules(NO_REST))

    assert modes(sleeper, 60_000) == [("pwm", 60_000)]
