"""Where log records go: into the ring, and to standard error or the journal.

Records are formatted and written by a thread of their own, so that no caller waits for a disk.
"""

import logging
import logging.handlers
import os
import queue
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, tzinfo
from typing import Final

from evsed.services.log.ring import LogRing

Zone = Callable[[], tzinfo | None]

#: syslog's levels, as the journal reads them from the start of a line.
_PRIORITY: Final = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
_PLAIN: Final = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"


class LineFormat(logging.Formatter):
    """ISO time, level letter, logger, message.

    Args:
        zone: tells whose time it is; None for the system's.
    """

    def __init__(self, zone: Zone = lambda: None) -> None:
        super().__init__()
        self._zone = zone

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as it stands in the ring; several lines when it has several."""
        text = super().format(record)
        local = datetime.fromtimestamp(record.created, UTC).astimezone(self._zone())
        time = local.isoformat(timespec="milliseconds")
        return f"{time} {record.levelname[:1]} {record.name}: {text}"


class PriorityFormat(logging.Formatter):
    """The level as the journal understands it before each line, then logger and message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record for a standard error that is connected to the journal."""
        mark = f"<{_PRIORITY.get(record.levelno, 6)}>"
        lines = super().format(record).splitlines() or [""]
        return "\n".join([f"{mark}{record.name}: {lines[0]}", *(mark + line for line in lines[1:])])


class RingHandler(logging.Handler):
    """Puts records into a ring."""

    def __init__(self, ring: LogRing, zone: Zone = lambda: None) -> None:
        super().__init__()
        self._ring = ring
        self.setFormatter(LineFormat(zone))

    def emit(self, record: logging.LogRecord) -> None:
        """Append one record; a bad one is reported by ``logging`` and forgotten."""
        try:
            self._ring.append(self.format(record))
        except Exception:  # noqa: BLE001  # the contract of a handler: never raise
            self.handleError(record)


def log_from_a_thread(
    level: int, ring: LogRing | None = None, zone: Zone = lambda: None
) -> ExitStack:
    """Send every record to the ring and outside, from a thread of its own, until closed."""
    outputs: list[logging.Handler] = [_outside()]
    if ring is not None:
        outputs.append(RingHandler(ring, zone))
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(records, *outputs)
    handler = logging.handlers.QueueHandler(records)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    listener.start()
    if listener._thread is not None:  # noqa: SLF001  # the library gives its thread no name
        listener._thread.name = "evsed-log"  # noqa: SLF001
    stack = ExitStack()
    stack.callback(root.removeHandler, handler)
    stack.callback(listener.stop)
    return stack


def _outside() -> logging.Handler:
    """Return the way to the journal when standard error leads there, else standard error."""
    if not _stderr_is_journal():
        plain = logging.StreamHandler()
        plain.setFormatter(logging.Formatter(_PLAIN))
        return plain
    try:
        from systemd.journal import JournalHandler  # noqa: PLC0415  # not on every machine
    except ImportError:
        marked = logging.StreamHandler()
        marked.setFormatter(PriorityFormat())
        return marked
    handler: logging.Handler = JournalHandler(SYSLOG_IDENTIFIER="evsed")
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    return handler


def _stderr_is_journal() -> bool:
    """Tell whether the variable of the service manager is about our own standard error."""
    told = os.environ.get("JOURNAL_STREAM")
    if not told:
        return False
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return told == f"{found.st_dev}:{found.st_ino}"
