"""A factory reset: what goes, what stays, what the log says of it."""

import json
import os
from contextlib import closing

import pytest

from evsed.charging.snapshot import ContactorCounters
from evsed.errors import StorageError
from evsed.factory_reset import reset_if_asked
from evsed.services.ocpp.book import Book
from evsed.services.sessions.service import database_file
from evsed.settings.reset import Reset, ask_for_reset
from evsed.station.counters import Counters, Ledger

GONE = [
    "settings.json",
    "settings.json.previous",
    "credentials.json",
    "usr/lua/params.yaml",
    "access-point",
    "ledger.json.previous",
]
STAYS = ["usr/lua/init.lua", "recordings/fault.jsonl", "panic.log", "sessions/sessions.db"]
LEDGER = {
    "version": 1,
    "total_energy_ws": 7_200_000,
    "closings": 12,
    "openings": 11,
    "loaded_openings": 3,
    "enabled": False,
    "available": False,
}


@pytest.fixture
def state_dir(tmp_path):
    """Return the state directory of a charger that was used for a while."""
    for name in (*GONE, *STAYS):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    (tmp_path / "ledger.json").write_text(json.dumps(LEDGER))
    return tmp_path


def there(state_dir, names):
    return [name for name in names if (state_dir / name).exists()]


def test_nobody_asked_and_nothing_is_touched(state_dir):
    assert reset_if_asked(state_dir) is None
    assert there(state_dir, (*GONE, *STAYS)) == [*GONE, *STAYS]


def test_settings_go_and_files_and_records_stay(state_dir, caplog):
    ask_for_reset(state_dir, Reset(source="button"))
    assert reset_if_asked(state_dir) == Reset(source="button")
    assert there(state_dir, GONE) == []
    assert there(state_dir, STAYS) == STAYS
    assert reset_if_asked(state_dir) is None
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "factory reset, asked for by button",
        "factory reset: settings: erased",
        "factory reset: user and password: erased",
        "factory reset: parameters of the scripts: erased",
        "factory reset: passphrase of the access point: erased",
        "factory reset: tokens and profiles of a management system: there were none",
        "factory reset: lifetime energy: was 7200000 Ws, is 0",
        "factory reset: sessions: kept",
    ]


def test_the_wear_of_the_contactor_is_remembered(state_dir):
    ask_for_reset(state_dir, Reset())
    reset_if_asked(state_dir)
    counters = Ledger(state_dir / "ledger.json").load()
    assert counters == Counters(closings=12, openings=11, loaded_openings=3)
    assert counters.contactor == ContactorCounters(closings=12, openings=11, loaded_openings=3)


def test_sessions_go_when_they_are_asked_for(state_dir, caplog):
    ask_for_reset(state_dir, Reset(sessions=True))
    reset_if_asked(state_dir)
    assert not database_file(state_dir).exists()
    assert "factory reset: sessions: erased" in caplog.text


def test_a_charger_that_has_nothing_is_reset_too(tmp_path, caplog):
    ask_for_reset(tmp_path, Reset(sessions=True))
    reset_if_asked(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert "settings: there were none" in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sessions": 1}', "\0", '"sessions"'])
def test_a_note_that_cannot_be_read_asks_for_the_least(state_dir, text):
    (state_dir / "reset.json").write_text(text)
    assert reset_if_asked(state_dir).sessions is False
    assert there(state_dir, GONE) == []
    assert there(state_dir, STAYS) == STAYS


def test_what_was_interrupted_is_gone_on_with_at_the_next_start(state_dir, monkeypatch, caplog):
    ask_for_reset(state_dir, Reset(sessions=True))
    with monkeypatch.context() as patch:
        patch.setattr("evsed.factory_reset.erase", _full)
        reset_if_asked(state_dir)
    assert "not finished" in caplog.text
    assert database_file(state_dir).exists()
    reset_if_asked(state_dir)
    assert not database_file(state_dir).exists()
    assert reset_if_asked(state_dir) is None


def _full(_file):
    raise OSError(28, os.strerror(28))


def test_a_reset_that_cannot_be_noted_is_refused(tmp_path):
    with pytest.raises(StorageError, match="was not noted"):
        ask_for_reset(tmp_path / "nowhere", Reset())


@pytest.mark.parametrize("sessions", [False, True])
def test_what_a_management_system_has_told_goes_and_what_it_is_owed_stays(state_dir, sessions):
    file = state_dir / "ocpp" / "ocpp.db"
    with closing(Book(file)) as book:
        book.put("stop", "t", {"kind": "stop"})
        book.save_tx("t", {}, is_open=False)
        book.set_listed({"04AA": {"status": "Accepted"}}, whole=True)
        book.set_cached("04BB", {"status": "Accepted"}, 1)
        book.set_profiles([(0, {"limit": 6})])
        for key in ("held", "inoperative", "variable HeartbeatInterval", "register"):
            book.set_note(key, "7 7")
    with closing(Book(file.with_name("ocpp-another.db"))) as book:
        book.set_listed({"04CC": {"status": "Accepted"}}, whole=True)
        book.set_note("system", "another")
    ask_for_reset(state_dir, Reset(source="button", sessions=sessions))
    reset_if_asked(state_dir)
    with closing(Book(file.with_name("ocpp-another.db"))) as book:
        assert book.listed("04CC") is None
        assert book.note("system") == ("" if sessions else "another")
    with closing(Book(file)) as book:
        assert (book.listed("04AA"), book.cached("04BB"), book.profiles()) == (None, None, [])
        assert book.note("held") == book.note("inoperative") == ""
        assert book.note("variable HeartbeatInterval") == ""
        assert book.waiting() == (0 if sessions else 1)
        assert book.note("register") == ("" if sessions else "7 7")
