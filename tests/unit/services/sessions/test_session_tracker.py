import pytest
from sessions_world import MONDAY_S, SmallStation

from evsed.charging.states import Fault, Reason
from evsed.operations.session_log import EVERY_SESSION
from evsed.settings.tariff import SessionsSettings, Window


@pytest.fixture
def station(tmp_path):
    return SmallStation(tmp_path / "sessions" / "sessions.db").look().idle().run(1)


def rows(station):
    with station.reader() as reader:
        return reader.sessions(EVERY_SESSION, None, 100)


def only(station):
    (row,) = rows(station)
    return row


def curve(station, number=1, step=1):
    with station.reader() as reader:
        return reader.samples(number, step)


def test_a_session_is_one_row_from_plugging_in_to_unplugging(station):
    station.plug().run(60).charge(16).run(3600).pause(Reason.VEHICLE_NOT_ASKING).run(600)
    station.unplug().run(1)
    row = only(station)
    assert row.start_s == MONDAY_S + 1
    assert row.duration_s == pytest.approx(60 + 3600 + 600, abs=1)
    assert row.charging_s == 3600
    assert row.energy_ws == 3680 * 3600 == station.given_mws // 1000
    assert (row.peak_w, row.ended, row.stopped) == (3680, "unplugged", "vehicle_not_asking")
    assert (row.meter_start_ws, row.meter_end_ws) == (0, 3680 * 3600)
    assert (row.authorized, row.faults, row.clock_set) == ("not_required", (), True)


def test_energy_between_the_last_look_and_the_end_is_not_lost(station):
    station.plug().charge(32).run(10)
    station.step(700)  # nobody looks
    station.unplug().run(1)
    assert only(station).energy_ws == station.given_mws // 1000


def test_an_open_session_shows_within_the_promised_bound(station):
    station.plug().charge(32, phases=3).run(30)
    row = only(station)
    assert row.ended == ""
    assert 0 <= station.given_mws // 1000 - row.energy_ws <= 50 * 3600 + 22_080
    station.pause().run(160, step_ms=1000)
    assert only(station).duration_s > 0


def test_a_session_goes_on_after_a_fault_while_the_vehicle_stays(station):
    station.plug().charge().run(600).fail().run(60).heal().run(1)
    station.plug().charge().run(600).unplug().run(1)
    row = only(station)
    assert row.energy_ws == station.given_mws // 1000
    assert row.charging_s == 1200
    assert row.duration_s == pytest.approx(600 + 60 + 1 + 600, abs=1)
    assert (row.faults, row.ended) == (("rcm_triggered",), "unplugged")


def test_a_vehicle_that_left_during_a_fault_has_ended_its_session_with_it(station):
    station.plug().charge().run(600).fail(Fault.DIODE_SHORT).run(60).heal().run(1).idle().run(1)
    row = only(station)
    assert (row.ended, row.faults) == ("fault", ("diode_short",))
    assert row.duration_s == pytest.approx(600, abs=1)
    station.plug().run(5).unplug().run(1)
    assert [row.id for row in rows(station)] == [2, 1]


def test_who_has_to_authorize_anew_gets_a_row_of_his_own(station):
    station.authorization_required = True
    station.plug(pending_auth=True).run(20)
    station.authorized = ("rest", station.now_ms)
    station.charge().run(600).fail().run(60).heal().run(1)
    station.plug(pending_auth=True).run(20).unplug().run(1)
    second, first = rows(station)
    assert (first.authorized, first.ended) == ("rest", "fault")
    assert (second.authorized, second.ended, second.energy_ws) == ("not_given", "unplugged", 0)


def test_a_minute_is_a_sample_and_quiet_minutes_are_left_out(station):
    station.plug(offered_da=160).run(600).charge(10).run(120).pause().run(600).unplug().run(1)
    found = curve(station)
    assert found[0].minute == 0
    assert found[0].offered_da == 160
    assert len(found) < 8
    assert sum(one.energy_ws for one in found) == station.given_mws // 1000
    busy = [one for one in found if one.energy_ws == 2300 * 60]
    assert busy[0].currents_ma == (pytest.approx(10_000, rel=0.02), 0, 0)
    assert busy[0].peak_w == 2300


def test_a_curve_comes_in_longer_steps_when_asked(station):
    station.plug().charge(10).run(3600).unplug().run(1)
    found = curve(station, step=15)
    assert [one.minute for one in found][:4] == [0, 15, 30, 45]
    assert sum(one.energy_ws for one in found) == station.given_mws // 1000


