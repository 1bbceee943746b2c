"""What the writer does when the disk, or what is on it, is not as it should be."""

import logging
import os
import sqlite3
import threading

import pytest
from sessions_world import SmallStation

from evsed.operations.session_log import EVERY_SESSION
from evsed.services.sessions import writer as module
from evsed.services.sessions.database import connect_to_read
from evsed.services.sessions.reader import Reader


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sessions" / "sessions.db"


@pytest.fixture
def station(file):
    return SmallStation(file).look().idle().run(1)


def rows(station):
    with station.reader() as reader:
        return reader.sessions(EVERY_SESSION, None, 100)


def alarms(station):
    return [alarm.name for alarm in station.writer.alarms()]


def intact(file):
    connection = sqlite3.connect(file)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()


def aside(file):
    return sorted(file.parent.glob("broken-*"))


def test_what_is_committed_is_on_the_disk(station, file):
    connection = station.writer._database._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_a_deleted_database_is_told_begun_anew_and_keeps_the_session_that_goes_on(station, file):
    station.plug().charge().run(600)
    for part in file.parent.iterdir():
        part.unlink()
    station.run(600)
    assert alarms(station) == ["sessions_replaced"]
    station.unplug().run(1)
    (row,) = rows(station)
    assert row.energy_ws == station.given_mws // 1000
    assert intact(file)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b"\0" * file.stat().st_size),
        lambda file: os.truncate(file, 5000),
        lambda file: os.truncate(file, 0),
        lambda file: file.write_bytes(os.urandom(200_000)),
    ],
    ids=["zeros", "cut off", "empty", "noise"],
)
def test_a_database_destroyed_under_the_daemon_is_put_aside(station, file, damage, caplog):
    station.plug().charge().run(600).unplug().run(1)
    station.writer._database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    station.save()
    damage(file)
    station.plug().charge().run(600).unplug().run(10)
    assert alarms(station) == ["sessions_replaced"]
    assert len(aside(file)) == 1
    assert rows(station)[0].energy_ws == pytest.approx(600 * 3680, abs=1)
    assert intact(file)
    assert "begun anew" in caplog.text


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\1" * 9000])
def test_a_file_that_is_no_database_at_the_start_is_put_aside(file, content):
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    station = SmallStation(file).look().idle().run(1).plug().charge().run(60).unplug().run(5)
    assert len(rows(station)) == 1
    assert alarms(station) == (["sessions_replaced"] if content else [])


def test_a_database_of_another_version_is_put_aside(file):
    file.parent.mkdir(parents=True)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.execute("CREATE TABLE session (id)")
    connection.close()
    station = SmallStation(file).look().idle().run(1).plug().run(5).unplug().run(5)
    assert len(rows(station)) == 1
    assert alarms(station) == ["sessions_replaced"]


def test_numbers_go_on_in_the_new_database(station, file):
    station.plug().run(5).unplug().run(5).plug().run(5).unplug().run(5)
    file.unlink()
    station.plug().run(5).unplug().run(5)
    assert [row.id for row in rows(station)] == [3]


def test_damage_found_by_a_reader_is_taken_up_by_the_writer(station, file):
    station.plug().charge().run(600).unplug().run(1)
    station.writer.suspect()
    station.run(1)
    assert alarms(station) == ["sessions_replaced"]
    assert len(aside(file)) == 1


def test_a_place_that_cannot_be_written_is_told_and_nothing_is_lost_when_it_can(tmp_path, caplog):
    (tmp_path / "sessions").write_text("in the way")
    station = SmallStation(tmp_path / "sessions" / "sessions.db").look().idle().run(1)
    station.plug().charge().run(600).unplug().run(60).plug().charge().run(300)
    assert alarms(station) == ["sessions_not_saved"]
    assert len([one for one in caplog.records if one.levelno >= logging.ERROR]) == 1
    (tmp_path / "sessions").unlink()
    station.run(60).unplug().run(5)
    assert alarms(station) == []
    second, first = rows(station)
    assert first.energy_ws + second.energy_ws == station.given_mws // 1000
    with station.reader() as reader:
        assert sum(one.energy_ws for one in reader.samples(1, 1)) == first.energy_ws


