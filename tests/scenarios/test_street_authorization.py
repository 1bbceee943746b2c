"""Who may charge: scenario 6 of charging.md section 19."""

import pytest

from evsed.charging.commands import Authorize
from scenarios.street import Street, quick_board


@pytest.fixture
def guarded() -> Street:
    """Return a station that asks for authorization."""
    return Street(quick_board(), require_auth=True).start()


def test_without_a_grant_the_session_waits(guarded: Street) -> None:
    guarded.vehicle.close_s2()
    guarded.wait_s(2).expect(pending_auth=True, contactor=False, reason="authorization_pending")
    assert "B2" not in guarded.path


def test_a_grant_counts_59_s_later(guarded: Street) -> None:
    guarded.send(Authorize()).doze_s(59)
    guarded.vehicle.plug_in()
    guarded.wait_ms(500).expect(state="B2", pending_auth=False)


def test_a_grant_is_void_61_s_later(guarded: Street) -> None:
    guarded.send(Authorize()).doze_s(61)
    guarded.vehicle.plug_in()
    guarded.wait_ms(500).expect(state="B1", pending_auth=True)


def test_a_grant_given_while_the_session_waits_counts_at_once(guarded: Street) -> None:
    guarded.vehicle.plug_in()
    guarded.wait_ms(500).expect(state="B1", pending_auth=True)
    guarded.send(Authorize())
    guarded.wait_ms(40).expect(state="B2", pending_auth=False)


def test_unplugging_ends_the_authorization(guarded: Street) -> None:
    guarded.send(Authorize()).charge()
    guarded.vehicle.unplug()
    guarded.until(state="A")
    guarded.vehicle.plug_in()
    guarded.wait_s(1).expect(state="B1", pending_auth=True)


def test_a_fault_ends_the_authorization(guarded: Street) -> None:
    guarded.send(Authorize()).charge()
    guarded.vehicle.lose_its_diode()
    guarded.until(state="E").expect(pending_auth=False)
    guarded.vehicle.get_a_new_diode()
    guarded.vehicle.open_s2()
    guarded.until(state="B1", within_ms=62_000).wait_s(1).expect(state="B1", pending_auth=True)


def test_a_grant_during_an_authorized_session_does_not_serve_the_next_car(guarded: Street) -> None:
    guarded.send(Authorize()).charge()
    guarded.send(Authorize())
    guarded.vehicle.unplug()
    guarded.until(state="A")
    guarded.vehicle.plug_in()
    guarded.wait_s(1).expect(state="B1", pending_auth=True)


def test_one_grant_serves_one_session(guarded: Street) -> None:
    guarded.send(Authorize())
    guarded.vehicle.plug_in()
    guarded.until(state="B2")
    guarded.vehicle.unplug()
    guarded.until(state="A")
    guarded.vehicle.plug_in()
    guarded.wait_s(1).expect(state="B1", pending_auth=True)


def test_requiring_authorization_leaves_a_running_session_alone(quick: Street) -> None:
    quick.charge().change_settings(require_auth=True)
    quick.wait_s(1).expect(state="C2", contactor=True, pending_auth=False)


def test_no_longer_requiring_it_lets_a_waiting_session_go_on(guarded: Street) -> None:
    guarded.vehicle.plug_in()
    guarded.until(pending_auth=True).change_settings(require_auth=False)
    guarded.wait_ms(60).expect(state="B2", pending_auth=False)


def test_without_the_setting_nothing_is_ever_pending(quick: Street) -> None:
    quick.vehicle.plug_in()
    for _ in range(50):
        quick.wait_ms(20).expect(pending_auth=False)
