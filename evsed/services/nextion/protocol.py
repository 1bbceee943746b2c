"""Frames from the display, instructions to it. Pure.

Source: nextion.md sections 2, 4 and 7.
"""

from enum import IntEnum
from typing import Final

from evsed.units import saturated


class Code(IntEnum):
    """First bytes of frames that are no commands, as far as something follows from them."""

    #: its input buffer overflowed; below are the results of instructions
    OVERFLOW = 0x24
    TOUCH = 0x65
    PAGE = 0x66
    COORDINATES = 0x67
    COORDINATES_ASLEEP = 0x68
    TEXT = 0x70
    NUMBER = 0x71
    FELL_ASLEEP = 0x86
    WOKE = 0x87
    READY = 0x88


END: Final = b"\xff\xff\xff"
#: longest content of a frame from the display
FRAME_LIMIT: Final = 255
#: longest instruction to the display, without its end
INSTRUCTION_LIMIT: Final = 63
#: the numbers a display can hold
NUMBER_LOW: Final = -(2**31)
NUMBER_HIGH: Final = 2**31 - 1


class FrameCutter:
    """Cuts frames out of bytes that arrive in any pieces; keeps what is not complete yet.

    Of a longer run of ff the last three bytes are the end. Empty frames and ff before a frame
    do not count, so the end is taken as soon as it is there; frames that are too long are dropped.
    """

    def __init__(self) -> None:
        self._begun = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived; return the contents of the frames that are complete now."""
        unseen = max(0, len(self._begun) - 2)
        self._begun += data
        frames: list[bytes] = []
        begin = 0
        while (end := self._begun.find(END, max(begin, unseen))) >= 0:
            after = self._end_of_run(end)
            content = bytes(self._begun[begin : after - 3]).lstrip(b"\xff")
            if content and len(content) <= FRAME_LIMIT and not self._too_long:
                frames.append(content)
            self._too_long = False
            begin = after
        del self._begun[:begin]
        self._shorten()
        return frames

    def reset(self) -> None:
        """Forget what is not complete."""
        self._begun.clear()
        self._too_long = False

    def _end_of_run(self, begin: int) -> int:
        after = begin + 3
        while after < len(self._begun) and self._begun[after] == 0xFF:
            after += 1
        return after

    def _shorten(self) -> None:
        """Keep of a frame that cannot become valid any more only what may begin its end."""
        if len(self._begun) > FRAME_LIMIT + 4:
            self._too_long = True
            del self._begun[:-2]


def number(name: str, value: int) -> bytes:
    """Return the instruction that shows a number, clamped to what a display can hold."""
    shown = saturated(value, NUMBER_LOW, NUMBER_HIGH)
    return f"{name}.val={shown}".encode("ascii") + END


def text(name: str, value: str) -> bytes:
    """Return the instruction that shows a text, cut so that it fits into 63 bytes.

    Quotes and backslashes are escaped, control characters left out; a character is never cut
    in the middle, nor its escaping.
    """
    begin = f'{name}.txt="'.encode("ascii")
    room = INSTRUCTION_LIMIT - len(begin) - 1
    shown = bytearray()
    for character in value:
        piece = _escaped(character)
        if len(shown) + len(piece) > room:
            break
        shown += piece
    return begin + bytes(shown) + b'"' + END


def instruction(words: str) -> bytes:
    """Return an instruction with its end."""
    return words.encode("ascii") + END


def _escaped(character: str) -> bytes:
    if character in '"\\':
        return b"\\" + character.encode("ascii")
    if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0:
        return b""
    return character.encode("utf-8", errors="ignore")  # a lone surrogate cannot be written


#: sent when a session begins: the display restarts, and its first page subscribes
START: Final = instruction("rest") + instruction("sleep=0")
WAKE: Final = instruction("sleep=0")
CONNECT: Final = instruction("connect")

_EVENTS: Final = frozenset(
    {
        (Code.TOUCH, 4),
        (Code.PAGE, 2),
        (Code.COORDINATES, 6),
        (Code.COORDINATES_ASLEEP, 6),
        (Code.NUMBER, 5),
    }
)


def is_words(frame: bytes) -> bool:
    """Return whether a frame that is no command was perhaps meant to be one."""
    if frame[0] == Code.TEXT or (frame[0], len(frame)) in _EVENTS:
        return False
    return len(frame) > 1 and all(0x20 <= byte < 0x7F for byte in frame)