def test_costs_follow_the_time_of_day(station):
    station.tariff = SessionsSettings(
        price_e4=3000,
        prices=(Window(start="09:00", end="10:00", price_e4=1000, days=("mon",)),),
    )
    station.plug().charge(10).run(7200 - 1).unplug().run(1)  # from 8 to 10
    row = only(station)
    assert row.cost == pytest.approx(2300 * 3600 * 3000 + 2300 * 3600 * 1000, rel=0.001)


def test_a_reset_of_the_register_does_not_touch_the_session(station):
    station.plug().charge().run(600)
    station.energy = station.energy.__class__(
        session_mws=station.energy.session_mws,
        total_mws=0,
        charging_time_ms=station.energy.charging_time_ms,
        session_since_ms=station.energy.session_since_ms,
    )
    station.run(600).unplug().run(1)
    assert only(station).energy_ws == station.given_mws // 1000


@pytest.mark.parametrize("jump_s", [-86_400.0, -5.0, 5.0, 40 * 86_400.0])
def test_a_jump_of_the_clock_does_not_falsify_the_duration(station, jump_s):
    station.plug().charge().run(600)
    station.wall_s += jump_s
    station.run(600).unplug().run(1)
    row = only(station)
    assert row.duration_s == pytest.approx(1200, abs=1)
    assert row.start_s == pytest.approx(MONDAY_S + jump_s + 1, abs=2)


def test_a_session_from_before_the_clock_was_set_gets_its_begin_and_its_costs(tmp_path):
    station = SmallStation(tmp_path / "s.db", wall_s=1_000_000.0, clock_set=False)
    station.tariff = SessionsSettings(
        price_e4=1000, prices=(Window(start="08:00", end="09:00", price_e4=9000),)
    )
    station.look().idle().run(1).plug().charge().run(600).unplug().run(60)  # finished
    station.plug().charge().run(600)  # open
    assert [row.clock_set for row in rows(station)] == [False, False]
    station.wall_s, station.clock_set = MONDAY_S + 1800, True
    station.run(60)
    second, first = rows(station)
    assert first.clock_set
    assert first.start_s == pytest.approx(MONDAY_S + 1800 - 1260, abs=2)
    assert first.cost == 3680 * 600 * 9000
    assert second.clock_set
    assert second.start_s == pytest.approx(MONDAY_S + 1800 - 600, abs=2)
    assert second.cost == pytest.approx(second.energy_ws * 9000, rel=0.001)
    station.unplug().run(1)
    assert [row.duration_s for row in rows(station)] == [661, 601]


# --- the daemon ends and comes back ---


def test_a_session_goes_on_after_a_crash_and_is_not_doubled(station):
    station.plug().charge().run(600).save()
    station.step(5000)  # the daemon is gone
    station.restart().look().run(2).plug().charge().run(600).unplug().run(1)
    row = only(station)
    assert row.ended == "unplugged"
    assert row.duration_s == pytest.approx(1208, abs=3)
    assert row.energy_ws == pytest.approx(2 * 600 * 3680, abs=1)
    assert sum(one.energy_ws for one in curve(station)) == row.energy_ws


def test_a_session_whose_vehicle_has_gone_meanwhile_is_closed_where_it_was_known_last(station):
    station.plug().charge().run(600).save().restart().look().idle().run(1)
    row = only(station)
    assert (row.ended, row.duration_s) == ("interrupted", pytest.approx(600, abs=1))


def test_a_session_goes_on_after_a_power_cut_of_an_hour(station):
    station.plug().charge().run(600).save()
    station.wall_s += 3600
    station.restart(boot="boot-2", now_ms=20_000).look().run(2).plug().charge().run(600)
    station.unplug().run(1)
    assert only(station).duration_s == pytest.approx(600 + 3600 + 602, abs=3)


def test_a_session_goes_on_when_the_clock_is_set_only_after_the_power_cut(station):
    station.plug().charge().run(600).save()
    right_s = station.wall_s + 3600
    station.restart(boot="boot-2", now_ms=20_000, wall_s=500_000.0, clock_set=False)
    station.look().run(2).plug().charge().run(60)
    station.clock_set, station.wall_s = True, right_s + 62
    station.run(600).unplug().run(1)
    row = only(station)
    assert row.start_s == pytest.approx(MONDAY_S + 1, abs=2)
    assert row.duration_s == pytest.approx(600 + 3600 + 662, abs=3)


def test_a_crash_within_a_minute_keeps_the_minute_whole(station):
    station.plug().charge(10).run(30).save().restart().look().plug().charge(10).run(20)
    station.unplug().run(1)
    (minute,) = curve(station)
    assert minute.energy_ws == 2300 * 50
    assert minute.currents_ma[0] == pytest.approx(10_000, rel=0.05)
