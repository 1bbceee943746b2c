"""The receiving side of an upload: a program on its way into an emulated display. Pure.

Source: nextion.md section 8.
"""

from typing import Final

from evsed.hardware.simulator.display_faults import DisplayFaults

BLOCK: Final = 4096
TAKEN: Final = b"\x05"

_WRONG: Final = b"\x06"
_CONTINUE_AT: Final = b"\x08"


class Receiver:
    """Takes blocks and acknowledges them.

    Args:
        length: bytes of the whole program.
        baud_rate: the rate asked for.
        may_skip: the newer instruction, with which parts can be left out.
        faults: what goes wrong.
    """

    def __init__(
        self, length: int, baud_rate: int, faults: DisplayFaults, *, may_skip: bool
    ) -> None:
        self.length, self.baud_rate = length, baud_rate
        #: what has arrived: pairs of where it belongs and the bytes
        self.parts: list[tuple[int, bytes]] = []
        self.blocks = 0
        self._faults = faults
        self._may_skip = may_skip
        self._position = 0
        self._block = bytearray()

    @property
    def done(self) -> bool:
        """Whether the program is complete."""
        return self._position >= self.length

    def take(self, data: bytes) -> bytes:
        """Take bytes; return the acknowledges they have earned."""
        answer = b""
        while data and not self.done:
            room = min(BLOCK, self.length - self._position) - len(self._block)
            self._block += data[:room]
            data = data[room:]
            if len(self._block) == min(BLOCK, self.length - self._position):
                answer += self._finish_block()
        return answer

    def _finish_block(self) -> bytes:
        self.parts.append((self._position, bytes(self._block)))
        self._position += len(self._block)
        self._block.clear()
        self.blocks += 1
        if self.blocks == self._faults.no_ack:
            return b""
        if self.blocks == self._faults.wrong_ack:
            return _WRONG
        if self._may_skip and self.blocks == 1 and self._faults.skip_to is not None:
            offset = self._faults.skip_to
            self._position = offset or self._position
            return _CONTINUE_AT + offset.to_bytes(4, "little")
        return TAKEN
