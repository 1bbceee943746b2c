"""Mode ``script``: raw bytes for a script, kept until it asks for them.

Source: serial.md 10, lua.md 7.1 and 9.5.
"""

import logging
import time
from typing import Final

from evsed.errors import HardwareError
from evsed.host.serial_port import Session, Writer

#: The newest bytes are kept.
KEPT_BYTES: Final = 16 * 1024
#: What one read returns at most.
READ_BYTES: Final = 256
#: A script that does not read is told of once in so long.
_QUIET_S: Final = 60.0

_log = logging.getLogger(__name__)


class ScriptPort:
    """Hands the port in mode ``script`` to whoever runs scripts; one user at a time."""

    def __init__(self) -> None:
        self._session: ScriptSession | None = None

    def session(self) -> Session:
        """Return a session for the serial manager."""
        self._session = ScriptSession()
        return self._session

    def open(self) -> "ScriptSession | None":
        """Return the open port, or None when there is none or somebody has it already."""
        session = self._session
        if session is None or not session.usable or session.taken:
            return None
        session.taken = True
        return session


class ScriptSession:
    """Raw bytes both ways."""

    def __init__(self) -> None:
        self._writer: Writer | None = None
        self._kept = bytearray()
        self._lost, self._told_s = 0, float("-inf")
        self.taken = False

    @property
    def usable(self) -> bool:
        """Whether the port is open."""
        return self._writer is not None

    def opened(self, writer: Writer) -> None:
        """The port is open."""
        self._writer = writer

    def received(self, data: bytes) -> None:
        """Keep what arrived; the oldest bytes go when there are too many."""
        self._kept += data
        if self.taken:
            self._note_lost(len(self._kept) - KEPT_BYTES)
        del self._kept[:-KEPT_BYTES]

    async def closed(self, reason: str) -> None:
        """The port is gone: reading and writing raise from now on."""
        del reason
        self._writer = None
        self._kept.clear()

    def read(self) -> bytes:
        """Return at most 256 bytes, the oldest first; empty when there are none.

        Raises:
            HardwareError: the port is no longer in mode ``script``.
        """
        self._alive()
        data = bytes(self._kept[:READ_BYTES])
        del self._kept[:READ_BYTES]
        return data

    def write(self, data: bytes) -> bool:
        """Send; False when there is no room now.

        Raises:
            HardwareError: the port is no longer in mode ``script``.
        """
        return self._alive().write(data)

    async def flush(self, timeout_s: float) -> bool:
        """Wait until everything is on the wire; False when that took too long.

        Raises:
            HardwareError: the port is no longer in mode ``script``.
        """
        return await self._alive().drained(timeout_s)

    def release(self) -> None:
        """Let somebody else have it."""
        self.taken = False

    def _note_lost(self, count: int) -> None:
        self._lost += max(0, count)
        now_s = time.monotonic()
        if self._lost and now_s - self._told_s >= _QUIET_S:
            _log.warning("serial: %d bytes lost, the script does not read", self._lost)
            self._lost, self._told_s = 0, now_s

    def _alive(self) -> Writer:
        if self._writer is None:
            raise HardwareError("serial: the port is no longer open for scripts")
        return self._writer
