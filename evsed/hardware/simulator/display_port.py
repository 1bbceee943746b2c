"""An emulated display at the end of a pseudo terminal, in real time."""

import asyncio
import contextlib
import os
import termios
import tty
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from evsed.hardware.simulator.display_device import EmulatedDisplay

_READ_BYTES: Final = 4096
_QUEUE_BYTES: Final = 65536
_OUTPUT_SPEED: Final = 5


class DisplayPort:
    """A display that looks like a serial device. Use as an asynchronous context manager.

    Args:
        link: where the device is to appear, as a symbolic link; None for no link.
    """

    def __init__(self, link: Path | None = None) -> None:
        self.display = EmulatedDisplay(self._say)
        self.link = link
        #: everything that came, counted
        self.heard_bytes = 0
        self._speeds = {
            getattr(termios, name): int(name[1:]) for name in dir(termios) if _is_speed(name)
        }
        self._unsent = bytearray()
        self._master = self._slave = -1

    async def __aenter__(self) -> Self:
        """Open the terminal and switch the display on."""
        self._master, self._slave = os.openpty()
        for end in (self._master, self._slave):
            tty.setraw(end)
        os.set_blocking(self._master, False)
        if self.link is not None:
            self.link.unlink(missing_ok=True)
            self.link.symlink_to(self.device)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        self.display.power_up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Pull the plug."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        if self.link is not None:
            self.link.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)

    @property
    def device(self) -> str:
        """The path of the serial device."""
        return os.ttyname(self._slave)

    @property
    def baud_rate(self) -> int:
        """The rate the other side has set; 0 for one without a name."""
        speed = termios.tcgetattr(self._master)[_OUTPUT_SPEED]
        return self._speeds.get(speed, 0)

    def _read(self) -> None:
        try:
            data = os.read(self._master, _READ_BYTES)
        except BlockingIOError:
            return
        self.heard_bytes += len(data)
        upload = self.display.receiver
        # At another rate nothing but noise would arrive. Only asked during an upload: a pseudo
        # terminal has no wire, so the instruction itself may be read when the rate is set already.
        if upload is None or self.baud_rate in {0, upload.baud_rate}:
            self.display.take(data)

    def _say(self, data: bytes) -> None:
        self._unsent += data
        if len(self._unsent) > _QUEUE_BYTES:
            self._unsent.clear()  # nobody listens: lost, as on a wire
        self._write()

    def _write(self) -> None:
        with contextlib.suppress(BlockingIOError):
            count = os.write(self._master, self._unsent)
            del self._unsent[:count]
        loop = asyncio.get_running_loop()
        if self._unsent:
            loop.add_writer(self._master, self._write)
        else:
            loop.remove_writer(self._master)


def _is_speed(name: str) -> bool:
    return name[0] == "B" and name[1:].isdecimal() and name != "B0"
