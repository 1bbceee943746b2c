"""Random weeks of a charger's life: the named invariants hold after every pass."""

from dataclasses import replace
from typing import Any

from exploration.explorer import window
from exploration.invariants import Watch, follow
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evsed.charging.commands import (
    ApplyRules,
    Authorize,
    ClearLimit,
    Enable,
    LapseLimits,
    MakeAvailable,
    RenewLimit,
    SetChargingCurrent,
    SetChargingTimeLimit,
    SetConsumptionLimit,
    SetLimit,
    SetUnderPowerLimit,
    ShutDown,
    Together,
)
from evsed.charging.energy import Measured
from evsed.charging.limits import SessionFigures
from evsed.charging.machine import step
from evsed.charging.memory import Inputs, Memory
from evsed.charging.picture import take_snapshot
from evsed.charging.pilot_window import PilotWindow
from evsed.charging.requests import accept
from evsed.charging.rules import Rules
from evsed.charging.snapshot import Lateness
from evsed.charging.states import (
    ChargingState,
    LockStatus,
    MeterMode,
    PilotMode,
    Reason,
    SelfTest,
)
from evsed.errors import RejectedError
from evsed.station.replay import replay
from evsed.station.trace import Event, Trace, parse_trace, write_trace

PROFILE = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

rules = st.builds(
    Rules,
    max_charging_current_a=st.sampled_from([6, 16, 32, 63]),
    board_limit_a=st.sampled_from([16, 32, 63]),
    require_auth=st.booleans(),
    socket_outlet=st.booleans(),
    lock_fitted=st.booleans(),
    proximity_fitted=st.booleans(),
    rcm=st.booleans(),
    temperature_sensor=st.booleans(),
    thermal_derating=st.booleans(),
    ventilation=st.booleans(),
    contactor_rest_ms=st.sampled_from([0, 500, 3000]),
    wake_up_after_s=st.sampled_from([0, 1]),
    meter_mode=st.sampled_from(MeterMode),
    three_phases=st.booleans(),
    meter_channels=st.sampled_from([1, 3]),
)
owners = st.sampled_from(["guard", "sun", "modbus"])
commands = st.one_of(
    st.builds(Enable, on=st.booleans()),
    st.builds(MakeAvailable, on=st.booleans()),
    st.just(Authorize()),
    st.builds(SetChargingCurrent, st.sampled_from([60, 100, 160, 320, 630, 59])),
    st.builds(SetConsumptionLimit, st.sampled_from([0, 1000])),
    st.builds(SetChargingTimeLimit, st.sampled_from([0, 3])),
    st.builds(SetUnderPowerLimit, st.sampled_from([0, 1000])),
    st.builds(ApplyRules, rules),
    st.builds(
        SetLimit,
        owner=owners,
        current_da=st.sampled_from([None, 0, 60, 100, 630]),
        lease_ms=st.sampled_from([None, 1, 500, 60_000]),
        fallback_da=st.sampled_from([None, 0, 60, 160]),
    ),
    st.builds(RenewLimit, owners),
    st.builds(ClearLimit, owners),
    st.builds(LapseLimits, st.tuples(owners, owners)),
    st.just(Together((Authorize(), Enable(on=True), MakeAvailable(on=True)))),
)
#: Mostly one thing for a while, as a vehicle does; sometimes a window of something else.
kinds = st.sampled_from(["12", "9", "6", "3", "6", "9", "0", "!", "9x", "6x", "3x"])
currents = st.sampled_from([0.0, 0.3, 6.0, 20.0, 40.0])
oddities = st.fixed_dictionaries(
    {},
    optional={
        "rcm_active": st.booleans(),
        "rcm_test": st.sampled_from(SelfTest),
        "emergency_stop": st.booleans(),
        "controller_failed": st.booleans(),
        "supply_failed": st.booleans(),
        "temperature_fault": st.booleans(),
        "temperature_high_cdeg": st.sampled_from([2500, 5500, 6001]),
        "lock_status": st.sampled_from(LockStatus),
        "lock_position": st.sampled_from([True, False, None]),
        "feedback": st.sampled_from([True, False]),
        "measured": st.builds(Measured, currents_a=st.tuples(currents, currents, currents)),
        "mv": st.sampled_from([0, 300, 595, 1335, 1980, 3200]),
        "recorded": st.builds(SessionFigures, power_w=st.sampled_from([0, 5000])),
    },
)
#: what the pilot says, for how many passes, how long each lasts, a stray window, what else
spells = st.tuples(
    kinds,
    st.integers(1, 25),
    st.sampled_from([20, 20, 20, 40, 300]),
    st.none() | kinds,
    oddities,
    st.none() | st.none() | commands,
)
CALM: dict[str, Any] = {"rcm_test": SelfTest.PASSED, "lock_position": True, "mv": 595}
#: A beginning that gets most rules as far as charging.
WELCOME = [
    ("12", 40, 20, None, {}, Together((Authorize(), Enable(on=True)))),
    ("9", 20, 20, None, {}, None),
    ("6", 20, 20, None, {}, None),
]


