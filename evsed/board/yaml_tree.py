"""YAML text to a tree whose every value knows its line and column.

A strict subset of YAML 1.1: one document, no tags, anchors or aliases, no key twice, numbers in
decimal only (``010`` and ``1:30`` are text: their other readings surprise). Source: board.md 1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final, Protocol

import yaml

from evsed.errors import BadFileError

MAX_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 16
_MAX_DIGITS: Final = 30
_MAX_PROBLEMS: Final = 100

_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_FLOAT: Final = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_INFINITE: Final = {".inf", "+.inf", "-.inf", ".nan"}
_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "yes": True,
    "on": True,
    "false": False,
    "no": False,
    "off": False,
}
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class _Place(Protocol):
    """A position as PyYAML gives it, counted from 0."""

    line: int
    column: int


class _TooDeepError(Exception):
    """The text is nested beyond reason; the problem has been noted."""


class Refused(Enum):
    """Stands where a value was refused, so that it is complained about only once."""

    REFUSED = "refused"


REFUSED: Final = Refused.REFUSED


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file, counted from 1 as editors do."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong (or suspicious) in a file."""

    mark: Mark
    key: str
    text: str

    def shown(self, path: Path) -> str:
        """Return ``file:line:column: key: what``."""
        key = f"{self.key}: " if self.key else ""
        return f"{path}:{self.mark.line}:{self.mark.column}: {key}{self.text}"


Value = None | bool | int | float | str | tuple["Node", ...] | dict[str, "Entry"] | Refused


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands."""

    value: Value
    mark: Mark


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a mapping: where the key stands, and its value."""

    mark: Mark
    node: Node


@dataclass(slots=True)
class Problems:
    """Collects problems; beyond the first hundred they are only counted."""

    found: list[Problem] = field(default_factory=list)
    more: int = 0

    @property
    def full(self) -> bool:
        """Whether further problems are only counted."""
        return len(self.found) >= _MAX_PROBLEMS

    def add(self, mark: Mark, key: str, text: str) -> None:
        """Note one problem."""
        if self.full:
            self.more += 1
        else:
            self.found.append(Problem(mark, key, text))

    def lines(self, path: Path) -> tuple[str, ...]:
        """Return one line for each problem, in the order of the file."""
        lines = [problem.shown(path) for problem in sorted(self.found)]
        return (*lines, f"{path}: and {self.more} more") if self.more else tuple(lines)


def shown(value: object) -> str:
    """Return a value as a message may show it: short and printable."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, tuple):
        return "a list"
    if value is None:
        return "nothing"
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    text = _UNSEEN.sub("?", text)
    return text if len(text) <= 42 else f"{text[:40]}…"


def read_tree(path: Path, problems: Problems) -> Node | None:
    """Read a file into a tree; None when its text is not YAML. Everything wrong is noted.

    Raises:
        BadFileError: the file cannot be read at all.
    """
    text = _read_text(path, problems)
    return None if text is None else parse_tree(text, problems)


def parse_tree(text: str, problems: Problems) -> Node | None:
    """Turn YAML text into a tree; None when the text is not YAML or holds several documents."""
    try:
        return _Composer(text, problems).document()
    except _TooDeepError:
        return None
    except yaml.reader.ReaderError as error:
        mark = _mark_at(text, int(error.position))
        problems.add(mark, "", f"character {error.character:#x} is not permitted")
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        problems.add(_mark(place), "", f"not YAML: {_UNSEEN.sub('?', str(error.problem))}")
    except (yaml.YAMLError, ValueError, OverflowError, IndexError) as error:
        # PyYAML lets some errors of escapes and directives through as they are.
        problems.add(Mark(), "", f"not YAML: {_UNSEEN.sub('?', str(error))[:80]}")
    return None


def _read_text(path: Path, problems: Problems) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadFileError(f"{path}:1:1: cannot be read: {reason}") from error
    if len(data) > MAX_BYTES:
        problems.add(Mark(), "", f"the file is larger than {MAX_BYTES} bytes")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        problems.add(_mark_at(before, len(before)), "", f"not UTF-8: byte {data[error.start]:#x}")
        return None


def _mark_at(text: str, position: int) -> Mark:
    before = text[:position]
    return Mark(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


def _mark(place: _Place | None) -> Mark:
    return Mark() if place is None else Mark(place.line + 1, place.column + 1)


class _Composer:
    """Builds the tree from the parser's events, never deeper than ``_MAX_DEPTH``."""

    def __init__(self, text: str, problems: Problems) -> None:
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        self._problems = problems

    def document(self) -> Node | None:
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return Node(None, Mark())
        root = self._node(next(self._events), "", 0)
        next(self._events)  # the end of the document
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return root
        self._problems.add(_mark(event.start_mark), "", "only one document is permitted")
        return None

    def _node(self, event: yaml.Event, path: str, depth: int) -> Node:
        mark = _mark(event.start_mark)
        if depth > _MAX_DEPTH:
            self._problems.add(mark, path, "nested too deeply")
            raise _TooDeepError
        if isinstance(event, yaml.AliasEvent):
            self._problems.add(mark, path, "aliases are not permitted")
            return Node(REFUSED, mark)
        tag, anchor = getattr(event, "tag", None), getattr(event, "anchor", None)
        if anchor is not None:
            self._problems.add(mark, path, "anchors are not permitted")
        if isinstance(event, yaml.MappingStartEvent):
            node = Node(self._mapping(path, depth), mark)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Node(self._sequence(path, depth), mark)
        else:
            node = self._scalar(event, path)
        if tag is not None:
            self._problems.add(mark, path, f"tags are not permitted: {shown(tag)}")
            return Node(REFUSED, mark)
        return node

    def _mapping(self, path: str, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            mark = _mark(event.start_mark)
            key = self._key(event, path, depth)
            inner = _join(path, key or "?")
            node = self._node(next(self._events), inner, depth + 1)
            if key is None:
                self._problems.add(mark, path, "a key must be a word")
            elif key in entries:
                first = entries[key].mark.line
                self._problems.add(mark, inner, f"the key is there twice, first in line {first}")
            else:
                entries[key] = Entry(mark, node)
        return entries

    def _key(self, event: yaml.Event, path: str, depth: int) -> str | None:
        if isinstance(event, yaml.ScalarEvent) and event.tag is None and event.anchor is None:
            return _UNSEEN.sub("?", event.value)
        self._node(event, _join(path, "?"), depth + 1)
        return None

    def _sequence(self, path: str, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, f"{path}[{len(items)}]", depth + 1))
        return tuple(items)

    def _scalar(self, event: yaml.Event, path: str) -> Node:
        mark, text = _mark(event.start_mark), str(getattr(event, "value", ""))
        if _UNSEEN.search(text):
            self._problems.add(mark, path, f"{shown(text)} holds control characters")
            return Node(REFUSED, mark)
        plain = getattr(event, "style", None) is None
        return Node(_resolved(text) if plain else text, mark)


def _join(path: str, key: str) -> str:
    short = key if len(key) <= 42 else f"{key[:40]}…"
    return f"{path}.{short}" if path else short


def _resolved(text: str) -> bool | int | float | str | None:
    """Return what a word without quotes means."""
    lower = text.lower()
    if lower in _WORDS:
        return _WORDS[lower]
    if _INT.fullmatch(text):
        # Longer ones are out of every range, and int() refuses thousands of digits.
        return int(text) if len(text) <= _MAX_DIGITS else float(text)
    if lower in _INFINITE:
        return float(lower.replace(".", ""))
    return float(text) if _FLOAT.fullmatch(text) else text
