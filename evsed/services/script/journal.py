"""Lines of scripts for the system's journal, under a name of their own. Source: lua.md section 10.

Not through ``logging``: the daemon's own log is short, a chatty script would push out what matters.
"""

import contextlib
import os
import socket
from pathlib import Path
from typing import Final

_SOCKET: Final = Path("/run/systemd/journal/socket")
#: Source: systemd, "Native Journal Protocol"; 6 is the level for information.
_FIELDS: Final = b"PRIORITY=6\nSYSLOG_IDENTIFIER=evsed-script\nMESSAGE="


class Journal:
    """Sends lines, or nothing where the daemon was not started by systemd. Never waits.

    Args:
        path: where the journal listens.
    """

    def __init__(self, path: Path = _SOCKET) -> None:
        self._socket: socket.socket | None = None
        if "JOURNAL_STREAM" not in os.environ:
            return
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.setblocking(False)
        try:
            made.connect(str(path))
        except OSError:
            made.close()
        else:
            self._socket = made

    def write(self, line: str) -> None:
        """Send one line; a journal that is busy or gone does not get it."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.send(_FIELDS + line.encode(errors="replace") + b"\n")
