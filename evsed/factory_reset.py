"""Erases what the user has set, before anything is read at a start. Source: charging.md section 14.

What belongs to the administrator stays (/etc), and so do files somebody wrote (scripts) and records
of what happened (log, recordings, wear of the contactor). docs/decisions/0023 says why.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from evsed.services.ocpp.book import Book
from evsed.services.ocpp.shelf import books
from evsed.services.sessions.database import erase
from evsed.services.sessions.service import database_file
from evsed.settings.reset import Reset, reset_asked_for, reset_is_done
from evsed.station.counters import Ledger

#: Below the state directory; each may have a version before it, or one half written.
_ERASED: Final = {
    "settings": "settings.json",
    "user and password": "credentials.json",
    "parameters of the scripts": "usr/lua/params.yaml",
    "passphrase of the access point": "access-point",
}
#: What a management system has told, and what it is still to be told.
_OCPP: Final = "ocpp"
_VERSIONS: Final = ("", ".previous", ".new")

_log = logging.getLogger(__name__)


def reset_if_asked(state_dir: Path) -> Reset | None:
    """Do what a note in the state directory asks for, and return it; None when there is none.

    What the disk refuses to erase is in force again, and the note stays for the next start.
    """
    reset = reset_asked_for(state_dir)
    if reset is None:
        return None
    _log.warning("factory reset, asked for by %s", reset.source)
    try:
        for what, name in _ERASED.items():
            _erase(what, state_dir / name)
        _erase_told(state_dir / _OCPP, whole=reset.sessions)
        _start_counting_anew(state_dir)
        if reset.sessions:
            erase(database_file(state_dir))
        _log.warning("factory reset: sessions: %s", "erased" if reset.sessions else "kept")
        reset_is_done(state_dir)
    except OSError as error:
        _log.error("factory reset: not finished, the next start goes on with it: %s", error)
    return reset


def _erase(what: str, file: Path) -> None:
    there = False
    for version in _VERSIONS:
        path = file.with_name(file.name + version)
        there = there or path.exists()
        path.unlink(missing_ok=True)
    _log.warning("factory reset: %s: %s", what, "erased" if there else "there were none")


def _erase_told(folder: Path, *, whole: bool) -> None:
    """Erase what a management system has told; with ``whole`` what it is to be told as well."""
    found = books(folder)
    if whole:
        for one in folder.iterdir() if folder.is_dir() else ():
            one.unlink()
    else:
        for file in found:
            try:
                with closing(Book(file)) as book:
                    book.forget_told()
            except sqlite3.Error as error:
                raise OSError(f"{file}: {error}") from error
    said = "erased" if found else "there were none"
    _log.warning("factory reset: tokens and profiles of a management system: %s", said)


def _start_counting_anew(state_dir: Path) -> None:
    """Make the lifetime energy 0; from now on it is in the log only."""
    before = Ledger(state_dir / "ledger.json").begin_anew()
    _log.warning("factory reset: lifetime energy: was %d Ws, is 0", before.total_energy_ws)
