"""Between the bench's street and the control thread: messages, and how a charger is re-armed.

A charger that has opened its contactor takes most of a second to charge again. To measure ten
thousand events it is put back to where it was: at the start of a pass, on the control thread,
the rules get the memory back that they had while charging. From there on they are themselves.
"""

import contextlib
import socket
import struct
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

from evsed.charging.memory import Memory
from evsed.charging.states import ChargingState
from evsed.hardware.interfaces import SampleWindow
from evsed.station.control_pass import ControlPass
from evsed.station.loop import monotonic_ms

_MESSAGE: Final = struct.Struct("<cq")
#: A full window has far more readings than one taken while the line is steady.
_FULL_WINDOW: Final = 50


class Word(StrEnum):
    """First byte of a message; the rest is a monotonic time in ns."""

    #: to the charger: remember this state of the rules
    KEEP = "k"
    #: to the charger: go back to it; windows that began before this time do not count
    ARM = "a"
    #: the same, even though the contactor is still closed
    FORCE = "f"
    #: from the charger: remembered
    KEPT = "K"
    #: from the charger: contactor closed, a full window of the restored vehicle has been taken
    READY = "R"
    #: from the charger: the contactor was told to open at this time
    OPEN = "O"


def send(link: socket.socket, word: Word, at_ns: int = 0) -> None:
    """Send one message; on a link that does not block it is dropped when there is no room."""
    with contextlib.suppress(BlockingIOError):
        link.send(_MESSAGE.pack(word.encode(), at_ns))


def receive(link: socket.socket) -> tuple[Word, int] | None:
    """Return the next message, or None when none came in time.

    Raises:
        ConnectionError: the other side has gone.
    """
    try:
        data = link.recv(_MESSAGE.size)
    except (BlockingIOError, TimeoutError):
        return None
    if not data:
        raise ConnectionError("the other side of the benchmark has gone")
    word, at_ns = _MESSAGE.unpack(data)
    return Word(word.decode()), at_ns


class Hook:
    """The charger's end. ``watch`` and ``told`` go into an observed hat.

    Args:
        link: a socket to the street; must not block.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._pass: ControlPass | None = None
        self._kept: Memory | None = None
        self._asked: Word | None = None
        self._valid_ms = 0
        self._closed_ms = 0
        self._awaiting = False
        self._gone = False

    def attach(self, control_pass: ControlPass) -> None:
        """Say whose memory it is; before the control thread starts."""
        self._pass = control_pass

    def told(self, closed: bool, given_ns: int) -> None:
        """Pass on that the contactor was commanded."""
        if closed:
            self._closed_ms = given_ns // 1_000_000 + 1
        else:
            send(self._link, Word.OPEN, given_ns)

    def watch(self, windows: Sequence[SampleWindow]) -> Sequence[SampleWindow]:
        """Do what the street asked for; return the windows that show the present vehicle."""
        control_pass = self._pass
        if control_pass is None or self._gone:
            return windows
        self._take_message(control_pass)
        energized = control_pass.energized
        if self._asked is Word.FORCE or (self._asked is Word.ARM and not energized):
            self._arm(control_pass)
        valid = [window for window in windows if window.started_ms >= self._valid_ms]
        if self._awaiting and energized:
            self._report_ready(valid)
        return valid

    def _take_message(self, control_pass: ControlPass) -> None:
        try:
            message = receive(self._link)
        except ConnectionError:
            self._gone = True
            return
        if message is None:
            return
        word, at_ns = message
        if word is Word.KEEP:
            self._keep(control_pass.memory)
        elif self._kept is not None:
            self._asked = word
            self._valid_ms = at_ns // 1_000_000 + 1

    def _keep(self, memory: Memory) -> None:
        if memory.state is ChargingState.C2 and memory.contactor.closed:
            self._kept = memory
            send(self._link, Word.KEPT)

    def _arm(self, control_pass: ControlPass) -> None:
        assert self._kept is not None  # noqa: S101  # asked for only when there is one
        now_ms = monotonic_ms()
        kept = self._kept
        control_pass.memory = replace(
            kept,
            last_ms=now_ms,
            line=replace(kept.line, seen_ms=now_ms),
            contactor=replace(kept.contactor, since_ms=now_ms),
            energy=control_pass.memory.energy,
        )
        self._asked, self._awaiting = None, True

    def _report_ready(self, windows: Sequence[SampleWindow]) -> None:
        for window in windows:
            if window.started_ms >= self._closed_ms and len(window.readings_mv) >= _FULL_WINDOW:
                self._awaiting = False
                send(self._link, Word.READY)
                return
