"""What must outlive a restart: messages not yet delivered, transactions, profiles, tokens.

SQLite in WAL mode with ``synchronous=FULL``: what was committed survives a power cut. Belongs to
the OCPP process, which has no control thread to hold up.
"""

import contextlib
import json
import logging
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: Raised with every change of the tables.
_VERSION: Final = 1
#: Its name in the folder of the process.
OCPP_FILE: Final = "ocpp.db"
_BUSY_S: Final = 5.0
_PARTS: Final = ("", "-wal", "-shm")
#: Messages that wait; beyond it meter values give way, begins and ends never.
MOST_WAITING: Final = 20_000
#: Tokens the cache remembers.
MOST_CACHED: Final = 500
UPDATE: Final = "update"
#: What a book is called that was put aside: a damaged one, and one of a newer version.
ASIDE: Final = ("broken-*-", "newer-*-")

_TABLES: Final = """
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL, kind TEXT NOT NULL,
  tx TEXT NOT NULL, event TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_kind ON outbox (kind, id);
CREATE TABLE tx (
  id TEXT PRIMARY KEY, remote TEXT NOT NULL DEFAULT '', open INTEGER NOT NULL, state TEXT NOT NULL
) STRICT;
CREATE TABLE profile (id INTEGER PRIMARY KEY, data TEXT NOT NULL) STRICT;
CREATE TABLE listed (token TEXT PRIMARY KEY, data TEXT NOT NULL) STRICT;
CREATE TABLE cached (token TEXT PRIMARY KEY, data TEXT NOT NULL, used INTEGER NOT NULL) STRICT;
CREATE TABLE note (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A message that has not been delivered.

    Args:
        id: its place in the order.
        message: the number it is sent with, the same however often.
        tx: our name of its transaction.
        event: what it says.
        attempts: how often the management system has refused it.
    """

    id: int
    message: str
    tx: str
    event: Mapping[str, Any]
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Transactions and messages of a whole book.

    Args:
        names: our name of each transaction, and how the other side calls it.
        running: those that have not ended.
        messages: number, kind, our name of the transaction, and what it says, the oldest first.
    """

    names: tuple[tuple[str, str, Mapping[str, Any]], ...]
    running: tuple[Mapping[str, Any], ...]
    messages: tuple[tuple[str, str, str, Mapping[str, Any]], ...]


class Book:
    """The database of the charge point; a damaged one is put aside and begun anew.

    Tokens are the same however their letters are written. Source: OCPP 1.6 section 7.16 (CiString),
    OCPP 2.0.1 part 2 section 3.24 (identifierString).

    Args:
        file: where it is; its folder is made.
        mend: whether to begin anew in place of one that cannot be read; else that is an error.

    Raises:
        OSError, sqlite3.Error: from every method: the disk refused; nothing was kept.
    """

    def __init__(self, file: Path, *, mend: bool = True) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = _opened(file)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) or not mend:
                raise  # the disk, not the file
            newer = isinstance(error, _NewerError)
            what = "is of a newer version and put aside" if newer else "was damaged"
            _log.critical("ocpp: the database %s, and begun anew: %s", what, error)
            mark = f"{'newer' if newer else 'broken'}-{uuid.uuid4().hex[:8]}"
            for part in _PARTS:
                with contextlib.suppress(FileNotFoundError):
                    old = file.with_name(file.name + part)
                    old.replace(file.with_name(f"{mark}-{old.name}"))
            self._db = _opened(file)

    def close(self) -> None:
        """Close; what was committed is safe."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Commit everything in here, or nothing; may be nested."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    # --- messages ---

    @staticmethod
    def new_number() -> str:
        """Return a number no message has had."""
        return str(uuid.uuid4())

    def put(self, kind: str, tx: str, event: Mapping[str, Any]) -> None:
        """Have something of a transaction delivered, after everything that waits already."""
        with self.together():
            self._db.execute(
                "INSERT INTO outbox (message, kind, tx, event) VALUES (?, ?, ?, ?)",
                (self.new_number(), kind, tx, json.dumps(event)),
            )
            if self.waiting() > MOST_WAITING:
                self._db.execute(
                    "DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox WHERE kind = ?)",
                    (UPDATE,),
                )

    def next(self) -> Waiting | None:
        """Return the oldest message that waits."""
        row = self._db.execute(
            "SELECT id, message, tx, event, attempts FROM outbox ORDER BY id LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        number, message, tx, event, attempts = row
        return Waiting(
            id=number, message=message, tx=tx, event=json.loads(event), attempts=attempts
        )

    def waiting(self) -> int:
        """Return how many messages wait."""
        (count,) = self._db.execute("SELECT count(*) FROM outbox").fetchone()
        return int(count)

    def refused(self, waiting: Waiting) -> None:
        """Count a refusal."""
        self._db.execute("UPDATE outbox SET attempts = attempts + 1 WHERE id = ?", (waiting.id,))

    def delivered(self, waiting: Waiting, remote: str = "") -> None:
        """Forget a message; ``remote`` is how the other side calls its transaction."""
        with self.together():
            self._db.execute("DELETE FROM outbox WHERE id = ?", (waiting.id,))
            if remote:
                self._db.execute("UPDATE tx SET remote = ? WHERE id = ?", (remote, waiting.tx))
            self._db.execute("DELETE FROM tx WHERE open = 0 AND id NOT IN (SELECT tx FROM outbox)")

    # --- transactions ---

    def save_tx(self, name: str, state: Mapping[str, Any], *, is_open: bool) -> None:
        """Keep how a transaction stands."""
        self._db.execute(
            "INSERT INTO tx (id, open, state) VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET open = excluded.open, state = excluded.state",
            (name, int(is_open), json.dumps(state)),
        )

    def open_tx(self) -> dict[str, Any] | None:
        """Return the transaction that has not ended."""
        row = self._db.execute("SELECT state FROM tx WHERE open = 1 ORDER BY rowid").fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def remote_of(self, name: str) -> str:
        """Return how the other side calls a transaction; empty: it has not said."""
        row = self._db.execute("SELECT remote FROM tx WHERE id = ?", (name,)).fetchone()
        return "" if row is None else str(row[0])

    # --- a whole book ---

    def kept(self) -> Kept:
        """Return every transaction and every message."""
        rows = self._db.execute("SELECT id, remote, open, state FROM tx ORDER BY rowid").fetchall()
        states = [
            (name, remote, is_open, json.loads(state)) for name, remote, is_open, state in rows
        ]
        messages = self._db.execute("SELECT message, kind, tx, event FROM outbox ORDER BY id")
        return Kept(
            names=tuple((name, remote, state) for name, remote, _, state in states),
            running=tuple(state for _, _, is_open, state in states if is_open),
            messages=tuple(
                (number, kind, tx, json.loads(event)) for number, kind, tx, event in messages
            ),
        )

    def take_back(self, source: str, kept: Kept) -> int:
        """Have the messages of another book delivered before all others; tell how many.

        Args:
            source: its name; what has been taken once is not taken again.
            kept: what it holds; every transaction has ended.
        """
        count = len(kept.messages)
        with self.together():
            if self.note(f"taken {source}"):
                return 0
            self.set_note(f"taken {source}", "yes")
            self._db.executemany(
                "INSERT OR IGNORE INTO tx (id, remote, open, state) VALUES (?, ?, 0, ?)",
                [(name, remote, json.dumps(state)) for name, remote, state in kept.names],
            )
            (first,) = self._db.execute("SELECT coalesce(min(id), 1) FROM outbox").fetchone()
            self._db.executemany(
                "INSERT INTO outbox (id, message, kind, tx, event) VALUES (?, ?, ?, ?, ?)",
                [
                    (place, number, kind, tx, json.dumps(event))
                    for place, (number, kind, tx, event) in enumerate(kept.messages, first - count)
                ],
            )
        return count

    # --- profiles, tokens, notes ---

    def profiles(self) -> list[dict[str, Any]]:
        """Return the charging profiles."""
        rows = self._db.execute("SELECT data FROM profile ORDER BY id").fetchall()
        return [dict(json.loads(data)) for (data,) in rows]

    def set_profiles(self, profiles: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Keep these profiles in place of all others."""
        with self.together():
            self._db.execute("DELETE FROM profile")
            self._db.executemany(
                "INSERT INTO profile VALUES (?, ?)",
                [(number, json.dumps(data)) for number, data in profiles],
            )

    def listed(self, token: str) -> dict[str, Any] | None:
        """Return what the local list says of a token."""
        return self._told("SELECT data FROM listed WHERE token = ? COLLATE NOCASE", token)

    def set_listed(self, entries: Mapping[str, Mapping[str, Any] | None], *, whole: bool) -> None:
        """Put entries into the local list; None takes one out, ``whole`` everything before."""
        with self.together():
            if whole:
                self._db.execute("DELETE FROM listed")
            for token, data in entries.items():
                self._db.execute("DELETE FROM listed WHERE token = ? COLLATE NOCASE", (token,))
                if data is not None:
                    self._db.execute("INSERT INTO listed VALUES (?, ?)", (token, json.dumps(data)))

    def count_listed(self) -> int:
        """Return how long the local list is."""
        (count,) = self._db.execute("SELECT count(*) FROM listed").fetchone()
        return int(count)

    def cached(self, token: str) -> dict[str, Any] | None:
        """Return what the management system said of a token last."""
        return self._told("SELECT data FROM cached WHERE token = ? COLLATE NOCASE", token)

    def set_cached(self, token: str, data: Mapping[str, Any], used_s: int) -> None:
        """Remember what it said; the tokens not seen for longest give way."""
        with self.together():
            self._db.execute("DELETE FROM cached WHERE token = ? COLLATE NOCASE", (token,))
            self._db.execute(
                "INSERT INTO cached VALUES (?, ?, ?)", (token, json.dumps(data), used_s)
            )
            self._db.execute(
                "DELETE FROM cached WHERE token NOT IN "
                "(SELECT token FROM cached ORDER BY used DESC LIMIT ?)",
                (MOST_CACHED,),
            )

    def forget_cached(self, token: str) -> None:
        """Forget what was said of one token."""
        self._db.execute("DELETE FROM cached WHERE token = ? COLLATE NOCASE", (token,))

    def clear_cache(self) -> None:
        """Forget what was said of tokens."""
        self._db.execute("DELETE FROM cached")

    def forget_told(self) -> None:
        """Forget whatever the management system has told, and nothing it is to be told."""
        with self.together():
            for table in ("profile", "listed", "cached"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608  # one of ours
            self._db.execute("DELETE FROM note WHERE key NOT IN ('register', 'billed', 'system')")

    def note(self, key: str, default: str = "") -> str:
        """Return a small thing that was kept."""
        row = self._db.execute("SELECT value FROM note WHERE key = ?", (key,)).fetchone()
        return default if row is None else str(row[0])

    def set_note(self, key: str, value: str) -> None:
        """Keep a small thing."""
        self._db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (key, value))

    def _told(self, question: str, token: str) -> dict[str, Any] | None:
        row = self._db.execute(question, (token,)).fetchone()
        return None if row is None else dict(json.loads(row[0]))


class _NewerError(sqlite3.DatabaseError):
    """It is whole, and of another version."""


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_BUSY_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={_VERSION}; COMMIT;")
    elif version != _VERSION:
        raise _NewerError(f"version {version} is not {_VERSION}")
    connection.execute("SELECT count(*) FROM outbox").fetchone()