def live(in_force: Rules, life: list[Any]) -> set[ChargingState]:
    """Run a life pass by pass under the invariants; return the states it has seen."""
    memory, now_ms = Memory(rules=in_force), 5_000
    watch = Watch(state=memory.reported_state, low_since_ms=now_ms)
    seen: set[ChargingState] = set()
    for kind, passes, pass_ms, stray, odd, command in life:
        memory = obey(memory, command, now_ms)
        for count in range(passes):
            now_ms += pass_ms
            pair = (stray, kind) if stray is not None and count == passes // 2 else (kind, kind)
            inputs = inputs_at(now_ms, pair, memory, {**CALM, **odd})
            before = memory
            memory, outputs = step(memory, inputs)
            watch, _ = follow(watch, before, inputs, memory, outputs)
            snapshot = take_snapshot(memory, inputs, Lateness())
            assert snapshot.reason in Reason
            assert snapshot.offered_da <= min(one.current_da for one in snapshot.holders)
            assert snapshot.limited_by in {one.owner for one in snapshot.holders}
            seen.add(snapshot.state)
    return seen


def obey(memory: Memory, command: Any, now_ms: int) -> Memory:
    try:
        return memory if command is None else accept(memory, command, now_ms)
    except RejectedError:
        return memory


def inputs_at(now_ms: int, pair: tuple[str, str], memory: Memory, odd: dict[str, Any]) -> Inputs:
    given = dict(odd)
    mv = given.pop("mv")
    windows = tuple(
        window(kind, memory.pilot.mode, now_ms - 20 + 10 * index) for index, kind in enumerate(pair)
    )
    return Inputs(now_ms=now_ms, windows=windows, proximity=(now_ms, mv), **given)


@PROFILE
@given(in_force=rules, life=st.lists(spells, max_size=25))
def test_every_invariant_holds_in_every_life(in_force: Rules, life: list[Any]) -> None:
    live(in_force, WELCOME + life)


@PROFILE
@given(life=st.lists(spells, max_size=15), rest_ms=st.sampled_from([0, 3000]))
def test_every_invariant_holds_after_charging(life: list[Any], rest_ms: int) -> None:
    bare = Rules(contactor_rest_ms=rest_ms, ventilation=True)

    assert ChargingState.C2 in live(bare, WELCOME)
    live(bare, WELCOME + life)


anything = st.builds(
    Inputs,
    now_ms=st.just(0),
    windows=st.lists(
        st.builds(
            PilotWindow,
            started_ms=st.integers(0, 10**6),
            ended_ms=st.integers(0, 10**6),
            mode=st.sampled_from(PilotMode),
            high_mv=st.none() | st.integers(-5000, 5000),
            low_mv=st.none() | st.integers(-5000, 5000),
            plausible=st.booleans(),
        ),
        max_size=4,
    ).map(tuple),
    proximity=st.none() | st.tuples(st.integers(), st.integers()),
    feedback=st.sampled_from([None, True, False]),
    lock_status=st.sampled_from(LockStatus),
    lock_position=st.sampled_from([None, True, False]),
    rcm_active=st.booleans(),
    rcm_test=st.sampled_from(SelfTest),
    temperature_high_cdeg=st.none() | st.integers(-20_000, 20_000),
    temperature_fault=st.booleans(),
    measured=st.none()
    | st.builds(
        Measured,
        voltages_v=st.tuples(st.floats(), st.floats(), st.floats()),
        currents_a=st.tuples(st.floats(), st.floats(), st.floats()),
        real_powers_w=st.none() | st.tuples(st.floats(), st.floats(), st.floats()),
    ),
    controller_failed=st.booleans(),
    emergency_stop=st.booleans(),
    supply_failed=st.booleans(),
)


@PROFILE
@given(
    in_force=rules,
    passes=st.lists(
        st.tuples(st.integers(0, 70_000), anything, st.none() | commands | st.just(ShutDown())),
        max_size=30,
    ),
)
def test_no_input_whatever_makes_a_pass_raise(in_force: Rules, passes: list[Any]) -> None:
    memory, now_ms = Memory(rules=in_force), 0
    for wait_ms, given_inputs, command in passes:
        now_ms += wait_ms
        memory = obey(memory, command, now_ms)
        inputs = replace(given_inputs, now_ms=now_ms)
        before = memory.energy.total_mws
        memory, outputs = step(memory, inputs)

        take_snapshot(memory, inputs, Lateness())
        assert memory.energy.total_mws >= before
        assert not (outputs.contactor_closed and memory.faults.bits)


vehicles = st.sampled_from(["none", "connected", "charging", "ventilation", "short"])
changes = st.fixed_dictionaries(
    {},
    optional={
        "vehicle": vehicles,
        "diode": st.booleans(),
        "rcm": st.booleans(),
        "temp": st.integers(0, 90),
        "cable": st.sampled_from([13, 20, 32, 63]),
        "lock": st.sampled_from([status.value for status in LockStatus]),
        "power": st.integers(0, 7000),
    },
)
events = st.lists(
    st.builds(
        Event,
        t_ms=st.integers(0, 8_000),
        changes=changes,
        commands=st.lists(
            st.tuples(st.sampled_from(["enabled", "available", "requireAuth"]), st.booleans()),
            max_size=2,
        ).map(tuple),
    ),
    max_size=8,
).map(lambda unsorted: tuple(sorted(unsorted, key=lambda event: event.t_ms)))


@PROFILE
@given(events=events, ventilation=st.booleans())
def test_a_trace_survives_being_written_and_replays_the_same(
    events: tuple[Event, ...], ventilation: bool
) -> None:
    last = Event(t_ms=8_000, expected={"state": "none of these"})
    trace = Trace(
        name="random",
        pass_ms=20,
        board={"ventilation": ventilation, "proximity": True, "rcm": True},
        settings={"maxChargingCurrent": 16, "rcm": True},
        events=(*events, last),
    )

    again = parse_trace(write_trace(trace), source="random")
    assert again == trace
    (difference,) = replay(trace).differences
    assert difference.got in list(ChargingState)
    assert replay(again).differences == (difference,)
