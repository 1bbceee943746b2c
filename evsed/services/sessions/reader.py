"""Reads the history: short queries on worker threads, each with a connection of its own.

SQLite lets other threads run while it works; what Python does with the rows is a few hundred at a
time.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evsed.errors import StorageError
from evsed.operations.session_log import MonthRow, SampleRow, SessionFilter, SessionRow
from evsed.services.sessions.database import BrokenDatabaseError, connect_to_read, is_broken

_SESSION: Final = (
    "SELECT id, start_s, clock_set, duration_ms / 1000, charging_ms / 1000, energy_ws, "
    "meter_start_ws, meter_end_ws, peak_w, cost, authorized, faults, stopped, ended FROM session"
)
_SAMPLE: Final = (
    "SELECT session, minute, energy_ws, peak_w, offered_da, l1_ma, l2_ma, l3_ma "
    "FROM sample WHERE (session, minute) > (?, ?)"
)
_CURVE: Final = (
    "SELECT session, min(minute) / :step * :step, sum(energy_ws), max(peak_w), "
    "CAST(round(avg(offered_da)) AS INTEGER), CAST(round(avg(l1_ma)) AS INTEGER), "
    "CAST(round(avg(l2_ma)) AS INTEGER), CAST(round(avg(l3_ma)) AS INTEGER) "
    "FROM sample WHERE session = :number GROUP BY minute / :step ORDER BY minute"
)


class Reader:
    """One look into the database; made for one piece of work, on its thread."""

    def __init__(self, file: Path) -> None:
        try:
            self._connection = _connection(file)
        except (OSError, sqlite3.Error) as error:
            raise translated(error) from error

    def __enter__(self) -> "Reader":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def sessions(self, wanted: SessionFilter, before: int | None, limit: int) -> list[SessionRow]:
        """See ``SessionReader``."""
        clause, values = _conditions(wanted)
        if before is not None:
            clause, values = [*clause, "id < ?"], [*values, before]
        where = f" WHERE {' AND '.join(clause)}" if clause else ""
        rows = self._ask(f"{_SESSION}{where} ORDER BY id DESC LIMIT ?", (*values, limit))
        return [_session(row) for row in rows]

    def session(self, number: int) -> SessionRow | None:
        """See ``SessionReader``."""
        rows = self._ask(f"{_SESSION} WHERE id = ?", (number,))
        return _session(rows[0]) if rows else None

    def samples(self, number: int, step: int) -> list[SampleRow]:
        """See ``SessionReader``."""
        return [_sample(row) for row in self._ask(_CURVE, {"number": number, "step": step})]

    def samples_after(
        self, wanted: SessionFilter, after: tuple[int, int], limit: int
    ) -> list[SampleRow]:
        """See ``SessionReader``."""
        clause, values = _conditions(wanted)
        only = ""
        if clause:
            only = f" AND session IN (SELECT id FROM session WHERE {' AND '.join(clause)})"  # noqa: S608
        rows = self._ask(
            f"{_SAMPLE}{only} ORDER BY session, minute LIMIT ?", (*after, *values, limit)
        )
        return [_sample(row) for row in rows]

    def starts(self, numbers: Sequence[int]) -> Mapping[int, int]:
        """See ``SessionReader``."""
        marks = ", ".join("?" * len(numbers))
        text = f"SELECT id, start_s FROM session WHERE id IN ({marks})"  # noqa: S608
        return dict(self._ask(text, tuple(numbers)))

    def months(self) -> list[MonthRow]:
        """See ``SessionReader``."""
        rows = self._ask(
            "SELECT month, count(*), sum(energy_ws), sum(charging_ms) / 1000, sum(cost) "
            "FROM session GROUP BY month ORDER BY month DESC",
            (),
        )
        return [
            MonthRow(
                month=row[0], sessions=row[1], energy_ws=row[2], charging_s=row[3], cost=row[4]
            )
            for row in rows
        ]

    def check(self) -> None:
        """Read the whole file and judge it; takes as long as the disk needs.

        Raises:
            BrokenDatabaseError: it is damaged.
        """
        if self._connection is None:
            return
        found = self._ask("PRAGMA quick_check(1)", ())
        if found != [("ok",)]:
            raise BrokenDatabaseError(str(found[0][0]) if found else "it cannot be checked")

    def _ask(
        self, text: str, values: Sequence[object] | Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        try:
            return self._connection.execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise translated(error) from error


def _connection(file: Path) -> sqlite3.Connection | None:
    """Open a database; None while there is none, or its writer has only just begun it."""
    if not file.exists():
        return None
    connection = connect_to_read(file)
    try:
        (things,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    if things:
        return connection
    connection.close()
    return None


def translated(error: OSError | sqlite3.Error) -> StorageError:
    """Return what our callers know, with a sentence for the client."""
    text = f"the history of sessions cannot be read: {error}"
    if isinstance(error, sqlite3.Error) and is_broken(error):
        return BrokenDatabaseError(text)
    return StorageError(text)


def _conditions(wanted: SessionFilter) -> tuple[list[str], list[object]]:
    """Return what a filter asks for as conditions of SQL, with their values."""
    found: list[tuple[str, object]] = [
        ("start_s >= ?", wanted.from_s),
        ("start_s < ?", wanted.to_s),
        ("energy_ws >= ?", wanted.min_energy_ws),
        ("authorized = ?", wanted.authorized),
        ("ended = ?", wanted.ended),
        ("(faults != '') = ?", wanted.faulty),
        ("month = ?", wanted.month),
    ]
    asked = [(text, value) for text, value in found if value is not None]
    return [text for text, _ in asked], [value for _, value in asked]


def _session(row: Sequence[object]) -> SessionRow:
    values = dict(zip(SessionRow.__slots__, row, strict=True))
    values["clock_set"] = bool(values["clock_set"])
    values["faults"] = tuple(str(values["faults"]).split())
    return SessionRow(**values)  # type: ignore[arg-type]  # STRICT tables hold these types


def _sample(row: Sequence[int]) -> SampleRow:
    session, minute, energy_ws, peak_w, offered_da, one, two, three = row
    return SampleRow(
        session=session,
        minute=minute,
        energy_ws=energy_ws,
        peak_w=peak_w,
        offered_da=offered_da,
        currents_ma=(one, two, three),
    )
