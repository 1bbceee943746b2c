"""The worker that writes the history of sessions: five looks a second, one commit when it is due.

Nobody waits for it. What cannot be written waits in memory, within bounds, and an alarm says so.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from evsed.charging.snapshot import Snapshot
from evsed.errors import StorageError
from evsed.hardware.real_time import WORKER, ask_real_time
from evsed.services.sessions.around import Around, LookAround
from evsed.services.sessions.database import (
    BrokenDatabaseError,
    Database,
    minute_starts_s,
    put_aside,
)
from evsed.services.sessions.record import SessionRecord
from evsed.services.sessions.tracker import SessionTracker
from evsed.station.alarms import Alarm, DiskWatch
from evsed.station.counters import MOST_LOST_MS, MOST_LOST_WS

_EVERY_S: Final = 0.2
#: After a failed write the disk is left alone so long.
_PAUSE_MS: Final = 3_000
#: How often old minutes are looked for.
_TIDY_MS: Final = 3_600_000
_DAY_S: Final = 86_400
_JOIN_S: Final = 5.0

_log = logging.getLogger(__name__)


class SessionWriter:
    """Owns the tracker and the connection; everything but ``alarms`` belongs to its thread.

    Args:
        file: the database.
        look: returns the station's snapshot; never blocks.
        around: returns clock, prices and the like.
        boot: identifies this start of the computer.
    """

    def __init__(
        self, file: Path, look: Callable[[], Snapshot], around: LookAround, boot: str
    ) -> None:
        self.file = file
        self.disk = DiskWatch("sessions_not_saved", "charging sessions are not being saved")
        #: called on this thread with every session that has ended, after it was written
        self.on_end: Callable[[SessionRecord], None] = lambda _record: None
        self._look, self._around, self._boot = look, around, boot
        self._tracker: SessionTracker | None = None
        self._database: Database | None = None
        self._replaced: Alarm | None = None
        self._last_id = self._written_ws = 0
        self._written_ms = self._tidied_ms = self._not_before_ms = 0
        self._clock_was_set = False
        self._suspect = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evsed-sessions", daemon=True)

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    def stop(self) -> None:
        """Write what there is and end; a disk that hangs is given up."""
        self._end.set()
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            _log.error("sessions: the disk does not answer; what was not saved is lost")

    def suspect(self) -> None:
        """Tell that the database has been found damaged; from any thread."""
        self._suspect.set()

    def alarms(self) -> tuple[Alarm, ...]:
        """Return what is wrong; from any thread, never blocks."""
        replaced = self._replaced
        return (*self.disk.alarms(), *(() if replaced is None else (replaced,)))

    def look(self) -> None:
        """Look at the station once, and write what is due."""
        now, around = self._look(), self._around()
        tracker = self._tracker
        if tracker is None:
            tracker = self._begin(now.at_ms)
        tracker.follow(now, around)
        if now.at_ms >= self._not_before_ms and self._due(tracker, now):
            self.write(now, around)

    def write(self, now: Snapshot, around: Around) -> None:
        """Write everything there is."""
        tracker = self._tracker
        if tracker is None:
            return
        tracker.flush()
        known = self.disk.failing
        try:
            with self.disk.attempt():
                self._commit(tracker, now, around)
        except BrokenDatabaseError as error:
            self._replace(str(error))
            self._not_before_ms = now.at_ms
        except StorageError as error:
            self._close()
            self._not_before_ms = now.at_ms + _PAUSE_MS
            if not known:
                _log.error("sessions: could not be saved: %s", error)
        else:
            self._written_ms = now.at_ms
            self._written_ws = 0 if tracker.record is None else tracker.record.energy_ws

    def _run(self) -> None:
        ask_real_time(WORKER)
        while not self._end.wait(_EVERY_S):
            self._look_safely()
        self._written_ms, self._not_before_ms = 0, 0
        self._look_safely()
        now = self._look()
        if self._tracker is not None and now.at_ms:
            with suppress(Exception):
                self.write(now, self._around())
        self._close()

    def _look_safely(self) -> None:
        try:
            self.look()
        except Exception:  # noqa: BLE001  # logged with its traceback; the next look goes on
            _log.exception("sessions: unexpected failure")

    def _begin(self, now_ms: int) -> SessionTracker:
        """Open the database and take up the session that was open."""
        resumed, last = None, None
        try:
            with self.disk.attempt():
                database = self._opened()
                found = database.open_session()
            if found is not None:
                resumed, last = found
                self._written_ws = resumed.energy_ws
        except BrokenDatabaseError as error:
            self._replace(str(error))
        except StorageError as error:
            _log.error("sessions: the database cannot be opened: %s", error)
            self._not_before_ms = now_ms + _PAUSE_MS
        self._tracker = SessionTracker(self._boot, resumed, last)
        self._written_ms = now_ms
        return self._tracker

    def _opened(self) -> Database:
        if self._database is None:
            self._database = Database(self.file)
            self._last_id = max(self._last_id, self._database.last_id())
        return self._database

    def _due(self, tracker: SessionTracker, now: Snapshot) -> bool:
        pending = tracker.pending
        waited_ms = now.at_ms - self._written_ms
        return (
            pending.urgent
            or bool(pending.samples)
            or self._suspect.is_set()
            or tracker.unwritten_ws(self._written_ws) >= MOST_LOST_WS // 2
            or waited_ms >= MOST_LOST_MS // 2
        )

    def _commit(self, tracker: SessionTracker, now: Snapshot, around: Around) -> None:
        if self._suspect.is_set():
            self._suspect.clear()
            raise BrokenDatabaseError("it was found damaged when it was read")
        database, pending = self._opened(), tracker.pending
        database.still_there()
        for record in pending.records:
            if not record.id:
                self._last_id += 1
                record.id = self._last_id
        # A minute whose session was given up has nowhere to go.
        samples = [one for one in pending.samples if one.record.id]
        database.save(pending.records, samples)
        if pending.records:
            database.confirm(pending.records[-1])
        self._mend(database, tracker, around, now)
        self._tidy(database, around, now.at_ms)
        for record in pending.records:
            if record.ended:
                self.on_end(record)
        pending.records.clear()
        pending.samples.clear()
        pending.urgent = False
        if pending.dropped:
            _log.error("sessions: %s entries were lost while the disk was away", pending.dropped)
            pending.dropped = 0

    def _mend(
        self, database: Database, tracker: SessionTracker, around: Around, now: Snapshot
    ) -> None:
        """Give sessions their begin that started before the clock was set, and count costs anew."""
        mended = tracker.pending.mended
        if around.clock_set and not self._clock_was_set:
            self._clock_was_set = True
            for record in database.without_clock(self._boot):
                ago_s = (now.at_ms - record.began_ms) / 1000
                record.start_s = round(around.wall_s - ago_s)
                record.clock_set, record.month = True, around.month(record.start_s)
                mended.append(record)
        for record in mended:
            minutes = database.minutes_of(record)
            if sum(energy_ws for _, energy_ws in minutes) == record.energy_ws:
                record.cost = sum(
                    energy_ws * around.price_e4(minute_starts_s(record, minute))
                    for minute, energy_ws in minutes
                )
        database.save(mended, ())
        mended.clear()

    def _tidy(self, database: Database, around: Around, now_ms: int) -> None:
        """Remove old minutes, a handful with each commit."""
        if not around.clock_set or now_ms - self._tidied_ms < _TIDY_MS:
            return
        newest_s = database.newest_start_s()
        if newest_s is None:
            return
        limit_s = min(newest_s, int(around.wall_s)) - around.tariff.sample_days * _DAY_S
        if not database.retire_samples(limit_s):
            self._tidied_ms = now_ms

    def _replace(self, why: str) -> None:
        """Put the database aside; the next write begins a new one."""
        self._close()
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            with self.disk.attempt():
                folder = put_aside(self.file, stamp)
        except StorageError as error:
            _log.error("sessions: the damaged database cannot be put aside: %s", error)
            self._not_before_ms = self._look().at_ms + _PAUSE_MS
            return
        kept = "nothing of it is left" if folder is None else f"it is kept in {folder}"
        text = f"the history of sessions was damaged and begun anew ({why}); {kept}"
        _log.critical("sessions: %s", text)
        self._replaced = Alarm("sessions_replaced", text)
        tracker = self._tracker
        if tracker is not None:
            # The open session must not be lost with the file.
            tracker.pending.urgent = True
            if tracker.record is not None:
                tracker.pending.note(tracker.record)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def uptime_identity(root: Path = Path("/")) -> str:
    """Return what identifies this start of the computer."""
    try:
        return (root / "proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        # Nothing to tell starts apart by: each run of the daemon counts as one.
        return f"run-{time.time_ns()}"
