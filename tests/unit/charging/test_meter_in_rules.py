"""What the charging rules make of a meter: its register, its silence, its alarms."""

from dataclasses import replace

import pytest

from evsed.charging.causes import measured_currents
from evsed.charging.contactor import close_now
from evsed.charging.energy import (
    Energy,
    Measured,
    Power,
    add_up,
    begin_session,
    end_session,
    power_now,
    register_now,
)
from evsed.charging.machine import _watch_current
from evsed.charging.memory import Inputs, Memory
from evsed.charging.picture import take_snapshot
from evsed.charging.register import Following, Register, follow
from evsed.charging.rules import Rules
from evsed.charging.snapshot import Lateness
from evsed.charging.states import MeterAlarm, MeterMode, MeterSource

WH = 3_600_000
BOTH = Rules(meter_mode=MeterMode.CURRENT_VOLTAGE)
EXTERNAL = Measured(
    voltages_v=(230.0, 0.0, 0.0),
    currents_a=(10.0, 0.0, 0.0),
    real_powers_w=(2300.0, 0.0, 0.0),
    taken_ms=10_000,
    counter_mws=500 * WH,
    counter_step_mws=WH,
)


def register(wh, taken_ms, *, closed=True):
    return Register(mws=wh * WH, step_mws=WH, taken_ms=taken_ms, closed=closed)


def seen(measured=None, *, rules=BOTH, alarms=(), following=None, source=MeterSource.EXTERNAL):
    memory = Memory(rules=rules, energy=Energy(following=following))
    inputs = Inputs(now_ms=20_000, measured=measured, meter_source=source, meter_alarms=alarms)
    return take_snapshot(memory, inputs, Lateness())


def test_the_register_is_followed_only_where_power_is_measured():
    assert register_now(BOTH, None, closed=True, now_ms=1) is None
    assert register_now(Rules(), EXTERNAL, closed=True, now_ms=1) is None
    without = replace(EXTERNAL, counter_mws=None)
    assert register_now(BOTH, without, closed=True, now_ms=1) is None
    assert register_now(BOTH, EXTERNAL, closed=True, now_ms=1) == register(500, 10_000)
    fresh = replace(EXTERNAL, taken_ms=None)
    assert register_now(BOTH, fresh, closed=True, now_ms=77) == register(500, 77)


def test_counting_begins_with_the_register_and_outlives_the_session():
    energy = begin_session(Energy(), 0)
    energy = add_up(energy, Power(), 20, charging=True, register=register(500, 0))
    energy = add_up(energy, Power(), 20, charging=True, register=register(505, 1_000))
    assert energy.session_ws == 4 * 3600
    after = end_session(energy)
    assert (after.session_mws, after.following) == (0, energy.following)
    late = add_up(after, Power(), 20, charging=False, register=register(507, 2_000, closed=False))
    assert (late.session_mws, late.total_ws) == (0, 6 * 3600)


def test_a_register_seen_first_with_the_contactor_open_is_not_followed():
    assert follow(None, 0, register(500, 0, closed=False)) == (None, 0)


def test_the_same_reading_again_changes_nothing_but_when_the_contactor_opened():
    following, _ = follow(None, 0, register(500, 1_000))
    again, gained = follow(following, 0, register(500, 1_000))
    assert (again, gained) == (following, 0)
    opened, _ = follow(following, 0, register(500, 1_000, closed=False))
    assert opened.open_since_ms == 1_000
    assert follow(opened, 0, register(500, 2_000, closed=False))[0].open_since_ms == 1_000
    assert follow(opened, 0, register(500, 2_500))[0].open_since_ms is None


def test_power_below_a_milliwatt_second_is_carried_on():
    energy = Energy()
    for _ in range(50):
        energy = add_up(energy, Power(power_mw=30), 20, charging=False)
    assert energy.total_mws == 30


def test_half_a_watt_rounds_up_where_whole_watts_are_shown():
    assert Power(power_mw=2_299_500).power_w == 2300
    assert Power(power_mw=2_299_499).power_w == 2299


