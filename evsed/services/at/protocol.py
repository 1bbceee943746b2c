"""Command lines: cut from bytes, taken apart, and answers put together. Pure.

Source: at.md sections 2 to 4.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from evsed.errors import RejectedError

#: Without the line end. Longer lines are thrown away and answered with one ERROR.
LONGEST_LINE: Final = 256
LONGEST_ARGUMENT: Final = 127
#: What may wait while commands take their time: thousands of lines sent without waiting.
_MOST_WAITING: Final = 256 * 1024
#: As far as a line end is looked for at once.
_LOOK_AHEAD: Final = 1024
#: Ends a line that was cut short for lack of room, and makes sure that it is an error.
_POISON: Final = b"\x00\n"

_LF, _CR = 10, 13
_REQUEST: Final = re.compile(rb"(?i:AT)([A-Za-z0-9+#$@_]*)(?:(\?)|=(.*))?", re.DOTALL)
_UNSIGNED: Final = re.compile(rb"[0-9]+")
_SIGNED: Final = re.compile(rb"[+-]?[0-9]+")
_BARE: Final = re.compile(rb'[^",]*')
_QUOTED: Final = re.compile(rb'"((?:[^"\\\x00]|\\[\\"n])*)"')
_ESCAPE: Final = re.compile(r'\\([\\"n])')


@dataclass(frozen=True, slots=True)
class Line:
    """A complete line without its end; ``text`` is None when it was too long."""

    text: bytes | None
    #: what the lines of the answer end with
    end: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """What arrived, for the echo, and the line it completes, if it does.

    ``late_end`` is a line feed whose carriage return has ended the line already.
    """

    raw: bytes
    line: Line | None = None
    late_end: bool = False


class LineCutter:
    """Cuts lines from bytes in whatever pieces they come; what it holds is bounded."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._part = bytearray()
        self._too_long = False
        self._after_cr = False
        self._dropping = False

    def feed(self, data: bytes) -> None:
        """Take what arrived. Lines for which there is no room become a single wrong one."""
        for piece in data.splitlines(keepends=True) if self._dropping else (data,):
            self._take(piece)

    def _take(self, data: bytes) -> None:
        room = _MOST_WAITING - len(self._waiting)
        if self._dropping:
            # Nothing that was cut in two may look like a command: go on at the next line.
            self._dropping = room < _MOST_WAITING // 2 or data[-1:] not in {b"\n", b"\r"}
            return
        self._waiting += data[:room]
        if len(data) > room:
            self._waiting += _POISON
            self._dropping = True

    def cut(self) -> Piece | None:
        """Return the next piece: at most one line, or all there is of an unfinished one."""
        waiting = self._waiting
        if not waiting:
            return None
        if self._after_cr:
            self._after_cr = False
            if waiting[0] == _LF:
                del waiting[0]
                return Piece(b"\n", late_end=True)
        head = bytes(waiting[:_LOOK_AHEAD])
        ends = [at for at in (head.find(b"\n"), head.find(b"\r")) if at >= 0]
        length = min(ends) + 1 if ends else len(head)
        raw = bytes(waiting[:length])
        del waiting[:length]
        if not ends:
            self._keep(raw)
            return Piece(raw)
        self._keep(raw[:-1])
        self._after_cr = raw[-1] == _CR
        return Piece(raw, self._line(b"\r\n" if self._after_cr else b"\n"))

    def _keep(self, part: bytes) -> None:
        self._too_long |= len(self._part) + len(part) > LONGEST_LINE
        if not self._too_long:
            self._part += part

    def _line(self, end: bytes) -> Line:
        text = None if self._too_long else bytes(self._part)
        self._part.clear()
        self._too_long = False
        return Line(text, end)


class Form(Enum):
    """What is asked of a command."""

    RUN = ""
    READ = "?"
    WRITE = "="
    DESCRIBE = "=?"


@dataclass(frozen=True, slots=True)
class Request:
    """One command line; ``name`` in upper case, perhaps abbreviated, empty for a bare ``AT``."""

    name: str
    form: Form
    argument: bytes = b""


def parse(text: bytes) -> Request:
    """Return what a line asks for.

    Raises:
        RejectedError: not a command line.
    """
    found = _REQUEST.fullmatch(text)
    if found is None:
        raise RejectedError("not a command")
    name, read, argument = found[1].decode().upper(), found[2], found[3]
    form = _form(read is not None, argument)
    if form is not Form.RUN and not name:
        raise RejectedError("no command")
    if form is not Form.WRITE:
        return Request(name, form)
    if len(argument) > LONGEST_ARGUMENT:
        raise RejectedError(f"more than {LONGEST_ARGUMENT} bytes of values")
    return Request(name, form, argument)


def _form(read: bool, argument: bytes | None) -> Form:
    if argument is None:
        return Form.READ if read else Form.RUN
    return Form.DESCRIBE if argument == b"?" else Form.WRITE


def find(name: str, names: Sequence[str]) -> str:
    """Return the one name that is meant: an exact one, or the only one that begins like it.

    Raises:
        RejectedError: none, or more than one.
    """
    if name in names:
        return name
    begun = [one for one in names if one.startswith(name)]
    if len(begun) != 1:
        raise RejectedError("unknown" if not begun else "ambiguous")
    return begun[0]


def split(argument: bytes) -> list[bytes | str]:
    """Return the values of a write: a quoted one as text, any other as it stands.

    Raises:
        RejectedError: quotes, escapes or commas are not where they belong, or not UTF-8.
    """
    values: list[bytes | str] = []
    at = 0
    while True:
        found = _QUOTED.match(argument, at)
        if found is not None:
            values.append(_text(found[1]))
        else:
            found = _BARE.match(argument, at)
            values.append(b"" if found is None else found[0])
        at = at if found is None else found.end()
        if at == len(argument):
            return values
        if argument[at : at + 1] != b",":
            raise RejectedError("values are separated by commas")
        at += 1


def _text(inside: bytes) -> str:
    try:
        text = inside.decode()
    except UnicodeDecodeError as error:
        raise RejectedError("text is not UTF-8") from error
    return _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], text)


def number(value: bytes | str, low: int, high: int) -> int:
    """Return an integer that fits its type; only a signed type takes a sign.

    Raises:
        RejectedError: not a number, or out of range.
    """
    wanted = _SIGNED if low < 0 else _UNSIGNED
    if isinstance(value, str) or wanted.fullmatch(value) is None:
        raise RejectedError("not a number")
    found = int(value)
    if not low <= found <= high:
        raise RejectedError(f"not in {low} … {high}")
    return found


def shown(value: int | str) -> str:
    """Return a value as answers have it; text in quotes, with the three escapes."""
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'


def message(text: str, end: bytes = b"\n") -> bytes:
    """Return one message: line end, text, line end."""
    body = text.encode(errors="replace").replace(b"\n", end)
    return end + body + end
