"""The envelope of Modbus TCP: cuts requests out of a stream in whatever pieces it comes. Pure.

Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3; modbus.md section 7.
"""

from struct import Struct
from typing import Final, NamedTuple

#: Transaction, protocol (0), length of what follows it, unit.
_HEADER: Final = Struct(">HHHB")
_HEADER_BYTES: Final = 7
#: The length counts the unit and the PDU.
_SHORTEST: Final = 2
_LONGEST: Final = 254
#: Longest frame.
MOST_BYTES: Final = 6 + _LONGEST


class OutOfStepError(Exception):
    """What comes next cannot be a frame: nothing that follows can be trusted either."""


class Frame(NamedTuple):
    """One request."""

    transaction: int
    unit: int
    pdu: bytes


class FrameCutter:
    """Keeps what has arrived and not yet been taken.

    The bytes lie in ``room`` from ``begin`` to ``end``; whoever receives puts new ones behind
    them, calls ``added`` and then ``take`` until there is nothing.
    """

    def __init__(self, frames: int = 16) -> None:
        self.room = bytearray(frames * MOST_BYTES)
        self._view = memoryview(self.room)
        self._begin = 0
        self._end = 0
        #: bytes that have not been taken
        self.waiting = 0

    @property
    def full(self) -> bool:
        """Whether nothing more can be put in before something is taken."""
        return self.waiting == len(self.room)

    def free(self) -> memoryview:
        """Return where the next bytes go; not empty unless ``full``."""
        if not self._end:
            return self._view
        if self._begin:
            waiting = self.room[self._begin : self._end]
            self._view[: len(waiting)] = waiting
            self._begin, self._end = 0, len(waiting)
        return self._view[self._end :]

    def added(self, count: int) -> None:
        """Say how many bytes were put in."""
        self._end += count
        self.waiting += count

    def take(self) -> Frame | None:
        """Return the next request; frames of another protocol are passed over.

        Raises:
            OutOfStepError: the stream makes no sense.
        """
        while self.waiting >= _HEADER_BYTES:
            begin = self._begin
            transaction, protocol, length, unit = _HEADER.unpack_from(self.room, begin)
            if not _SHORTEST <= length <= _LONGEST:
                raise OutOfStepError
            stop = begin + 6 + length
            if stop > self._end:
                return None
            self._begin, self.waiting = stop, self._end - stop
            if not self.waiting:
                self._begin = self._end = 0
            if protocol == 0:
                return Frame(transaction, unit, bytes(self._view[begin + 7 : stop]))
        if self._length_is_wrong():
            raise OutOfStepError
        return None

    def _length_is_wrong(self) -> bool:
        """A length of 0 ends the frame before a unit can follow: six bytes are enough to know."""
        if self.waiting < 6:
            return False
        length = int.from_bytes(self.room[self._begin + 4 : self._begin + 6], "big")
        return not _SHORTEST <= length <= _LONGEST


def envelope(frame: Frame, pdu: bytes) -> bytes:
    """Return an answer as it is sent."""
    return _HEADER.pack(frame.transaction, 0, len(pdu) + 1, frame.unit) + pdu
