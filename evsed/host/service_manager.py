"""What the daemon tells the service manager that started it: systemd, or nobody.

Not through python3-systemd, whose ``notify`` waits when the manager does not read: the event loop
must not hang because process 1 does.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

import contextlib
import os
import socket
from collections.abc import Mapping


class ServiceManager:
    """systemd's notification socket; where there is none, nothing is said.

    Args:
        environment: the process's; another one in tests.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        #: how long the manager waits for a sign of life, s; None: it waits for none
        self.patience_s = _patience_s(environment)

    def tell(self, *lines: str) -> None:
        """Send assignments such as ``READY=1``; never raises, never waits."""
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):  # an abstract socket has no place in the file system
            address = "\0" + address[1:]
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        ):
            manager.setblocking(False)
            manager.connect(address)
            manager.send("\n".join(lines).encode())


def _patience_s(environment: Mapping[str, str]) -> float | None:
    text, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not text.isdigit() or pid not in {"", str(os.getpid())}:
        return None
    return int(text) / 1e6 or None
