"""Lines of the log, and of whatever else is kept by lines, as events of one stream.

A line is numbered for as long as the daemon runs: a client that comes back sees what it has. A slow
client is fed as fast as it reads; what is dropped meanwhile is a gap in the numbers.
Source: web-ui.md section 4, rest.md section 6.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from evsed.services.rest.event_text import frame

#: A frame is small beside what may wait in a stream, even when every character is escaped.
_LINES_IN_A_FRAME: Final = 8


class LineReader(Protocol):
    """One client's place among the lines."""

    def take(self, at_most: int) -> list[tuple[int, str]]:
        """Return the next lines with their numbers; a gap in them is a loss."""


class LineSource(Protocol):
    """Where lines are kept."""

    def subscribe(self, *, whole: bool) -> LineReader:
        """Return a reader of new lines; ``whole``: also of those that are there."""


def line_frames(name: str, reader: LineReader, room: int) -> Iterator[bytes]:
    """Yield events until as many bytes as there is room for, or no lines, are left."""
    while room > 0 and (lines := reader.take(_LINES_IN_A_FRAME)):
        data = frame(name, [{"n": number, "line": line} for number, line in lines])
        room -= len(data)
        yield data
