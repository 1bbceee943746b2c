"""Removes our own bytes where an RS-485 receiver hears what its driver sends. Pure.

Whether it does is not known beforehand, and a quick answer of the other side must not be taken
for an echo: what looks like one is kept back until it is complete, and delivered when it was none.
A request that is written again at once looks like the echo of its answer; so a receiver that has
missed several transmissions in a row is taken for one that is off while its driver sends.
Source: serial.md section 5.
"""

from typing import Final

#: How much later than on the wire an echo may be read.
_LATE_S: Final = 0.02
#: More than a driver holds can be neither on the wire nor on its way back.
_MOST_EXPECTED: Final = 8 * 1024
#: So many transmissions in a row that were not heard: none will be.
_UNHEARD: Final = 8


class EchoFilter:
    """Stands between an open port and its session."""

    def __init__(self) -> None:
        self._expected = bytearray()
        self._seen = bytearray()
        self._until_s = 0.0
        #: the last complete transmission was heard
        self._heard = False
        #: transmissions in a row that were not
        self._unheard = 0
        self._silent_from_s: float | None = None

    def sent(self, data: bytes, wire_end_s: float) -> None:
        """Note what was sent, and when it will be off the wire."""
        if self._silent_from_s is None and self._unheard < _UNHEARD:
            self._expected += data
            del self._expected[:-_MOST_EXPECTED]
            self._until_s = wire_end_s + _LATE_S

    def received(self, data: bytes, now_s: float) -> bytes:
        """Return what the other side sent."""
        if self._silent_from_s is not None:
            return self._after_collision(data, now_s)
        late = self.overdue(now_s)
        if not self._expected:
            return late + data
        length = min(len(self._expected), len(data))
        if data[:length] != self._expected[:length]:
            return late + self._different(data, now_s)
        self._seen += data[:length]
        del self._expected[:length]
        if not self._expected:
            self._seen.clear()
            self._heard, self._unheard = True, 0
        return late + data[length:]

    def overdue(self, now_s: float) -> bytes:
        """Return what was kept back and turned out not to be an echo in its time."""
        if not self._expected or now_s <= self._until_s:
            return b""
        kept = bytes(self._seen)
        was_heard, self._heard = self._heard, False
        self._unheard += not was_heard
        self._expected.clear()
        self._seen.clear()
        # Half an echo, where echoes are the rule, is nobody's message.
        return b"" if was_heard else kept

    @property
    def due_s(self) -> float | None:
        """When to ask for what is overdue; None when nothing is kept back."""
        return self._until_s if self._seen else None

    def _different(self, data: bytes, now_s: float) -> bytes:
        kept = bytes(self._seen)
        self._expected.clear()
        self._seen.clear()
        if not self._heard:
            self._unheard += 1
            return kept + data
        # Somebody else spoke at the same time: nothing is worth reading until it is quiet.
        self._heard = False
        self._silent_from_s = now_s + _LATE_S
        return b""

    def _after_collision(self, data: bytes, now_s: float) -> bytes:
        if self._silent_from_s is not None and now_s >= self._silent_from_s:
            self._silent_from_s = None
            return data
        self._silent_from_s = now_s + _LATE_S
        return b""
