"""One log record to clean lines. Pure.

Whatever a client managed to put into a record, each line is short, has no control characters, and
cannot be mistaken for a record of its own. Source: rest.md section 6.
"""

import re
from typing import Final

MAX_CHARACTERS: Final = 1000
MAX_LINES: Final = 120
#: Before each further line of a record.
INDENT: Final = "  "

_END: Final = re.compile(r"\r\n|\n|\r")
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
#: Control characters, line separators, what turns the direction of writing, lone surrogates.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def clean_lines(text: str) -> list[str]:
    """Return the lines of a record, at least one; the further ones are indented."""
    pieces = _END.split(text.rstrip("\r\n"))
    more = len(pieces) - MAX_LINES
    if more > 0:
        half = MAX_LINES // 2
        pieces[half:-half] = [f"[... {more} lines left out ...]"]
    first, *further = pieces
    return [_clean(first), *(INDENT + _clean(piece) for piece in further)]


def _clean(piece: str) -> str:
    longest = MAX_CHARACTERS - len(INDENT)
    piece = piece[: 2 * MAX_CHARACTERS].replace("\t", " ")
    piece = _UNPRINTABLE.sub("?", _COLOUR.sub("", piece))
    return piece if len(piece) <= longest else piece[: longest - 3] + "..."
