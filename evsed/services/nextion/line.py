"""The way to the display: how much is still on its way, so that nothing old is ever queued."""

from collections.abc import Callable
from typing import Final

from evsed.host.serial_port import Writer

#: A page's answers may queue up to this; what comes on top is sent, fresh, when there is room.
_BACKLOG_BYTES: Final = 1024


class Line:
    """A port that knows how long its bytes take.

    A driver's own buffer takes bytes long before they are on the wire, so the time they need is
    worked out from the rate.
    """

    def __init__(self, writer: Writer, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._clock = clock
        self._free_at_s = clock()

    def seconds(self, length: int) -> float:
        """Return how long so many bytes take."""
        return length * self._writer.bits_per_character / self._writer.baud_rate

    @property
    def busy(self) -> bool:
        """Whether earlier bytes are still on their way."""
        return self._writer.pending > 0 or self._clock() < self._free_at_s

    def room_for(self, data: bytes) -> bool:
        """Return whether an answer may queue behind what is on its way."""
        queued = self._writer.pending + len(data)
        waiting_s = self._free_at_s - self._clock() + self.seconds(len(data))
        return queued <= _BACKLOG_BYTES and waiting_s <= self.seconds(_BACKLOG_BYTES)

    def send(self, data: bytes) -> bool:
        """Send; False when the port takes no more."""
        if not self._writer.write(data):
            return False
        self._free_at_s = max(self._clock(), self._free_at_s) + self.seconds(len(data))
        return True
