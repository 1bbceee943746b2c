"""Which book is open: each management system has its own, and what was put aside comes back.

What one has told, and what it is to be told, is nobody else's business; nothing of it is thrown
away either, because an address may have been mistyped. Source: decision 44.
"""

import contextlib
import hashlib
import logging
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from evsed.services.ocpp import transactions
from evsed.services.ocpp.book import ASIDE, OCPP_FILE, Book, Kept
from evsed.services.ocpp.transactions import POWER_LOSS

#: Whose book it is, and what of it is the charger's own.
_SYSTEM: Final = "system"
_REGISTER: Final = "register"
_BILLED: Final = "billed"
INOPERATIVE: Final = "inoperative"
#: Out of service by order of a management system that has no say any more.
LIFTED: Final = "lifted"
_HELD: Final = "held"
#: Books of others that are kept, the newest.
_MOST_ASIDE: Final = 5

#: A book of a version that is newer still, or broken.
_UNREADABLE: Final = (sqlite3.DatabaseError, ValueError, TypeError, KeyError)

_log = logging.getLogger(__name__)


def system_of(settings: Mapping[str, Any]) -> str:
    """Return a short name of the management system, and of what the charger is called there.

    The scheme does not count, nor a port that follows from it: ws becomes wss one day.

    Args:
        settings: the section ``ocpp``, as it is kept.
    """
    address = urlsplit(settings["url"])
    where = (address.hostname, address.port, address.path.rstrip("/"), settings["identity"])
    return hashlib.sha256(repr(where).encode()).hexdigest()[:12]


def open_book(folder: Path, system: str) -> Book:
    """Open the book of a management system; that of another is put aside.

    Raises:
        OSError, sqlite3.Error: the disk refused; every book is where it was, or a start later.
    """
    file, other = folder / OCPP_FILE, _of(folder, system)
    if not file.exists() and other.exists():
        other.replace(file)  # it was being fetched when the power went
    book = Book(file)
    try:
        known = book.note(_SYSTEM)
        if known and known != system:
            book = _changed(book, file, other, known)
        book.set_note(_SYSTEM, system)
        _take_back(book, folder, system)
    except BaseException:
        book.close()
        raise
    return book


def books(folder: Path) -> list[Path]:
    """Return every book there is."""
    found = [folder / OCPP_FILE, *sorted(folder.glob("ocpp-*.db"))]
    return [one for one in found if one.exists()]


def _of(folder: Path, system: str) -> Path:
    return folder / f"ocpp-{system}.db"


def _changed(book: Book, file: Path, other: Path, known: str) -> Book:
    """Put a book aside and open another in its place."""
    _log.warning("ocpp: another management system: what the last one has told counts no more")
    carried = _leave(book)
    lifted = book.note(INOPERATIVE) not in {"", "scheduled"}
    book.close()
    with closing(Book(other)) as next_book, next_book.together():
        for key, value in carried.items():
            next_book.set_note(key, value)
        if lifted and not next_book.note(INOPERATIVE):
            next_book.set_note(INOPERATIVE, LIFTED)
    for one in (file, other):
        if one.with_name(f"{one.name}-wal").exists():
            raise OSError(f"{one.name} could not be closed")
    file.replace(_of(file.parent, known))
    other.replace(file)
    _tidy(file.parent)
    return Book(file)


def _leave(book: Book) -> dict[str, str]:
    """End what runs in a book; return what is the charger's own, for the next."""
    with book.together():
        for state in book.kept().running:
            running = transactions.from_kept(state)
            kind, event = transactions.cut_off(running, transactions.OTHER)
            book.put(kind, running.id, event)
            book.save_tx(running.id, running.as_json(), is_open=False)
            book.set_note(_BILLED, str(event["meter"]))
        book.set_note(_HELD, "")
        return {key: book.note(key) for key in (_REGISTER, _BILLED)}


def _tidy(folder: Path) -> None:
    aside = sorted(folder.glob("ocpp-*.db"), key=lambda one: one.stat().st_mtime)
    for one in aside[:-_MOST_ASIDE]:
        _log.warning("ocpp: what waited for a management system of long ago is given up")
        one.unlink()


def _take_back(book: Book, folder: Path, system: str) -> None:
    """Deliver what a version that could not read it has put aside."""
    for pattern in ASIDE:
        for file in sorted(folder.glob(f"{pattern}ocpp*.db")):
            with contextlib.suppress(*_UNREADABLE):
                _take(book, file, system)


def _take(book: Book, file: Path, system: str) -> None:
    with closing(Book(file, mend=False)) as other:
        whose, kept = other.note(_SYSTEM), other.kept()
    if whose not in {"", system}:
        return
    count = book.take_back(file.name, _with_ends(kept))
    if count:
        _log.warning("ocpp: %s messages of a newer version are delivered after all", count)
    for part in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{file}{part}")  # noqa: PTH108  # one of three


def _with_ends(kept: Kept) -> Kept:
    """Return what was kept with an end for what ran then: it is long over."""
    messages = list(kept.messages)
    for state in kept.running:
        running = transactions.from_kept(state)
        kind, event = transactions.cut_off(running, POWER_LOSS)
        messages.append((Book.new_number(), kind, running.id, event))
    return Kept(names=kept.names, running=(), messages=tuple(messages))
