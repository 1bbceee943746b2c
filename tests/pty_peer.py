"""The other end of a serial line: a pseudo terminal, and a link that names its near end.

``PtyCable`` joins two of them, for programs that want a device of their own.
"""

import asyncio
import contextlib
import os
import select
import termios
import threading
import time
import tty
from pathlib import Path
from typing import Self


class PtyPeer:
    """What is plugged in at ``link``; ``unplug`` and ``plug`` do what they say.

    A charger opens ``link``; the test reads and writes the far end.
    """

    def __init__(self, link: Path, *, plugged: bool = True) -> None:
        self.link = link
        self.master = -1
        self.received = bytearray()
        if plugged:
            self.plug()

    def plug(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self.master, False)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1
        self.link.unlink(missing_ok=True)

    def attributes(self) -> list:
        """Return the line settings of the near end."""
        slave = os.open(self.link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            return termios.tcgetattr(slave)
        finally:
            os.close(slave)

    def send(self, data: bytes) -> None:
        while data:
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self.master, data) :]

    def send_some(self, data: bytes) -> int:
        """Send what there is room for; return how much that was."""
        try:
            return os.write(self.master, data)
        except BlockingIOError:
            return 0

    def look(self) -> bytes:
        """Read what is there; return everything received since the last ``take``."""
        while self.master >= 0:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # nothing there, or nobody has the near end open
                break
            if not data:
                break
            self.received += data
        return bytes(self.received)

    def take(self) -> bytes:
        """Return what was received, and forget it."""
        found = self.look()
        self.received.clear()
        return found

    def wait_for(self, wanted: bytes, within_s: float = 15.0) -> bytes:
        """Wait until something was received; return everything up to it, and forget that."""
        give_up = time.monotonic() + within_s
        while wanted not in self.look():
            if time.monotonic() > give_up:
                raise AssertionError(f"{wanted!r} did not come: {self.look()!r}")
            time.sleep(0.005)
        return self._up_to(wanted)

    async def until(self, wanted: bytes, within_s: float = 15.0) -> bytes:
        """Do the same while an event loop runs."""
        give_up = time.monotonic() + within_s
        while wanted not in self.look():
            if time.monotonic() > give_up:
                raise AssertionError(f"{wanted!r} did not come: {self.look()!r}")
            await asyncio.sleep(0.005)
        return self._up_to(wanted)

    def ask(self, data: bytes, wanted: bytes, within_s: float = 15.0) -> bytes:
        self.send(data)
        return self.wait_for(wanted, within_s)

    def _up_to(self, wanted: bytes) -> bytes:
        end = self.received.index(wanted) + len(wanted)
        found = bytes(self.received[:end])
        del self.received[:end]
        return found


class PtyCable:
    """Carries bytes between two peers while it is entered; both near ends are devices then."""

    def __init__(self, one: PtyPeer, other: PtyPeer) -> None:
        self._ends = {one.master: other.master, other.master: one.master}
        self._ended = False
        self._thread = threading.Thread(target=self._carry, name="cable")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()

    def _carry(self) -> None:
        while not self._ended:
            for end in select.select(list(self._ends), [], [], 0.02)[0]:
                try:
                    os.write(self._ends[end], os.read(end, 4096))
                except OSError:  # nobody has one of the near ends open
                    time.sleep(0.005)
