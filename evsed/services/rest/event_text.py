"""Server-sent events as bytes, and the numbers that let a client resume. Pure.

Source: web-ui.md section 4; WHATWG HTML, section 9.2.
"""

import json
from dataclasses import dataclass
from typing import Final

COMMENT: Final = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class EventId:
    """Which event of which run of the daemon."""

    boot: str
    number: int

    def __str__(self) -> str:
        return f"{self.boot}-{self.number}"


def read_event_id(text: str | None) -> EventId | None:
    """Return the id a client saw last, or None when it makes no sense."""
    boot, dash, number = (text or "").rpartition("-")
    if not dash or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return EventId(boot, int(number))


def frame(name: str, data: object, event_id: EventId | None = None) -> bytes:
    """Return one event as it goes over the wire; JSON never contains a bare line end."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    numbered = f"id: {event_id}\n" if event_id else ""
    return f"{numbered}event: {name}\ndata: {text}\n\n".encode()
