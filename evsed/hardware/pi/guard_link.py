"""The daemon's end of the guard: a process of its own that opens the contactor when this one stops.

The guard is not part of this program: it is started by the system, shares no code with it, and
speaks a small language. Here: beats out, answers in, on a socket that never makes anybody wait.

Source: platform.md section 8.2, link 2b.
"""

import contextlib
import socket
import time
from pathlib import Path
from typing import Final

from evsed.hardware.interfaces import DeadMan

#: what the guard says first; then it has read which pins to drive
HELLO: Final = b"ready"
_BEAT: Final = b"beat"
_LONGEST: Final = 64
#: words that are taken at a time
_MOST_ANSWERS: Final = 16
#: how long the guard may take for its first word
_HELLO_S: Final = 1.0
_BEAT_NS: Final = 45_000_000
#: silence of the guard that means that it is gone
_PATIENCE_NS: Final = 500_000_000
_AGAIN_NS: Final = 1_000_000_000


class GuardLink:
    """A ``DeadMan``: the guard, as long as it answers.

    A guard that cannot be reached, that hangs or has ended is not armed; once a second it is looked
    for again.

    Args:
        path: its socket.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._socket: socket.socket | None = None
        self._greeted = False
        self._beat_due_ns = self._again_ns = 0
        #: since when an answer has been owed; None: nothing is
        self._owed_ns: int | None = None
        self._connect()
        self._wait_for_hello()

    def refresh(self) -> bool:
        """Send a beat when one is due, take answers; return whether the guard is there."""
        now_ns = time.monotonic_ns()
        if self._socket is None:
            if now_ns >= self._again_ns:
                self._connect()
            return False
        self._take_answers()
        if self._owed_ns is not None and now_ns - self._owed_ns > _PATIENCE_NS:
            self._lose()
        elif self._greeted and now_ns >= self._beat_due_ns:
            self._beat(now_ns)
        return self._there()

    def armed(self) -> bool:
        """Return whether it watches, as far as it has said so by now; never waits."""
        self._take_answers()
        return self._there()

    def _there(self) -> bool:
        return self._socket is not None and self._greeted

    def stop(self) -> None:
        """Let go of it: it opens the contactor once more. Never raises."""
        self._lose()

    def _connect(self) -> None:
        self._again_ns = time.monotonic_ns() + _AGAIN_NS
        try:
            plain = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError:  # too many open files: looked for again like a guard that is not there
            return
        plain.setblocking(False)
        try:
            plain.connect(self._path)  # to a socket of this computer: now or never
        except OSError:
            plain.close()
            return
        self._socket, self._greeted = plain, False
        self._owed_ns = time.monotonic_ns()

    def _wait_for_hello(self) -> None:
        """At the start there is time to."""
        if self._socket is None:
            return
        self._socket.settimeout(_HELLO_S)
        self._take_answer()
        if self._socket is not None:
            self._socket.setblocking(False)

    def _take_answers(self) -> None:
        """Take all that have come: one that is left would stand for a guard that hangs later."""
        for _ in range(_MOST_ANSWERS):
            if not self._take_answer():
                return

    def _take_answer(self) -> bool:
        """Take one word; return whether there was one."""
        if self._socket is None:
            return False
        try:
            word = self._socket.recv(_LONGEST)
        except (BlockingIOError, TimeoutError):
            return False
        except OSError:
            word = b""
        if not word:
            self._lose()
            return False
        self._greeted = self._greeted or word == HELLO
        self._owed_ns = None
        return True

    def _beat(self, now_ns: int) -> None:
        if self._socket is None:
            return
        self._beat_due_ns = now_ns + _BEAT_NS
        try:
            self._socket.send(_BEAT)
        except BlockingIOError:  # it does not read: its patience and ours decide
            return
        except OSError:
            self._lose()
            return
        if self._owed_ns is None:
            self._owed_ns = now_ns

    def _lose(self) -> None:
        gone, self._socket = self._socket, None
        self._greeted, self._owed_ns = False, None
        if gone is not None:
            with contextlib.suppress(OSError):
                gone.close()


class AllOf:
    """Several ``DeadMan`` as one: armed when each is.

    Args:
        members: asked in this order.
    """

    def __init__(self, *members: DeadMan) -> None:
        self._members = members

    def refresh(self) -> bool:
        """Refresh each; return whether all are known to run."""
        known = [member.refresh() for member in self._members]  # a list: none is skipped
        return all(known)

    def armed(self) -> bool:
        """Return whether every one runs."""
        running = [member.armed() for member in self._members]
        return all(running)
