"""The contactor: rest, welds, counters."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.energy import Measured
from evsed.charging.machine import step
from evsed.charging.memory import Inputs, Memory
from evsed.charging.rules import Rules
from evsed.charging.states import Fault, MeterMode

FITTED = replace(NO_REST, feedback_fitted=True)
METERED = replace(NO_REST, meter_mode=MeterMode.CURRENT)


class Obedient(Rig):
    """A rig whose auxiliary contact follows, unless it is said to be stuck."""

    stuck: bool | None = None

    def one_pass(self, after_ms: int = 20, **given: object):
        follows = self.memory.contactor.closed if self.stuck is None else self.stuck
        return super().one_pass(after_ms, **{"feedback": follows, **given})


def test_the_contactor_rests_before_it_closes_again() -> None:
    rig = Rig(Rules(contactor_rest_ms=3000))
    rig.charge()
    rig.car("9", 40)
    opened_ms = rig.now_ms - 20
    rig.car("6", 1000)
    assert (rig.state, rig.snapshot.reason.value) == ("C1", "contactor_rest")

    rig.until(lambda: rig.closed)
    assert 3000 <= rig.now_ms - opened_ms <= 3200


def test_contacts_that_do_not_open_are_welded_until_restart() -> None:
    rig = Obedient(FITTED)
    rig.charge()
    rig.stuck = True
    rig.car("9", 500)
    assert rig.faults == 0
    rig.car("9", 100)
    assert rig.snapshot.faults is Fault.CONTACTOR_WELDED

    rig.stuck = None
    rig.car("12", 61_000)
    assert rig.state == "E"


def test_contacts_that_do_not_close_are_a_fault_that_is_tried_again() -> None:
    rig = Obedient(FITTED)
    rig.stuck = False
    rig.car("9")
    rig.car("6", 1000)
    assert rig.snapshot.faults is Fault.CONTACTOR_OPEN_FAULT
    assert not rig.closed

    rig.stuck = None
    assert rig.car("6", 62_000).contactor_closed


def test_contacts_that_obey_are_no_fault() -> None:
    rig = Obedient(FITTED)
    rig.charge()
    rig.run(2000)
    rig.car("12", 2000)

    assert rig.state == "A"
    assert rig.memory.contactor.counters.closings == 1


def test_contacts_found_closed_are_never_closed() -> None:
    rig = Obedient(FITTED)
    rig.car("9")
    rig.stuck = True
    rig.pilot_says = ("6", "6")

    assert not any(rig.one_pass().contactor_closed for _ in range(20))


def test_contacts_found_closed_at_start_have_as_long_to_open_as_any() -> None:
    memory, faults = Memory(rules=FITTED), []
    for now_ms in (1_000_000, 1_000_500, 1_000_501):
        memory, _ = step(memory, Inputs(now_ms=now_ms, feedback=True))
        faults.append(Fault(memory.faults.bits))

    assert faults == [Fault.NONE, Fault.NONE, Fault.CONTACTOR_WELDED]


def test_without_a_contact_current_after_opening_tells_of_a_weld() -> None:
    rig = Rig(METERED)
    rig.charge()
    rig.given["measured"] = Measured(currents_a=(0.0, 0.0, 1.1))
    rig.car("9", 1000)
    assert rig.faults == 0

    rig.car("9", 60)
    assert rig.snapshot.faults is Fault.CONTACTOR_WELDED


@pytest.mark.parametrize(("current_a", "loaded"), [(0.4, 0), (0.5, 1)])
def test_openings_under_load_are_counted(current_a: float, loaded: int) -> None:
    rig = Rig(METERED)
    rig.charge()
    rig.given["measured"] = Measured(currents_a=(current_a, 0.0, 0.0))
    rig.car("9", 100)

    counters = rig.snapshot.counters
    assert (counters.closings, counters.openings, counters.loaded_openings) == (1, 1, loaded)