def test_a_disk_that_stays_away_fills_no_memory(tmp_path, caplog):
    (tmp_path / "sessions").write_text("in the way")
    station = SmallStation(tmp_path / "sessions" / "sessions.db").look().idle().run(1)
    for _ in range(6):
        station.plug().charge().run(86_400, step_ms=60_000).unplug().run(1)
    pending = station.writer._tracker.pending
    assert len(pending.samples) == 5000
    (tmp_path / "sessions").unlink()
    station.run(10)
    assert "entries were lost while the disk was away" in caplog.text
    assert len(rows(station)) == 6
    assert sum(row.energy_ws for row in rows(station)) == station.given_mws // 1000


def test_old_curves_go_and_their_sessions_stay(station, file):
    station.plug().charge().run(7200).unplug().run(1)
    station.wall_s += 500 * 86_400
    station.now_ms += 500 * 86_400_000
    station.run(1).plug().charge().run(120)
    station.now_ms += 3_600_000
    station.unplug().run(1)
    with station.reader() as reader:
        assert reader.samples(1, 1) == []
        assert reader.samples(2, 1) != []
    assert len(rows(station)) == 2


def test_a_clock_set_wrong_for_a_moment_takes_no_curves_away(station):
    station.plug().charge().run(600).unplug().run(1)
    station.wall_s += 20 * 365 * 86_400
    station.now_ms += 2 * 3_600_000
    station.save().save()
    with station.reader() as reader:
        assert reader.samples(1, 1) != []


def test_the_worker_writes_everything_when_it_stops(file):
    station = SmallStation(file)
    station.writer.start()
    station.look().idle()
    station.plug().charge()
    for _ in range(100):
        station.step(10)
    station.writer.stop()
    (row,) = rows(station)
    assert row.energy_ws == station.given_mws // 1000
    assert row.ended == ""


def test_the_worker_survives_what_nobody_expects(file, caplog, monkeypatch):
    station = SmallStation(file)
    looked = threading.Event()

    def broken():
        looked.set()
        raise ZeroDivisionError("for once")

    monkeypatch.setattr(station.writer, "look", broken)
    station.writer.start()
    assert looked.wait(10)
    station.writer.stop()
    assert "sessions: unexpected failure" in caplog.text


def test_sessions_left_open_by_a_copy_that_was_put_back_are_not_doubled(station, file):
    station.plug().charge().run(60).save()
    with sqlite3.connect(file) as connection:
        connection.execute(
            "INSERT INTO session SELECT 77, boot, began_ms, start_s, clock_set, month, duration_ms,"
            " charging_ms, energy_ws, meter_start_ws, meter_end_ws, peak_w, cost, authorized,"
            " faults, stopped, ended FROM session"
        )
    connection.close()
    station.restart().look().idle().run(1)
    assert [(row.id, row.ended) for row in rows(station)] == [
        (77, "interrupted"),
        (1, "interrupted"),
    ]


def test_a_database_that_has_only_just_been_begun_is_an_empty_history(tmp_path):
    file = tmp_path / "sessions.db"
    file.touch()
    with Reader(file) as reader:
        assert reader.months() == []
        reader.check()


def test_readers_do_not_write(station, file):
    connection = connect_to_read(file)
    try:
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("DELETE FROM session")
    finally:
        connection.close()


def test_there_is_nothing_to_read_before_the_first_session(tmp_path):
    with Reader(tmp_path / "no" / "such.db") as reader:
        assert reader.sessions(EVERY_SESSION, None, 10) == []
        assert reader.months() == []
        reader.check()


def test_starts_of_the_computer_are_told_apart(tmp_path):
    assert module.uptime_identity() == module.uptime_identity()
    assert module.uptime_identity(tmp_path) != module.uptime_identity(tmp_path)
