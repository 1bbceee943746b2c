"""The log as other interfaces see it: lines, the panic record, a session for a serial port."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import tzinfo

from evsed.services.log.handlers import log_from_a_thread
from evsed.services.log.panic import PanicLog
from evsed.services.log.ring import LogRing
from evsed.services.log.session import LogSession
from evsed.settings.schedule import SchedulerSettings
from evsed.settings.time_zone import zone


class LogService:
    """Ring and panic record together; nothing to serve, so nothing that can fail.

    Args:
        ring: filled while the log is ``kept``.
        panic: None where nothing is recorded.
    """

    def __init__(self, ring: LogRing | None = None, panic: PanicLog | None = None) -> None:
        self.ring = ring or LogRing()
        self._panic = panic
        #: whose time stands in the lines; None for the system's
        self.zone: tzinfo | None = None

    def use_zone(self, text: str) -> None:
        """Let the lines to come have the time of a zone, as the settings name it."""
        self.zone = zone(text)

    async def zone_changed(self, _before: SchedulerSettings, after: SchedulerSettings) -> None:
        """Take the zone of changed settings."""
        self.use_zone(after.timezone)

    def lines(self, index: int) -> tuple[list[str], int]:
        """Return the lines from an index on, and how many there are."""
        return self.ring.lines(index)

    def panic(self) -> tuple[str, int]:
        """Return the panic record and its time, Unix seconds; nothing and 0 without one."""
        return ("", 0) if self._panic is None else self._panic.read()

    def clear_panic(self) -> None:
        """Forget the panic record; waits for the disk.

        Raises:
            OSError: it could not be removed, and stays.
        """
        if self._panic is not None:
            self._panic.clear()

    def ended(self, status: int) -> None:
        """Note the status the daemon is about to end with; waits for the disk."""
        if self._panic is not None:
            self._panic.ended(status, self.ring.lines()[0])

    @contextmanager
    def kept(self, level: int) -> Iterator[None]:
        """Keep what is logged from a level on, and note how this run ends."""
        with log_from_a_thread(level, self.ring, lambda: self.zone), self._panic or nullcontext():
            yield

    def session(self) -> LogSession:
        """Return the serial mode ``log`` for one port."""
        return LogSession(self.ring)