def test_a_lost_meter_is_replaced_by_what_is_offered_if_the_board_says_so():
    assert power_now(BOTH, None, 160, closed=True).power_w == 0
    assumes = replace(BOTH, meter_lost_assumes=True)
    assert power_now(assumes, None, 160, closed=True).power_w == 3680
    assert power_now(assumes, EXTERNAL, 160, closed=True).power_w == 2300


def test_channels_without_voltage_that_stand_in_use_the_assumed_one():
    blind = Measured(currents_a=(10.0, 0.0, 0.0))
    assert power_now(BOTH, blind, 160, closed=True).power_w == 2300


@pytest.mark.parametrize(("moved_ms", "told"), [(8_000, True), (9_000, False), (12_000, False)])
def test_a_slow_reading_says_nothing_about_a_contactor_that_has_moved_since(moved_ms, told):
    memory = Memory(rules=BOTH)
    memory = replace(memory, contactor=close_now(memory.contactor, moved_ms))
    found = measured_currents(memory, Inputs(now_ms=12_500, measured=EXTERNAL))
    assert found == ((10.0, 0.0, 0.0) if told else None)


def test_where_the_figures_come_from_is_told():
    assert seen(EXTERNAL).meter_source is MeterSource.EXTERNAL
    assert seen(EXTERNAL, rules=Rules()).meter_source is MeterSource.ASSUMED
    assert seen(source=MeterSource.NONE).meter_source is MeterSource.NONE
    assumes = replace(BOTH, meter_lost_assumes=True)
    assert seen(rules=assumes, source=MeterSource.NONE).meter_source is MeterSource.ASSUMED


def test_alarms_of_phases_that_are_not_used_are_not_told():
    alarms = (MeterAlarm.L1_CURRENT_REVERSED, MeterAlarm.L2_VOLTAGE_MISSING)
    three = replace(BOTH, three_phases=True)
    assert seen(EXTERNAL, alarms=alarms, rules=three).meter_alarms == alarms
    assert seen(EXTERNAL, alarms=alarms).meter_alarms == alarms[:1]
    assert seen(EXTERNAL, alarms=alarms, rules=Rules()).meter_alarms == ()


def test_a_register_that_jumped_is_told():
    jumped = Following(base_mws=0, jumped=True)
    assert seen(EXTERNAL, following=jumped).meter_alarms == (MeterAlarm.COUNTER_JUMPED,)


def test_a_reading_of_a_slow_meter_is_judged_once():
    """An offer that is lowered just after a reading accuses nobody until the next one."""
    memory = Memory(
        rules=BOTH,
        contactor=replace(Memory().contactor, closed=True, since_ms=0),
        pilot=replace(Memory().pilot, offered_da=160),
    )
    drawn = replace(EXTERNAL, currents_a=(16.0, 0.0, 0.0), taken_ms=10_000)
    watch = _watch_current(memory, Inputs(now_ms=10_020, measured=drawn))
    assert (watch.judged_ms, watch.tripped) == (10_000, False)
    lowered = replace(memory, overcurrent=watch, pilot=replace(memory.pilot, offered_da=60))
    for now_ms in range(10_040, 20_000, 20):
        assert _watch_current(lowered, Inputs(now_ms=now_ms, measured=drawn)) is watch
    late = replace(drawn, taken_ms=20_000)
    watch = _watch_current(lowered, Inputs(now_ms=20_020, measured=late))
    lowered = replace(lowered, overcurrent=watch)
    watch = _watch_current(lowered, Inputs(now_ms=30_020, measured=replace(late, taken_ms=30_000)))
    assert watch.tripped


def test_the_board_that_stands_in_for_a_meter_has_its_own_channels():
    rules = replace(BOTH, three_phases=True, meter_channels=3, board_channels=1)
    board = replace(EXTERNAL, taken_ms=None)
    assert power_now(rules, board, 160, closed=True).power_w == 6900
    assert power_now(rules, EXTERNAL, 160, closed=True).power_w == 2300


def test_a_register_of_one_phase_counts_for_three():
    rules = replace(BOTH, three_phases=True, meter_channels=1)
    found = register_now(rules, EXTERNAL, closed=True, now_ms=1)
    assert found == Register(mws=1500 * WH, step_mws=3 * WH, taken_ms=10_000, closed=True)
