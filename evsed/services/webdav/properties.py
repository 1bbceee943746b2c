"""Dead properties: what clients want remembered about files. SQLite, outside the tree. Blocking.

Keyed by path; calls may come from any worker thread. Source: webdav.md section 7.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from evsed.services.webdav.bodies import PropertyChange
from evsed.services.webdav.paths import Names
from evsed.services.webdav.xml_reader import Name

_log = logging.getLogger(__name__)

MAX_PER_RESOURCE: Final = 64
MAX_VALUE_BYTES: Final = 4096
#: Of all resources together; an answer about all of them has to stay small.
MAX_ALL_BYTES: Final = 4 * 1024 * 1024

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS property (
  path TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, xml TEXT NOT NULL,
  PRIMARY KEY (path, namespace, name)
) WITHOUT ROWID
"""
#: A path or what is below it; ``_bounds`` has the values.
_SELECT: Final = (
    "SELECT path, namespace, name, xml FROM property WHERE path = ? OR (path >= ? AND path < ?)"
)
_DELETE: Final = "DELETE FROM property WHERE path = ? OR (path >= ? AND path < ?)"
_DELETE_ONE: Final = "DELETE FROM property WHERE path = ?"
_INSERT: Final = "INSERT OR REPLACE INTO property VALUES (?, ?, ?, ?)"

#: A database in memory.
_NOWHERE: Final = Path(":memory:")
#: Later than every path.
_AFTER_ALL: Final = "\U0010ffff"

Kept = dict[Name, str]
_Order = tuple[str, tuple[str, ...]]


class PropertyStore:
    """The database.

    Args:
        file: where it is kept; one that cannot be used is set aside.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._database = _opened(file)
        self._bytes = self._total()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    @property
    def empty(self) -> bool:
        """Whether nothing at all is kept; never waits."""
        return self._bytes == 0

    def of(self, names: Names) -> Kept:
        """Return the properties of one resource: name and XML."""
        key = _key(names)
        return {} if self.empty else self._select((key, key, key)).get(names, {})

    def at_or_below(self, names: Names) -> dict[Names, Kept]:
        """Return the properties of a resource and of everything below."""
        if self.empty:
            return {}
        return self._select(_bounds(names))

    def change(self, names: Names, changes: Sequence[PropertyChange]) -> PropertyChange | None:
        """Make all changes, or none.

        Returns:
            The change for which there is no room; None when all are made.
        """
        kept = self.of(names)
        total = self._bytes
        for change in changes:
            total -= len(kept.pop(change.name, "").encode())
            if change.xml is not None:
                kept[change.name] = change.xml
                size = len(change.xml.encode())
                total += size
                full = len(kept) > MAX_PER_RESOURCE or total > MAX_ALL_BYTES
                if size > MAX_VALUE_BYTES or full:
                    return change
        self._replace(names, kept)
        return None

    def remove(self, names: Names) -> None:
        """Forget a resource and everything below; what cannot be forgotten is logged."""
        if not self.empty:
            self._follow([(_DELETE, _bounds(names))])

    def move(self, source: Names, target: Names) -> None:
        """Let the properties follow a resource and everything below."""
        if not self.empty:
            self._take(self.at_or_below(source), source, target, and_forget=(source, target))

    def copy(self, source: Names, target: Names, *, deep: bool) -> None:
        """Give a copy the properties of the original."""
        if not self.empty:
            found = self.at_or_below(source) if deep else {source: self.of(source)}
            self._take(found, source, target, and_forget=(target,))

    def purge(self, exists: Callable[[Names], bool]) -> None:
        """Forget what belongs to nothing any more."""
        for names in self.at_or_below(()):
            if not exists(names):
                self._follow([(_DELETE_ONE, (_key(names),))])

    def _take(
        self, found: dict[Names, Kept], source: Names, target: Names, *, and_forget: Iterable[Names]
    ) -> None:
        orders = [(_DELETE, _bounds(names)) for names in and_forget]
        for names, kept in found.items():
            orders += _inserts((*target, *names[len(source) :]), kept)
        self._follow(orders)

    def _replace(self, names: Names, kept: Kept) -> None:
        self._write([(_DELETE_ONE, (_key(names),)), *_inserts(names, kept)])

    def _select(self, bounds: tuple[str, ...]) -> dict[Names, Kept]:
        found: dict[Names, Kept] = {}
        with self._lock:
            rows = self._database.execute(_SELECT, bounds).fetchall()
        for path, namespace, name, xml in rows:
            found.setdefault(_names(path), {})[namespace, name] = xml
        return found

    def _follow(self, orders: Iterable[_Order]) -> None:
        """Follow what has been done to files already: too late to refuse it."""
        try:
            self._write(orders)
        except sqlite3.Error as error:
            _log.error("properties of files could not follow a change: %s", error)

    def _write(self, orders: Iterable[_Order]) -> None:
        with self._lock:
            with self._database:
                for order, values in orders:
                    self._database.execute(order, values)
            self._bytes = self._total()

    def _total(self) -> int:
        order = "SELECT COALESCE(SUM(LENGTH(CAST(xml AS BLOB))), 0) FROM property"
        (total,) = self._database.execute(order).fetchone()
        return int(total)


def _inserts(names: Names, kept: Kept) -> list[_Order]:
    return [(_INSERT, (_key(names), *name, xml)) for name, xml in kept.items()]


def _bounds(names: Names) -> tuple[str, ...]:
    """Return a path, the beginning and the end of what is below; "0" is the letter after "/"."""
    key = _key(names)
    return (key, f"{key}/", f"{key}0") if names else ("", "", _AFTER_ALL)


def _key(names: Names) -> str:
    return "/".join(names)


def _names(path: str) -> Names:
    return tuple(path.split("/")) if path else ()


def _opened(file: Path) -> sqlite3.Connection:
    """Return the database; without one that can be used the files are still served."""
    try:
        return _connected(file)
    except sqlite3.OperationalError as error:
        _log.error("%s cannot be used, properties of files are not kept: %s", file, error)
        return _connected(_NOWHERE)
    except sqlite3.DatabaseError as error:
        _log.error("%s is damaged, a new one is made: %s", file, error)
    return _renewed(file)


def _renewed(file: Path) -> sqlite3.Connection:
    """Set a damaged database aside; return a new one."""
    for old in file.parent.glob(f"{file.name}-*"):
        old.unlink()
    file.replace(file.with_name(f"{file.name}.unusable"))
    return _connected(file)


def _connected(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, check_same_thread=False)
    try:
        # A power cut may take the newest properties, never the database.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(_TABLE)
        database.execute("SELECT path, namespace, name, xml FROM property LIMIT 1").fetchone()
    except BaseException:
        database.close()
        raise
    return database
