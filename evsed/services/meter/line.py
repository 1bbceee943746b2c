"""Mode ``meter`` of a serial port: bytes between the port and the meter's thread."""

import asyncio
import socket
from contextlib import suppress
from typing import Final

from evsed.host.serial_port import Session, Writer
from evsed.services.meter.client import MeterSilentError

_READ_BYTES: Final = 512


class MeterPort:
    """Hands the port in mode ``meter`` to the meter's thread, as a socket."""

    def __init__(self) -> None:
        self._far: socket.socket | None = None

    def session(self) -> Session:
        """Return a session for the serial manager."""
        return _LineSession(self)

    def connect(self) -> socket.socket:
        """Return the line, for the meter's thread to close.

        Raises:
            MeterSilentError: no port is open in mode ``meter``.
        """
        far = self._far
        if far is None:
            raise MeterSilentError("no serial port is open in mode meter")
        try:
            return far.dup()
        except OSError as error:
            raise MeterSilentError("the serial port was closed") from error

    def lend(self, far: socket.socket | None) -> None:
        """Replace the line; None: there is none any more."""
        before, self._far = self._far, far
        if before is not None:
            before.close()


class _LineSession:
    """Copies bytes both ways; what the meter's thread does not read in time is lost."""

    def __init__(self, port: MeterPort) -> None:
        self._port = port
        self._near: socket.socket | None = None
        self._writer: Writer | None = None

    def opened(self, writer: Writer) -> None:
        """The port is open."""
        self._writer = writer
        self._near, far = socket.socketpair()
        self._near.setblocking(False)
        asyncio.get_running_loop().add_reader(self._near, self._pass_on)
        self._port.lend(far)

    def received(self, data: bytes) -> None:
        """Pass on what the meter said."""
        if self._near is not None:
            with suppress(OSError):
                self._near.send(data)

    async def closed(self, reason: str) -> None:
        """The port is gone."""
        del reason
        near, self._near, self._writer = self._near, None, None
        if near is not None:
            self._port.lend(None)
            asyncio.get_running_loop().remove_reader(near)
            near.close()

    def _pass_on(self) -> None:
        near, writer = self._near, self._writer
        if near is None or writer is None:
            return
        with suppress(OSError):
            data = near.recv(_READ_BYTES)
            if data:
                writer.write(data)
