"""The database of sessions: its tables, and the one connection that writes.

SQLite in WAL mode with ``synchronous=FULL``: what was committed survives a power cut. Every
statement here runs on the writer's thread.
"""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import fields
from pathlib import Path
from typing import Final

from evsed.errors import StorageError
from evsed.services.sessions.record import MINUTE_MS, Sample, SessionRecord
from evsed.settings.files import sync_folder

#: Raised with every change of the tables; a file of another version is put aside.
_VERSION: Final = 1
_BUSY_S: Final = 5.0
#: SQLite's own words for a file that is not, or no longer, a database.
_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
_PARTS: Final = ("", "-wal", "-shm")
#: Old samples are removed so many at a time.
_RETIRED_AT_ONCE: Final = 2000
#: Broken databases that are kept.
_MOST_ASIDE: Final = 20

_TABLES: Final = """
CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  boot TEXT NOT NULL, began_ms INTEGER NOT NULL,
  start_s INTEGER NOT NULL, clock_set INTEGER NOT NULL, month TEXT NOT NULL,
  duration_ms INTEGER NOT NULL, charging_ms INTEGER NOT NULL,
  energy_ws INTEGER NOT NULL, meter_start_ws INTEGER NOT NULL, meter_end_ws INTEGER NOT NULL,
  peak_w INTEGER NOT NULL, cost INTEGER NOT NULL,
  authorized TEXT NOT NULL, faults TEXT NOT NULL, stopped TEXT NOT NULL, ended TEXT NOT NULL
) STRICT;
CREATE INDEX session_month ON session (month, energy_ws, charging_ms, cost);
CREATE INDEX session_start ON session (start_s);
CREATE INDEX session_open ON session (id) WHERE ended = '';
CREATE TABLE sample (
  session INTEGER NOT NULL, minute INTEGER NOT NULL,
  energy_ws INTEGER NOT NULL, peak_w INTEGER NOT NULL, offered_da INTEGER NOT NULL,
  l1_ma INTEGER NOT NULL, l2_ma INTEGER NOT NULL, l3_ma INTEGER NOT NULL,
  PRIMARY KEY (session, minute)
) STRICT, WITHOUT ROWID;
"""
_COLUMNS: Final = tuple(field.name for field in fields(SessionRecord))
_SAVE: Final = (
    f"INSERT INTO session ({', '.join(_COLUMNS)}) "  # noqa: S608  # names of our own fields
    f"VALUES ({', '.join(f':{name}' for name in _COLUMNS)}) ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "id")
)
_SAVE_SAMPLE: Final = "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

_log = logging.getLogger(__name__)


class BrokenDatabaseError(StorageError):
    """The file is gone, or is no database of ours; it has to be replaced."""


