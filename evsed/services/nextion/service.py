"""The display, on whichever port it is at the moment; lives as long as the daemon."""

from collections.abc import AsyncIterator

from evsed.errors import DisplayError
from evsed.operations.operations import Operations
from evsed.services.nextion.model import DisplayInfo
from evsed.services.nextion.session import NextionSession


class NextionDisplay:
    """The display on the port that is in mode ``nextion``, if there is one.

    Args:
        operations: what is shown, and who is asked.
        read_only: settings and actions of the display are ignored.
    """

    def __init__(self, operations: Operations, *, read_only: bool = False) -> None:
        self._operations = operations
        self._read_only = read_only
        self._session: NextionSession | None = None

    def session(self) -> NextionSession:
        """Return a session for a port that is about to open."""
        return NextionSession(self._operations, read_only=self._read_only, noticed=self._noticed)

    async def info(self) -> DisplayInfo | None:
        """Ask the display who it is; None when there is none, or it does not answer."""
        return None if self._session is None else await self._session.info()

    async def upload(self, length: int, baud_rate: int, chunks: AsyncIterator[bytes]) -> None:
        """Write a program into the display.

        Args:
            length: bytes of the program.
            baud_rate: the rate of the transfer, 2400 to 921600.
            chunks: the program in pieces of any size; small ones save memory.

        Raises:
            DisplayError: no port in mode ``nextion``, an upload running, or the display refused.
            BrokenUpload: the program did not come to its end.
        """
        if self._session is None:
            raise DisplayError("no serial port is in mode nextion")
        await self._session.upload(length, baud_rate, chunks)

    def _noticed(self, session: NextionSession, is_open: bool) -> None:
        if is_open:
            self._session = session
        elif self._session is session:
            self._session = None
