"""Socket outlet: cable rating and lock."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.commands import ApplyRules, MakeAvailable
from evsed.charging.energy import Measured
from evsed.charging.outlet import (
    UNKNOWN_A,
    Outlet,
    begin_session,
    follow_proximity,
    rate_cable,
    release_plug,
)
from evsed.charging.rules import ProximityLevels
from evsed.charging.states import Fault, LockStatus, MeterMode

OUTLET = replace(NO_REST, socket_outlet=True, lock_fitted=True, proximity_fitted=True)
CHECKED = replace(OUTLET, proximity_levels=ProximityLevels(open=2700, short=187))
MV = {13: 1980, 20: 1335, 32: 595, 63: 300}


class Socket(Rig):
    """A rig whose lock obeys, and whose cable can be read."""

    cable_mv = MV[32]
    stuck = False

    def one_pass(self, after_ms: int = 20, **given: object):
        locked = self.memory.outlet.lock_wanted is True and not self.stuck
        own = {"proximity": (self.now_ms + after_ms, self.cable_mv), "lock_position": locked}
        return super().one_pass(after_ms, **{**own, **given})


@pytest.mark.parametrize(
    ("mv", "rating"),
    [(3000, 13), (1650, 13), (1649, 20), (820, 20), (819, 32), (430, 32), (429, 63), (6, 63)],
)
def test_ratings_without_limits_on_the_board(mv: int, rating: int) -> None:
    assert rate_cable(mv, ProximityLevels()) == rating


def test_open_short_and_nothing_are_no_cable() -> None:
    assert rate_cable(2701, CHECKED.proximity_levels) is Fault.CABLE_FAULT
    assert rate_cable(2700, CHECKED.proximity_levels) == 13
    assert rate_cable(186, CHECKED.proximity_levels) is Fault.CABLE_FAULT
    assert rate_cable(187, CHECKED.proximity_levels) == 63
    assert rate_cable(5, ProximityLevels()) == UNKNOWN_A


def test_three_equal_readings_make_a_rating_and_old_ones_do_not_count() -> None:
    outlet = Outlet(in_use=True)
    for taken_ms in (1, 2, 2, 2):
        outlet = follow_proximity(outlet, taken_ms, MV[20], OUTLET)
    assert outlet.rating_a is None

    outlet = follow_proximity(outlet, 3, MV[20], OUTLET)
    assert outlet.rating_a == 20


def test_the_cable_limits_the_offer_and_its_rating_only_falls() -> None:
    rig = Socket(OUTLET)
    rig.cable_mv = MV[20]
    rig.charge()
    assert (rig.snapshot.offered_da, rig.snapshot.cable_rating_a) == (200, 20)

    rig.cable_mv = MV[32]
    assert rig.run(2000).offered_da == 200
    rig.cable_mv = MV[13]
    assert rig.run(2000).offered_da == 130


def test_a_reading_of_nothing_stops_without_a_fault() -> None:
    rig = Socket(OUTLET)
    rig.charge()
    rig.cable_mv = 0

    rig.run(200)
    assert (rig.state, rig.faults) == ("C1", 0)
    assert rig.snapshot.reason.value == "cable_unknown"
    assert rig.snapshot.cable_rating_a is None


def test_an_open_proximity_contact_is_a_fault_until_the_plug_is_gone() -> None:
    rig = Socket(CHECKED)
    rig.charge()
    rig.cable_mv = 3200

    rig.run(60)
    assert rig.snapshot.faults is Fault.CABLE_FAULT
    assert not rig.closed
    rig.car("6", 6000)
    assert rig.state == "E"
    rig.car("12", 400)
    assert rig.state == "A"
    assert rig.run(1000).faults is Fault.NONE


def test_a_proximity_contact_that_heals_ends_its_fault() -> None:
    rig = Socket(CHECKED)
    rig.charge()
    rig.cable_mv = 3200
    rig.run(1000)
    rig.cable_mv = MV[32]

    assert rig.run(1500).contactor_closed


def test_the_plug_is_locked_before_charging_and_released_after_opening() -> None:
    rig = Socket(OUTLET)
    rig.charge()
    assert rig.snapshot.locked is True
    rig.pilot_says = ("12", "12")
    unlocked = [rig.one_pass().locked is False for _ in range(40)]

    assert unlocked.index(True) >= 200 // 20
    assert rig.state == "A"


def test_a_plug_that_is_not_locked_is_not_energized() -> None:
    rig = Socket(OUTLET)
    rig.stuck = True
    rig.car("9")
    rig.car("6")

    assert rig.state == "C1"
    assert rig.snapshot.reason.value == "locking"


def test_a_lock_lost_while_charging_opens_and_keeps_the_plug() -> None:
    rig = Socket(OUTLET)
    rig.charge()
    rig.stuck = True

    rig.one_pass()
    assert rig.snapshot.faults is Fault.LOCK_FAULT
    assert not rig.closed
    rig.run(1000)
    assert rig.snapshot.locked is True


@pytest.mark.parametrize("status", [LockStatus.LOCKING_FAIL, LockStatus.UNLOCKING_FAIL])
def test_an_operators_word_tries_to_unlock_once_more(status: LockStatus) -> None:
    rig = Socket(OUTLET)
    rig.car("9")
    rig.given["lock_status"] = status
    rig.run(200)
    assert rig.state == "E"

    rig.send(MakeAvailable(on=False))
    rig.run(100)
    rig.send(MakeAvailable(on=True))
    rig.one_pass()
    assert rig.outputs is not None
    assert (rig.faults, rig.outputs.lock) == (0, None)
    rig.one_pass()
    assert rig.outputs.lock is False
    rig.run(100)
    assert rig.faults == 0
    rig.run(100, lock_status=LockStatus.OPERATING)
    rig.one_pass()
    assert rig.faults != 0


def test_leaving_outlet_mode_releases_the_lock_and_its_faults() -> None:
    rig = Socket(OUTLET)
    rig.car("9")
    rig.given["lock_status"] = LockStatus.LOCKING_FAIL
    rig.run(200)
    rig.send(ApplyRules(NO_REST))

    rig.run(100)
    assert rig.faults == 0
    assert rig.outputs is not None
    assert rig.outputs.lock is False


def test_leaving_outlet_mode_no_cable_has_a_rating() -> None:
    rig = Socket(OUTLET)
    rig.charge()
    rig.send(ApplyRules(NO_REST))

    assert rig.one_pass().cable_rating_a is None


def test_outlet_mode_begins_with_the_next_session() -> None:
    rig = Socket(NO_REST)
    rig.charge()
    rig.send(ApplyRules(OUTLET))

    rig.run(7000)
    assert (rig.state, rig.closed) == ("C1", False)
    assert rig.snapshot.reason.value == "outlet_changed"
    rig.car("12")
    assert rig.charge().contactor_closed


def test_a_plug_found_locked_at_start_is_released_after_2_s_without_a_vehicle() -> None:
    rig = Rig(OUTLET)
    rig.given["lock_position"] = True
    assert rig.outputs is not None

    rig.run(1000)
    rig.one_pass(lock_position=None)
    rig.run(1980)
    assert rig.outputs.lock is None
    rig.run(60)
    assert rig.outputs.lock is False


def test_a_plug_found_locked_at_start_stays_where_the_pilot_cannot_be_read() -> None:
    rig = Rig(OUTLET, available=False)
    rig.given["lock_position"] = True
    rig.run(5000)

    assert rig.state == "F"
    assert rig.outputs is not None
    assert rig.outputs.lock is None


def test_a_plug_that_was_to_be_released_is_kept_for_the_next_session() -> None:
    waiting = Outlet(lock_wanted=True, unlock_due=True)
    plug = release_plug(begin_session(waiting, OUTLET), safe=True)

    assert plug.lock_wanted is True


def test_current_that_flows_on_keeps_the_plug_locked() -> None:
    rig = Socket(replace(OUTLET, meter_mode=MeterMode.CURRENT))
    rig.charge()
    rig.car("12", 600, measured=Measured(currents_a=(8.0, 0, 0)))

    assert rig.snapshot.locked is True
    rig.run(40, measured=Measured())
    assert rig.snapshot.locked is False


def test_an_outlet_without_a_lock_charges_without_one() -> None:
    rig = Socket(replace(OUTLET, lock_fitted=False))

    assert rig.charge().locked is None
