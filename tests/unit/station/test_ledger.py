import json
import logging
from dataclasses import replace

import pytest

from evsed.charging.snapshot import ContactorCounters, Snapshot
from evsed.station import counters as module
from evsed.station.counters import MOST_LOST_MS, MOST_LOST_WS, Counters, Ledger, counters_of

USED = Counters(total_energy_ws=123_456, closings=7, openings=6, loaded_openings=2, enabled=False)
PICTURE = Snapshot(
    at_ms=1000,
    total_energy_ws=123_456,
    enabled=False,
    counters=ContactorCounters(closings=7, openings=6, loaded_openings=2),
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "ledger.json"


def written(file, *pictures):
    ledger = Ledger(file)
    for picture in pictures:
        ledger.write(picture)
    return ledger


def test_a_station_without_a_ledger_starts_at_nothing(file):
    assert Ledger(file).load() == Counters()


def test_what_was_written_is_read_after_a_restart(file):
    written(file, PICTURE)
    assert Ledger(file).load() == USED == counters_of(PICTURE)
    assert USED.contactor == ContactorCounters(closings=7, openings=6, loaded_openings=2)


def test_the_version_before_is_kept(file):
    written(file, replace(PICTURE, total_energy_ws=1), PICTURE)
    previous = json.loads((file.parent / "ledger.json.previous").read_text())
    assert previous["total_energy_ws"] == 1


BROKEN = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    b"[]",
    b"{}",
    b'{"version": 2}',
    b'{"version": 1, "total_energy_ws": -1}',
    b'{"version": 1, "total_energy_ws": 1.5}',
    b'{"version": 1, "closings": true}',
    b'{"version": 1, "enabled": 1}',
    b'{"version": 1, "surprise": 1}',
]


@pytest.mark.parametrize("text", BROKEN, ids=[str(one[:40]) for one in BROKEN])
def test_a_corrupted_ledger_is_passed_over_loudly_for_the_version_before(file, caplog, text):
    written(file, PICTURE, replace(PICTURE, total_energy_ws=200_000))
    file.write_bytes(text)
    assert Ledger(file).load() == USED
    loud = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(loud) == 2
    assert "cannot be read" in loud[0]
    assert "went back to the previous version" in loud[1]


def test_two_corrupted_versions_start_at_nothing_and_say_so(file, caplog):
    written(file, PICTURE, PICTURE)
    file.write_bytes(b"?")
    (file.parent / "ledger.json.previous").write_bytes(b"?")
    assert Ledger(file).load() == Counters()
    assert len(caplog.records) == 2


def test_a_corrupted_ledger_does_not_replace_the_good_version_before(file, monkeypatch):
    """The power may fail between the two files."""
    written(file, PICTURE, PICTURE)
    file.write_bytes(b"?")
    ledger = Ledger(file)
    ledger.load()
    whole = module.replace_file

    def fails_at_the_ledger(path, data):
        if path == file:
            raise OSError("power cut")
        whole(path, data)

    monkeypatch.setattr(module, "replace_file", fails_at_the_ledger)
    with pytest.raises(OSError, match="power cut"):
        ledger.write(replace(PICTURE, total_energy_ws=200_000))
    monkeypatch.undo()
    assert Ledger(file).load() == USED


def test_after_a_corrupted_one_two_versions_are_kept_again(file):
    written(file, PICTURE, PICTURE)
    file.write_bytes(b"?")
    ledger = Ledger(file)
    ledger.load()
    ledger.write(replace(PICTURE, total_energy_ws=200_000))
    ledger.write(replace(PICTURE, total_energy_ws=300_000))
    file.write_bytes(b"?")
    assert Ledger(file).load().total_energy_ws == 200_000


@pytest.mark.parametrize("power_w", [10, 230, 1380, 3600, 7360, 11_000, 43_000])
def test_a_power_cut_loses_at_most_100_wh_and_at_most_five_minutes(file, power_w):
    ledger = Ledger(file)
    ledger.load()
    worst_ws = worst_ms = writes = saved_ws = saved_ms = 0
    for at_ms in range(0, 1_200_000, 500):
        total_ws = power_w * at_ms // 1000
        worst_ws, worst_ms = max(worst_ws, total_ws - saved_ws), max(worst_ms, at_ms - saved_ms)
        now = Snapshot(at_ms=at_ms, session=True, total_energy_ws=total_ws)
        if ledger.due(now):
            ledger.write(now)
            writes, saved_ws, saved_ms = writes + 1, total_ws, at_ms
    assert worst_ws <= MOST_LOST_WS == 360_000
    assert worst_ms <= MOST_LOST_MS == 300_000
    assert writes <= max(1200 / 140, power_w * 1200 / 170_000)


def test_the_end_of_a_session_is_written_at_once(file):
    ledger = written(file, replace(PICTURE, session=True))
    more = replace(PICTURE, at_ms=2000, total_energy_ws=123_500)
    assert not ledger.due(replace(more, session=True))
    assert ledger.due(replace(more, session=False))


def test_nothing_new_is_not_written_again(file):
    ledger = written(file, PICTURE)
    assert not ledger.due(replace(PICTURE, at_ms=10**9))


@pytest.mark.parametrize(
    "change", [{"enabled": True}, {"available": False}, {"total_energy_ws": 0}], ids=str
)
def test_what_somebody_decided_is_written_at_once(file, change):
    assert written(file, PICTURE).due(replace(PICTURE, **change))
