"""Connects to the pin daemon of this computer without asking anybody what ``localhost`` means.

Looking a name up reads files, and can fail with the network; a charger has to start without it.
"""

import socket
from typing import Final

#: Started with -l, as by the service of Raspberry Pi OS, the daemon listens on the first only.
#: Source: pigpiod-protocol.md section 1
_PLACES: Final = ("::1", "127.0.0.1")


def connected(host: str, port: int, timeout_s: float) -> socket.socket:
    """Return a connection; ``localhost`` is tried by its numbers.

    Raises:
        OSError: nobody answers.
    """
    failure = OSError("no address")
    for place in _PLACES if host == "localhost" else (host,):
        try:
            return socket.create_connection((place, port), timeout_s)
        except OSError as error:
            failure = error
    raise failure
