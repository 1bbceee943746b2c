"""A limit for how long a socket waits that costs nothing while it does not have to.

``settimeout`` asks the kernel twice for every call, and gives the interpreter away twice: to wait,
and to send or receive. With the kernel's own limit one call does both.
"""

import contextlib
import socket
import struct
from typing import Final

#: ``struct timeval``: two longs, or two 64-bit numbers where only the time has 64 bits
_TIMEVALS: Final = (struct.Struct("@ll"), struct.Struct("@qq"))
_US_PER_S: Final = 1_000_000


def limit_waiting(plain: socket.socket, timeout_s: float) -> None:
    """Let calls of a blocking socket fail with ``BlockingIOError`` after so long.

    Source: socket(7), SO_RCVTIMEO and SO_SNDTIMEO.
    """
    plain.settimeout(None)
    seconds, us = divmod(max(round(timeout_s * _US_PER_S), 1), _US_PER_S)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        _set(plain, option, seconds, us)


def _set(plain: socket.socket, option: int, seconds: int, us: int) -> None:
    first, last = _TIMEVALS
    with contextlib.suppress(OSError):  # too short for this kernel
        plain.setsockopt(socket.SOL_SOCKET, option, first.pack(seconds, us))
        return
    plain.setsockopt(socket.SOL_SOCKET, option, last.pack(seconds, us))
