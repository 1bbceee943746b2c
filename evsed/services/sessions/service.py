"""The history of charging sessions as a service: its writer, its readers, its alarms."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final, TypeVar

from evsed.errors import RejectedError, StorageError
from evsed.operations.operations import Operations
from evsed.operations.session_log import SessionReader, SessionRow
from evsed.services.sessions.around import Around
from evsed.services.sessions.database import BrokenDatabaseError
from evsed.services.sessions.reader import Reader
from evsed.services.sessions.writer import SessionWriter, uptime_identity
from evsed.settings.time_zone import zone
from evsed.station.alarms import Alarm

T = TypeVar("T")

_READERS: Final = 2
#: The whole file is read and judged so long after the start, and so often.
_FIRST_CHECK_S: Final = 60.0
_CHECK_EVERY_S: Final = 86_400.0

_log = logging.getLogger(__name__)


class SessionsService:
    """Keeps and reads the history.

    Args:
        operations: station, clock and settings to watch.
        state_dir: the database is ``sessions/sessions.db`` below it.
        first_check_s: when the file is checked for the first time.
    """

    def __init__(
        self, operations: Operations, state_dir: Path, first_check_s: float = _FIRST_CHECK_S
    ) -> None:
        self._operations = operations
        self._first_check_s = first_check_s
        self._file = database_file(state_dir)
        station = operations.station
        self._writer = SessionWriter(
            self._file, lambda: station.snapshot, self._around, uptime_identity()
        )
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="evsed-history")
        self._told: list[Callable[[SessionRow], None]] = []
        operations.alarm_sources.append(self.alarms)

    def start(self) -> None:
        """Start the writer."""
        self._writer.start()

    async def stop(self) -> None:
        """Write what there is and end; the station has stopped before."""
        await asyncio.to_thread(self._writer.stop)
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def serve(self) -> None:
        """Check the file now and then, until cancelled."""
        loop = asyncio.get_running_loop()
        self._writer.on_end = lambda record: self._ended(loop, record.row())
        await asyncio.sleep(self._first_check_s)
        while True:
            try:
                await self._on_reader(Reader.check)
            except BrokenDatabaseError:
                pass  # the writer knows
            except StorageError as error:
                _log.warning("sessions: the database could not be checked: %s", error)
            await asyncio.sleep(_CHECK_EVERY_S)

    async def read(self, work: Callable[[SessionReader], T]) -> T:
        """See ``SessionLog``."""
        return await self._on_reader(work)

    def on_end(self, told: Callable[[SessionRow], None]) -> None:
        """Have ``told`` called with every session that has ended, on the event loop."""
        self._told.append(told)

    def alarms(self) -> tuple[Alarm, ...]:
        """Return what is not being kept."""
        return self._writer.alarms()

    async def _on_reader(self, work: Callable[[Reader], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._readers, self._work, work)
        except BrokenDatabaseError:
            self._writer.suspect()
            raise

    def _work(self, work: Callable[[Reader], T]) -> T:
        with Reader(self._file) as reader:
            return work(reader)

    def _ended(self, loop: asyncio.AbstractEventLoop, session: SessionRow) -> None:
        """Pass a session on from the writer's thread."""
        try:
            for told in self._told:
                loop.call_soon_threadsafe(told, session)
        except RuntimeError:
            _log.debug("session %s ended after the event loop", session.id)

    def _around(self) -> Around:
        operations = self._operations
        settings, clock = operations.store.settings, operations.clock
        return Around(
            wall_s=clock.now_s(),
            clock_set=clock.plausible(),
            zone=_zone(settings.scheduler.timezone),
            tariff=settings.sessions,
            authorization_required=settings.evse.require_auth,
            authorized=operations.authorized,
        )


def database_file(state_dir: Path) -> Path:
    """Return where the history is kept."""
    return state_dir / "sessions" / "sessions.db"


def _zone(name: str) -> tzinfo:
    try:
        return zone(name)
    except RejectedError:
        return UTC
