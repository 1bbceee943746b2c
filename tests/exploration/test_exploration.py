"""The small alphabets, each to its end; and proof that the exploration sees broken rules."""

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from evsed.charging.machine import step
from evsed.charging.memory import Inputs, Memory, Outputs
from evsed.charging.owned_limits import expire
from evsed.charging.states import ChargingState, Fault, PilotMode

from .explorer import Story, explore
from .invariants import INVARIANTS, BrokenInvariantError
from .stories import FULL, OUTLET, OWNERS, SERVICE, SMALL


@pytest.mark.parametrize("story", SMALL, ids=lambda story: story.name)
def test_every_reachable_state_keeps_every_invariant(story: Story) -> None:
    found = explore(story)

    sys.stdout.write(f"{found.name}: {found.states} states, {found.transitions} transitions\n")
    sys.stdout.writelines(f"{found.checks[name]:9} x {name}\n" for name in INVARIANTS)
    assert found.complete
    assert found.checks["no closing without permission"]


def test_together_the_alphabets_put_every_invariant_to_the_test() -> None:
    checks = explore(SERVICE).checks + explore(OUTLET).checks + explore(OWNERS).checks

    assert [name for name in INVARIANTS if not checks[name]] == ["D2 only with ventilation"]


def closes_at_once(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    memory, outputs = step(memory, inputs)
    return memory, replace(outputs, contactor_closed=memory.state is ChargingState.C2)


def never_opens(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    was_closed = memory.contactor.closed
    memory, outputs = step(memory, inputs)
    if was_closed and not memory.contactor.closed:
        memory = replace(memory, contactor=replace(memory.contactor, closed=True))
        outputs = replace(outputs, contactor_closed=True)
    return memory, outputs


def closes_in_error(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    memory, outputs = step(memory, inputs)
    return memory, replace(outputs, contactor_closed=True) if memory.faults.bits else outputs


def offers_too_little(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    memory, outputs = step(memory, inputs)
    offering = outputs.pilot is PilotMode.PWM
    return memory, replace(outputs, duty_ppm=99_999) if offering else outputs


def offers_too_much(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    memory, outputs = step(memory, inputs)
    offering = outputs.pilot is PilotMode.PWM
    return memory, replace(outputs, duty_ppm=outputs.duty_ppm + 2) if offering else outputs


def ignores_owners(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    owned = memory.owned
    memory, outputs = step(replace(memory, owned=()), inputs)
    return replace(memory, owned=expire(owned, inputs.now_ms)), outputs


def waits_for_ever(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    owned = memory.owned
    patient = tuple(replace(one, until_ms=None) for one in owned)
    memory, outputs = step(replace(memory, owned=patient), inputs)
    return replace(memory, owned=owned), outputs


def unlocks_early(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    memory, outputs = step(memory, inputs)
    return memory, replace(outputs, lock=False)


def raises(memory: Memory, inputs: Inputs) -> tuple[Memory, Outputs]:
    if memory.faults.has(Fault.DIODE_SHORT):
        raise ValueError("a bug")
    return step(memory, inputs)


@pytest.mark.parametrize(
    ("broken", "story", "complaint"),
    [
        (closes_at_once, SERVICE, "three good diode windows"),
        (never_opens, SERVICE, "open within two bad windows"),
        (closes_in_error, SERVICE, "contactor never closed with an error|closed only in"),
        (offers_too_little, SERVICE, "duty never below 10 %"),
        (offers_too_much, SERVICE, "offer never above any cap"),
        (ignores_owners, OWNERS, "offer never above any owned limit|any owner pauses"),
        (waits_for_ever, OWNERS, "an expired limit falls back, or ends"),
        (unlocks_early, OUTLET, "lock"),
        (raises, SERVICE, "a bug"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_broken_rules_are_found_and_the_way_to_them_is_told(
    broken: Callable[[Memory, Inputs], tuple[Memory, Outputs]], story: Story, complaint: str
) -> None:
    with pytest.raises(BrokenInvariantError, match=complaint) as caught:
        explore(story, broken)

    assert "after\n  +" in str(caught.value)


def test_an_exploration_stops_at_its_bound() -> None:
    found = explore(replace(FULL[0], bound=50))

    assert not found.complete
    assert found.states >= 50
