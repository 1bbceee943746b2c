"""Serves the SPI bus over a Unix socket, in the time the real bus would take.

One request is many conversions: ``<total length, bus, chip select, count>``, then the count
durations in us, then 3 bytes to send per conversion. The answer is 3 bytes per conversion.
"""

import contextlib
import socket
import struct
import threading
import time
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from evsed.hardware.real_time import SIMULATOR, ask_real_time
from evsed.hardware.simulator.frames import exchange_at
from evsed.hardware.simulator.live import LiveCircuit
from evsed.hardware.simulator.spi_wire import FRAME, REQUEST, read_exactly

_JOIN_S = 2.0
#: the reading is held this long after chip select falls. Source: board.md section 7.2.
_HOLD_US = 11
#: conversions that are left for the end: a millisecond of the bus, enough to work out 500 others
_LAST = 24


class SpiServer:
    """A listening thread and one thread per connection; all end with ``stop``."""

    def __init__(self, live: LiveCircuit, path: Path) -> None:
        self._live = live
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = False
        self._start(self._accept)

    def stop(self) -> None:
        """Close everything."""
        self._stopping = True
        for connection in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_JOIN_S)
        self._listener.close()

    def _start(self, target: object, *args: object) -> None:
        assert callable(target)  # noqa: S101 - ours
        thread = threading.Thread(target=target, args=args, name="sim-spi", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        ask_real_time(SIMULATOR)
        with connection, contextlib.suppress(OSError):
            while (request := _receive(connection)) is not None:
                connection.sendall(self._convert(*request))
        self._connections.discard(connection)

    def _convert(self, bus: int, cs: int, durations: bytes, tx: bytes) -> bytes:
        starts, total_us = _schedule(durations)
        began_us = self._live.now_us()
        answer = b""
        for first, last in _parts(len(starts)):
            self._sleep_until(began_us + (total_us if last == len(starts) else starts[last]))
            times = [began_us + place for place in starts[first:last]]
            with self._live as circuit:
                answer += exchange_at(circuit, bus, cs, tx[first * FRAME : last * FRAME], times)
        return answer

    def _sleep_until(self, moment_us: int) -> None:
        left_us = moment_us - self._live.now_us()
        if left_us > 0:
            time.sleep(left_us / 1_000_000)


def _parts(count: int) -> tuple[tuple[int, int], ...]:
    """Return what to work out at a time: a converter has the last answer at once, with the others.

    So all but the last few are worked out while those are still being converted.
    """
    early = count - _LAST
    return ((0, early), (early, count)) if early > _LAST else ((0, count),)


@lru_cache(maxsize=64)
def _schedule(durations: bytes) -> tuple[tuple[int, ...], int]:
    """Return when each conversion holds its reading, and how long all take."""
    each = struct.unpack(f"<{len(durations) // 2}H", durations)
    ends = tuple(accumulate(each))
    starts = (0, *ends[:-1])
    return tuple(start + _HOLD_US for start in starts), ends[-1]


def _receive(connection: socket.socket) -> tuple[int, int, bytes, bytes] | None:
    """Return one request, or None when the other side has gone or talks nonsense."""
    header = read_exactly(connection, REQUEST.size)
    if header is None:
        return None
    length, bus, cs, count = REQUEST.unpack(header)
    if count == 0 or length != count * (2 + FRAME):
        return None
    body = read_exactly(connection, length)
    if body is None:
        return None
    return bus, cs, body[: 2 * count], body[2 * count :]
