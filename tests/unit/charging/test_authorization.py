"""Grants."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.authorization import Authorization, end_session
from evsed.charging.commands import ApplyRules, Authorize

ASKED_FOR = replace(NO_REST, require_auth=True)


@pytest.fixture
def closed_shop() -> Rig:
    return Rig(ASKED_FOR)


def test_a_session_waits_for_a_grant(closed_shop: Rig) -> None:
    closed_shop.car("6")
    assert (closed_shop.state, closed_shop.snapshot.pending_auth) == ("C1", True)
    assert closed_shop.snapshot.reason.value == "authorization_pending"

    closed_shop.send(Authorize())
    closed_shop.run(600)
    assert closed_shop.closed
    assert not closed_shop.snapshot.pending_auth


@pytest.mark.parametrize(("waited_ms", "state"), [(59_000, "B2"), (61_000, "B1")])
def test_a_grant_waits_60_s_for_a_vehicle(closed_shop: Rig, waited_ms: int, state: str) -> None:
    closed_shop.send(Authorize())
    closed_shop.run(waited_ms)

    assert closed_shop.car("9").state.value == state


def test_one_grant_is_one_session(closed_shop: Rig) -> None:
    closed_shop.send(Authorize())
    closed_shop.car("9")
    closed_shop.car("12")

    assert closed_shop.car("9").state.value == "B1"


def test_a_grant_in_an_authorized_session_is_not_kept(closed_shop: Rig) -> None:
    closed_shop.send(Authorize())
    closed_shop.car("9")
    closed_shop.send(Authorize())
    closed_shop.car("12")

    assert closed_shop.car("9").state.value == "B1"


def test_an_error_takes_the_authorization(closed_shop: Rig) -> None:
    closed_shop.send(Authorize())
    closed_shop.car("9")
    closed_shop.run(40, supply_failed=True)

    assert closed_shop.run(2000).state.value == "B1"


def test_turning_authorization_on_leaves_the_running_session_alone(rig: Rig) -> None:
    rig.charge()
    rig.send(ApplyRules(ASKED_FOR))
    assert rig.run(1000).contactor_closed


def test_turning_authorization_off_lets_a_waiting_vehicle_charge(closed_shop: Rig) -> None:
    closed_shop.car("6")
    closed_shop.send(ApplyRules(NO_REST))

    assert closed_shop.run(600).contactor_closed


def test_without_authorization_nothing_is_ever_pending(rig: Rig) -> None:
    rig.pilot_says = ("9", "9")
    seen = [rig.one_pass() for _ in range(20)]

    assert not any(snapshot.pending_auth for snapshot in seen)
    assert "authorization_pending" not in [snapshot.reason.value for snapshot in seen]


def test_the_end_of_a_session_leaves_an_open_grant_and_nothing_else() -> None:
    assert end_session(Authorization(authorized=True)) == Authorization()
    waiting = Authorization(granted_until_ms=5)
    assert end_session(waiting) == waiting