def is_broken(error: sqlite3.Error) -> bool:
    """Tell whether an error says that the file is bad, and not that the disk is full or so."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.DatabaseError) and (code is None or code & 0xFF in _BROKEN)


class Database:
    """The writer's connection.

    Args:
        file: the database; its folder is made.

    Raises:
        BrokenDatabaseError: from every method: the file has to be replaced.
        StorageError: from every method: the disk refused; trying again later may help.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(file, timeout=_BUSY_S, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(str(error)) from error
        try:
            self._prepare()
            found = file.stat()
            self._inode, self._size = found.st_ino, found.st_size
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise _translated(error) from error

    def _prepare(self) -> None:
        ask = self._connection.execute
        ask("PRAGMA journal_mode=WAL")
        ask("PRAGMA synchronous=FULL")
        ask("PRAGMA journal_size_limit=4194304")
        (version,) = ask("PRAGMA user_version").fetchone()
        if version == 0 and not ask("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._connection.executescript(
                f"BEGIN; {_TABLES} PRAGMA user_version={_VERSION}; COMMIT;"
            )
            sync_folder(self.file.parent)
        elif version != _VERSION:
            raise sqlite3.DatabaseError(f"version {version} is not {_VERSION}")
        ask(f"SELECT {', '.join(_COLUMNS)} FROM session LIMIT 1").fetchone()  # noqa: S608

    def close(self) -> None:
        """Close; what was committed is safe."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def still_there(self) -> None:
        """Look whether the file is still the one that was opened."""
        try:
            found = self.file.stat()
        except FileNotFoundError:
            raise BrokenDatabaseError("the file was deleted") from None
        except OSError as error:
            raise StorageError(str(error)) from error
        if found.st_ino != self._inode:
            raise BrokenDatabaseError("the file was replaced")
        if found.st_size < self._size:
            raise BrokenDatabaseError("the file was cut off")  # SQLite never shortens it
        self._size = found.st_size

    def last_id(self) -> int:
        """Return the number of the newest session, 0 when there is none."""
        with _Errors():
            (number,) = self._connection.execute("SELECT max(id) FROM session").fetchone()
            return int(number or 0)

    def open_session(self) -> tuple[SessionRecord, Sample | None] | None:
        """Return the session that has not ended, and its last minute.

        There is one at most; should there be more, the older ones are closed as interrupted.
        """
        with _Errors():
            rows = self._connection.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM session "  # noqa: S608
                "WHERE ended = '' ORDER BY id"
            ).fetchall()
            if not rows:
                return None
            *older, newest = [_record(row) for row in rows]
            for record in older:
                self._connection.execute(
                    "UPDATE session SET ended = 'interrupted' WHERE id = ?", (record.id,)
                )
            minute = self._connection.execute(
                "SELECT minute, energy_ws, peak_w, offered_da, l1_ma, l2_ma, l3_ma FROM sample "
                "WHERE session = ? ORDER BY minute DESC LIMIT 1",
                (newest.id,),
            ).fetchone()
        return newest, None if minute is None else _sample(newest, minute)

    def save(self, records: Sequence[SessionRecord], samples: Sequence[Sample]) -> None:
        """Write sessions and minutes, all or none; numbers have been given to them."""
        with _Errors(), self._transaction():
            self._connection.executemany(
                _SAVE, [{name: getattr(one, name) for name in _COLUMNS} for one in records]
            )
            self._connection.executemany(
                _SAVE_SAMPLE,
                [
                    (
                        one.record.id,
                        one.minute,
                        one.energy_ws,
                        one.peak_w,
                        one.offered_da,
                        *one.currents_ma,
                    )
                    for one in samples
                ],
            )

    def confirm(self, record: SessionRecord) -> None:
        """Read a session back through a connection of its own, as a reader would see it."""
        with _Errors(), closing(connect_to_read(self.file)) as reader:
            found = reader.execute(
                "SELECT energy_ws FROM session WHERE id = ?", (record.id,)
            ).fetchone()
        if found != (record.energy_ws,):
            raise BrokenDatabaseError("what was written cannot be read back")

    def without_clock(self, boot: str) -> list[SessionRecord]:
        """Return the finished sessions of this start of the computer whose begin is not known."""
        with _Errors():
            rows = self._connection.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM session "  # noqa: S608
                "WHERE clock_set = 0 AND boot = ? AND ended != ''",
                (boot,),
            ).fetchall()
        return [_record(row) for row in rows]

    def minutes_of(self, record: SessionRecord) -> list[tuple[int, int]]:
        """Return the minutes of a session in which energy flowed, with it in Ws."""
        with _Errors():
            found: list[tuple[int, int]] = self._connection.execute(
                "SELECT minute, energy_ws FROM sample WHERE session = ? AND energy_ws > 0",
                (record.id,),
            ).fetchall()
        return found

    def retire_samples(self, older_than_s: int) -> bool:
        """Remove some minutes of sessions that began before; tell whether there may be more.

        Never counts from a wall clock alone: what is old is judged beside the newest session, so
        that a clock set wrong for a moment takes nothing away.
        """
        with _Errors():
            oldest = self._connection.execute(
                "SELECT sample.session FROM sample ORDER BY session LIMIT 1"
            ).fetchone()
            if oldest is None:
                return False
            start = self._connection.execute(
                "SELECT start_s FROM session WHERE id = ?", oldest
            ).fetchone()
            if start is not None and start[0] >= older_than_s:
                return False
            with self._transaction():
                gone = self._connection.execute(
                    "DELETE FROM sample WHERE session = ? AND minute IN (SELECT minute FROM sample "
                    "WHERE session = ? ORDER BY minute LIMIT ?)",
                    (*oldest, *oldest, _RETIRED_AT_ONCE),
                )
                return gone.rowcount > 0

    def newest_start_s(self) -> int | None:
        """Return when the latest session began."""
        with _Errors():
            (newest,) = self._connection.execute("SELECT max(start_s) FROM session").fetchone()
        return None if newest is None else int(newest)

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._connection)


def connect_to_read(file: Path) -> sqlite3.Connection:
    """Open a database for reading only."""
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None
    )
    connection.execute("PRAGMA query_only=1")
    return connection


def put_aside(file: Path, name: str) -> Path | None:
    """Move a database and its companions into a folder beside it; return it, None without any.

    Raises:
        StorageError: the disk refused.
    """
    try:
        parts = [file.with_name(file.name + part) for part in _PARTS]
        there = [part for part in parts if part.exists()]
        if not there:
            return None
        folder = _fresh_folder(file.parent, name)
        for part in there:
            part.rename(folder / part.name)
        sync_folder(file.parent)
    except OSError as error:
        raise StorageError(str(error)) from error
    return folder


def erase(file: Path) -> None:
    """Remove a database and everything that was put aside from it.

    Nobody may have it open: ``SessionsService.erase`` is for a daemon that runs.

    Raises:
        OSError: the disk refused.
    """
    for part in _PARTS:
        file.with_name(file.name + part).unlink(missing_ok=True)
    for folder in file.parent.glob("broken-*"):
        for kept in folder.iterdir():
            kept.unlink()
        folder.rmdir()
    if file.parent.is_dir():
        sync_folder(file.parent)


def _fresh_folder(parent: Path, name: str) -> Path:
    """Make a folder of a new name; what is kept aside is never thrown away, so there is an end."""
    number = 1 + sum(1 for _ in parent.glob("broken-*"))
    if number > _MOST_ASIDE:
        raise StorageError(f"{parent} has {_MOST_ASIDE} broken databases already; remove some")
    while True:
        folder = parent / f"broken-{name}-{number}"
        with suppress(FileExistsError):
            folder.mkdir()
            return folder
        number += 1


class _Errors:
    """Turns what SQLite raises into what our callers know."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Translate."""
        if isinstance(error, sqlite3.Error):
            raise _translated(error) from error


class _Transaction:
    """One transaction; rolled back when anything is raised."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, _error: object, _trace: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")


def _translated(error: OSError | sqlite3.Error) -> StorageError:
    if isinstance(error, sqlite3.Error) and is_broken(error):
        return BrokenDatabaseError(str(error))
    return StorageError(str(error))


def _record(row: Sequence[object]) -> SessionRecord:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["clock_set"] = bool(values["clock_set"])
    return SessionRecord(**values)  # type: ignore[arg-type]  # STRICT tables hold these types


def _sample(record: SessionRecord, row: Sequence[int]) -> Sample:
    minute, energy_ws, peak_w, offered_da, one, two, three = row
    return Sample(
        record=record,
        minute=minute,
        energy_ws=energy_ws,
        peak_w=peak_w,
        offered_da=offered_da,
        currents_ma=(one, two, three),
    )


def minute_starts_s(record: SessionRecord, minute: int) -> int:
    """Return when a minute of a session began, Unix seconds."""
    return record.start_s + minute * MINUTE_MS // 1000
