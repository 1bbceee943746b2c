from dataclasses import replace

import pytest
from scenarios.street import SIM_BOARD, Street, quick_board

from evsed.charging.commands import (
    Enable,
    MakeAvailable,
    ResetEnergy,
    SetChargingCurrent,
    SetConsumptionLimit,
    Together,
)
from evsed.errors import HardwareError, RejectedError
from evsed.settings.administrator import Administrator
from evsed.station import control_pass
from evsed.station.counters import Counters
from evsed.station.mailbox import Letter


@pytest.fixture
def street():
    return Street(quick_board()).start()


def test_commands_together_are_all_taken(street):
    street.send(Together((Enable(False), SetChargingCurrent(100), SetConsumptionLimit(3600))))
    now = street.now
    assert (now.enabled, now.charging_current_da, now.consumption_limit_ws) == (False, 100, 3600)


def test_commands_together_are_all_refused_when_one_is(street):
    before = street.station.memory
    with pytest.raises(RejectedError, match="chargingCurrent"):
        street.send(Together((Enable(False), SetConsumptionLimit(1), SetChargingCurrent(9999))))
    now = street.now
    assert (now.enabled, now.charging_current_da, now.consumption_limit_ws) == (True, 320, 0)
    assert street.station.memory.limits == before.limits


def test_a_client_reads_what_it_wrote_as_soon_as_it_is_answered(street):
    seen = []
    street.mailbox.post(
        Letter(
            SetChargingCurrent(77),
            "test",
            lambda _: seen.append(street.now.charging_current_da),
            lambda: False,
        )
    )
    street.wait_ms(20)
    assert seen == [77]


def test_a_command_during_the_self_check_is_kept(street):
    fresh = Street(quick_board())
    fresh.send(MakeAvailable(False))
    fresh.wait_s(1).expect(state="F", reason="out_of_service")


def test_only_changes_reach_the_devices(street, monkeypatch):
    driven = []
    monkeypatch.setattr(street.circuit, "set_pwm", lambda *args: driven.append(args))
    monkeypatch.setattr(street.circuit, "write_pin", lambda *args: driven.append(args))
    street.wait_s(1)
    assert driven == []


def test_the_pilot_runs_before_the_contactor_closes_and_stops_after_it_opened(street, monkeypatch):
    order = []
    write, pwm = street.circuit.write_pin, street.circuit.set_pwm
    monkeypatch.setattr(
        street.circuit, "write_pin", lambda *a: (order.append(a) if a[0] == 17 else 0, write(*a))
    )
    monkeypatch.setattr(street.circuit, "set_pwm", lambda *a: (order.append(a), pwm(*a)))
    street.charge()
    street.vehicle.short_the_pilot()
    street.until(state="E")
    assert order == [(18, 1000, 533_333), (17, 1), (17, 0), (18, 1000, 0)]


def test_the_lamps_follow_the_state(street):
    street.charge()
    assert (street.circuit.read_pin(23), street.circuit.read_pin(24)) == (1, 0)
    street.vehicle.short_the_pilot()
    street.until(state="E")
    assert (street.circuit.read_pin(23), street.circuit.read_pin(24)) == (0, 1)


def test_a_contactor_that_cannot_be_driven_ends_the_pass_with_an_exception(street, monkeypatch):
    def lost(*_):
        raise HardwareError("contactor: no answer")

    street.charge()
    monkeypatch.setattr(street.circuit, "write_pin", lost)
    street.vehicle.unplug()
    with pytest.raises(HardwareError, match="no answer"):
        street.wait_ms(100)


class TrippedOnce:
    """A dead-man that has tripped just before the contactor was to close, and says so once."""

    def __init__(self, station, real):
        self.station = station
        self.refresh = real.refresh
        self.told = False

    def armed(self):
        closing = self.station.memory.contactor.closed and not self.told
        self.told = self.told or closing
        return not closing


def test_a_dead_man_that_has_tripped_is_not_forgotten_within_the_pass(street, monkeypatch):
    monkeypatch.setattr(control_pass, "_ARMED_EVERY_MS", 0)
    street.station._hat = replace(
        street.hat, dead_man=TrippedOnce(street.station, street.hat.dead_man)
    )
    street.vehicle.close_s2()
    street.until(state="E", errors=["controller_fault"])
    assert not any(on for _, on in street.switched)


def test_counters_and_service_switches_of_the_last_run_come_back_where_that_is_wished():
    kept = Counters(total_energy_ws=5000, closings=3, openings=3, enabled=False, available=False)
    street = Street(
        quick_board(), administrator=Administrator(boot_restore_enabled=True), counters=kept
    )
    street.wait_s(1).expect(state="F")
    assert (street.now.enabled, street.now.available) == (False, False)
    assert (street.now.total_energy_ws, street.now.counters) == (5000, kept.contactor)


def test_without_that_wish_a_station_starts_in_service():
    kept = Counters(total_energy_ws=5000, enabled=False, available=False)
    street = Street(quick_board(), counters=kept).start().expect(state="A")
    assert (street.now.enabled, street.now.total_energy_ws) == (True, 5000)


def test_defaults_of_the_settings_are_in_force_at_start():
    street = Street(
        quick_board(),
        default_charging_current_da=130,
        default_consumption_limit_ws=3600,
        default_charging_time_limit_s=60,
        default_under_power_limit_w=100,
    ).start()
    now = street.now
    assert now.charging_current_da == 130
    assert (now.consumption_limit_ws, now.charging_time_limit_s, now.under_power_limit_w) == (
        3600,
        60,
        100,
    )


def test_a_stored_set_point_above_the_ceiling_is_clamped_at_start():
    street = Street(quick_board(), max_charging_current_a=10, default_charging_current_da=320)
    assert street.station.memory.charging_current_da == 100


def test_the_lifetime_energy_reads_nothing_at_once_after_a_reset(street):
    street.charge().wait_s(2).send(ResetEnergy())
    assert street.now.total_energy_ws < street.now.session_energy_ws


def test_openings_under_load_are_counted():
    street = Street().start().charge().wait_s(3)
    street.vehicle.unplug()
    street.until(state="A")
    counters = street.now.counters
    assert (counters.closings, counters.openings, counters.loaded_openings) == (1, 1, 1)


def test_the_heartbeat_toggles_with_every_pass():
    watchdog = replace(SIM_BOARD.watchdog, heartbeat_gpio=12)
    street = Street(replace(quick_board(), watchdog=watchdog)).start()
    levels = [street.wait_ms(20).circuit.read_pin(12) for _ in range(6)]
    assert levels in ([0, 1] * 3, [1, 0] * 3)


def test_a_bare_board_charges_as_well():
    bare = replace(
        quick_board(),
        proximity=None,
        socket_lock=None,
        rcm=None,
        onewire=None,
        watchdog=replace(SIM_BOARD.watchdog, deadman=False),
        ac_relay=replace(SIM_BOARD.ac_relay, feedback_gpios=()),
    )
    Street(bare).start().charge().wait_s(1).expect(state="C2", contactor=True)
