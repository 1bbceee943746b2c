"""What a display says about itself. Pure. Source: nextion.md section 7."""

from dataclasses import dataclass
from typing import Final

ANSWER: Final = b"comok"
#: longest answer that is waited for; the known ones have up to 75 bytes
ANSWER_BYTES: Final = 96

_FIELDS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayInfo:
    """Model, whether it feels touch, and its flash memory in bytes."""

    model: str
    touch: bool
    flash_size: int


def display_info(frame: bytes) -> DisplayInfo | None:
    """Return what the answer to ``connect`` says, or None when it is not one.

    ``comok <touch>,<reserved>-<address>,<model>,<firmware>,<mcu>,<serial>,<flash size>``
    """
    fields = frame.decode("utf-8", errors="replace").split(",")
    word, blank, touch = fields[0].partition(" ")
    if word.encode() != ANSWER or not blank or len(fields) < _FIELDS:
        return None
    model, flash_size = fields[2].strip(), fields[6].strip()
    if not (_whole(touch) and _whole(flash_size) and model):
        return None
    return DisplayInfo(model=model, touch=int(touch) > 0, flash_size=int(flash_size))


def _whole(digits: str) -> bool:
    return digits.isascii() and digits.isdecimal()
