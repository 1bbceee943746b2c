"""Every step between vehicle and station, with resistors as they should be and as they may be."""

import random

import pytest

from scenarios.sequences import RESISTORS, SEQUENCES, Sequence, board_with
from scenarios.street import Street

PHASES = 2


@pytest.mark.parametrize("resistors", RESISTORS)
@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda one: one.name)
def test_a_step_takes_no_longer_than_promised(sequence: Sequence, resistors: str) -> None:
    dice = random.Random(f"{sequence.name} {resistors}")  # noqa: S311 - phases, no secrets
    for _ in range(PHASES):
        street = Street(board_with(resistors)).start()
        took_ms = sequence.measure(street, dice.randrange(20_000))
        assert sequence.least_ms <= took_ms <= sequence.most_ms


@pytest.mark.parametrize("resistors", RESISTORS)
def test_a_whole_charge_goes_through_the_states_in_order(resistors: str) -> None:
    street = Street(board_with(resistors)).start()
    street.vehicle.plug_in()
    street.until(state="B2").wait_s(1)
    street.charge().wait_s(30).expect(state="C2", errors=[])
    street.vehicle.open_s2()
    street.until(state="B2", contactor=False).wait_s(5)
    street.vehicle.unplug()
    street.until(state="A", pilot="high")
    assert street.path == ["A", "B1", "B2", "C2", "B2", "A"]
