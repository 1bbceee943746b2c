"""The sampler's end of the simulated SPI bus: the kernel's records go in and out."""

import ctypes
import errno
import itertools
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evsed.board.description import Adc
from evsed.errors import HardwareError
from evsed.hardware.simulator.spi_wire import FRAME, REQUEST, read_exactly

#: struct spi_ioc_transfer: tx, rx, length, speed, delay, bits, cs change, and the rest
_RECORD = struct.Struct("<QQIIHBBBBBB")  # Source: linux/spi/spidev.h
#: kernel's pause between chip selects and its own work. Source: board.md section 7.4
_PAUSE_US = 19
_TIMEOUT_S = 1.0
_SIZE_SHIFT, _SIZE_MASK = 16, 0x3FFF


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one set of records says, worked out once."""

    count: int
    tx: "_Places"
    rx: "_Places"
    head: bytes


class SimulatedSpiPort:
    """Fits the sampler's ``SpiPort``: one call does all transfers, as an ioctl would.

    Raises:
        HardwareError: the simulator is not there.
    """

    def __init__(self, socket_path: Path, adc: Adc) -> None:
        self._adc = adc
        self._plans: dict[bytes, _Plan] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_TIMEOUT_S)
        try:
            self._socket.connect(str(socket_path))
        except OSError as error:
            self._socket.close()
            raise HardwareError(f"converter {adc.name} at {socket_path}: {error}") from error

    def exchange(self, request: int, records: "ctypes.Array[Any]") -> None:
        """Send what the records point at, and put the answers where they point.

        Raises:
            OSError: the simulator has gone, or the records are not what a kernel would take.
        """
        raw = bytes(records)
        if request >> _SIZE_SHIFT & _SIZE_MASK != len(raw) or not raw:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        plan = self._plans.get(raw)
        if plan is None:
            plan = self._plans[raw] = self._plan(raw)
        self._socket.sendall(plan.head + plan.tx.gather())
        answer = read_exactly(self._socket, plan.count * FRAME)
        if answer is None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        plan.rx.scatter(answer)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _plan(self, raw: bytes) -> _Plan:
        records = list(_RECORD.iter_unpack(raw))
        if any(record[2] != FRAME for record in records):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        speed_hz = self._adc.speed_hz
        durations = [
            round(8e6 * FRAME / (record[3] or speed_hz)) + _PAUSE_US + record[4]
            for record in records
        ]
        count = len(records)
        head = REQUEST.pack(count * (2 + FRAME), self._adc.bus, self._adc.cs, count)
        return _Plan(
            count=count,
            tx=_Places([record[0] for record in records]),
            rx=_Places([record[1] for record in records]),
            head=head + struct.pack(f"<{count}H", *durations),
        )


class _Places:
    """Where the frames of one set of records lie in memory, and how to move all of them at once."""

    def __init__(self, addresses: Sequence[int]) -> None:
        self._addresses = addresses
        self._stride = _stride(addresses)
        if self._stride is not None:
            self._length = self._stride * (len(addresses) - 1) + FRAME

    def gather(self) -> bytes:
        """Return the frames."""
        if self._stride == FRAME:
            return ctypes.string_at(self._addresses[0], self._length)
        return b"".join([ctypes.string_at(address, FRAME) for address in self._addresses])

    def scatter(self, frames: bytes) -> None:
        """Put frames there; what lies between them stays."""
        if self._stride is None:
            for place, address in enumerate(self._addresses):
                ctypes.memmove(address, frames[place * FRAME : (place + 1) * FRAME], FRAME)
            return
        region = bytearray(ctypes.string_at(self._addresses[0], self._length))
        for place in range(FRAME):
            region[place :: self._stride] = frames[place::FRAME]
        ctypes.memmove(self._addresses[0], bytes(region), self._length)


def _stride(addresses: Sequence[int]) -> int | None:
    """Return the even distance of the addresses, if they have one that leaves room for a frame."""
    if len(addresses) == 1:
        return FRAME
    stride = addresses[1] - addresses[0]
    even = all(b - a == stride for a, b in itertools.pairwise(addresses))
    return stride if even and stride >= FRAME else None
