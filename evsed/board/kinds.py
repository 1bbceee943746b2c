"""What a key of a file may hold: each kind checks one value and says what it expects.

Files are described by tables of these kinds; nothing here knows a board.
"""

import difflib
import itertools
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from evsed.board.description import Channel
from evsed.board.reading import PinRole, PinUse, Reading
from evsed.board.yaml_tree import REFUSED, Entry, Node, Value, shown

_REFERENCE: Final = re.compile(r"([a-z0-9_]{1,8}):([0-7])")


class Kind(Protocol):
    """Checks the value of one key."""

    @property
    def wanted(self) -> str:
        """What is permitted, for messages."""

    def read(self, node: Node, path: str, reading: Reading) -> object:
        """Return the value, or note what is wrong with it and return ``REFUSED``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A single value; ``low`` and ``high`` are there for numbers."""

    wanted: str
    accepts: Callable[[Value], bool]
    convert: Callable[[Value], object] = lambda value: value
    low: float | None = None
    high: float | None = None
    role: PinRole | None = None

    def read(self, node: Node, path: str, reading: Reading) -> object:
        """Return the value, or note what is wrong with it and return ``REFUSED``."""
        if node.value is REFUSED:
            return REFUSED
        if not self.accepts(node.value):
            return _refuse(self, node, path, reading)
        value = self.convert(node.value)
        if self.role is not None and isinstance(value, int):
            reading.pins.append(PinUse(value, path, node.mark, self.role))
        return reading.keep(path, node, value)


def whole(low: int, high: int, unit: str = "", *, role: PinRole | None = None) -> Scalar:
    """Return the kind of a whole number in a range."""

    def accepts(value: Value) -> bool:
        return type(value) is int and low <= value <= high

    wanted = f"a whole number {low} … {high}{unit and ' ' + unit}"
    return Scalar(wanted=wanted, accepts=accepts, low=low, high=high, role=role)


def pin(role: PinRole, *, none: bool = False) -> Scalar:
    """Return the kind of a GPIO; with ``none``, -1 says that there is none."""
    return whole(-1 if none else 0, 27, "(BCM number)", role=role)


def number(low: float, high: float, unit: str = "", *, above: bool = False) -> Scalar:
    """Return the kind of a finite number in a range; ``above``: greater than ``low``."""

    def accepts(value: Value) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return False
        return (low < value if above else low <= value) and value <= high

    reach = f"above {low:g} up to {high:g}" if above else f"{low:g} … {high:g}"
    return Scalar(
        wanted=f"a number {reach}{unit and ' ' + unit}",
        accepts=accepts,
        convert=lambda value: float(value) if isinstance(value, int) else value,
        low=low,
        high=high,
    )


def flag() -> Scalar:
    """Return the kind of a truth value."""
    return Scalar(wanted="true or false", accepts=lambda value: isinstance(value, bool))


def choice(*permitted: str | int, role: PinRole | None = None) -> Scalar:
    """Return the kind of a word, or whole number, from a list."""

    def accepts(value: Value) -> bool:
        return not isinstance(value, bool | float) and value in permitted

    words = ", ".join(str(word) for word in permitted)
    return Scalar(wanted=f"one of {words}", accepts=accepts, role=role)


def text(high: int, *, pattern: str = "", about: str = "") -> Scalar:
    """Return the kind of a text of 1 … ``high`` bytes, perhaps of a certain form."""

    def accepts(value: Value) -> bool:
        if not isinstance(value, str) or not 1 <= len(value.encode()) <= high:
            return False
        return not pattern or re.fullmatch(pattern, value) is not None

    wanted = f"a text of 1 … {high} bytes{about and ', ' + about}"
    return Scalar(wanted=wanted, accepts=accepts)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list; ``lengths`` are the permitted ones."""

    item: Kind
    lengths: tuple[int, ...]
    descending: bool = False

    @property
    def wanted(self) -> str:
        """What is permitted, for messages."""
        if len(self.lengths) > 2:
            count = f"{self.lengths[0]} … {self.lengths[-1]}"
        else:
            count = " or ".join(str(length) for length in self.lengths)
        order = ", strictly descending" if self.descending else ""
        return f"a list of {count}{order}, each {self.item.wanted}"

    def read(self, node: Node, path: str, reading: Reading) -> object:
        """Return a tuple, or note what is wrong and return ``REFUSED``."""
        if not isinstance(node.value, tuple):
            return _refuse(self, node, path, reading)
        items = [
            self.item.read(item, f"{path}[{place}]", reading)
            for place, item in enumerate(node.value)
        ]
        if len(items) not in self.lengths:
            found = f"a list of {len(items)} is not permitted"
            reading.errors.add(node.mark, path, f"{found}, expected {self.wanted}")
            return REFUSED
        if any(item is REFUSED for item in items):
            return REFUSED
        numbers = [item for item in items if isinstance(item, int)]
        if self.descending and any(a <= b for a, b in itertools.pairwise(numbers)):
            reading.errors.add(node.mark, path, f"not strictly descending: {numbers}")
            return REFUSED
        return reading.keep(path, node, tuple(items))


@dataclass(frozen=True, slots=True)
class ChannelReference:
    """One input of a converter: its number on the first converter, or ``name:number``."""

    wanted: str = 'a channel 0 … 7 of the first converter, or "name:channel"'

    def read(self, node: Node, path: str, reading: Reading) -> object:
        """Return a ``Channel``, or note what is wrong and return ``REFUSED``."""
        value, name = node.value, ""
        if isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
            name, value = match[1], int(match[2])
        if type(value) is not int or not 0 <= value <= 7:
            return _refuse(self, node, path, reading)
        if not reading.converters:
            return Channel(0, value)  # the converters themselves were complained about
        names = [adc.name for adc in reading.converters]
        if name and name not in names:
            reading.errors.add(
                node.mark, path, f"no converter is called {name}{nearest(name, names)}"
            )
            return REFUSED
        place = names.index(name) if name else 0
        adc = reading.converters[place]
        if value >= adc.channels:
            end = f"{adc.name} ({adc.type}) has channels 0 … {adc.channels - 1}"
            reading.errors.add(node.mark, path, f"channel {value} is not there, {end}")
            return REFUSED
        return reading.keep(path, node, Channel(place, value))


@dataclass(frozen=True, slots=True)
class Converters:
    """The list of converters, which later channel references point into."""

    items: ListOf

    @property
    def wanted(self) -> str:
        """What is permitted, for messages."""
        return self.items.wanted

    def read(self, node: Node, path: str, reading: Reading) -> object:
        """Return a tuple of ``Adc``, or note what is wrong and return ``REFUSED``."""
        found = self.items.read(node, path, reading)
        if isinstance(found, tuple):
            reading.converters = found
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a section and where its value goes.

    Args:
        name: the key in the file.
        kind: what it may hold.
        field: keyword of the section's ``build``; empty for a section whose own values go there.
        required: whether it must be there.
    """

    name: str
    kind: Kind
    field: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping with known keys. Keys that begin with ``x-`` are the user's own."""

    build: Callable[..., object]
    keys: tuple[Key, ...]

    @property
    def wanted(self) -> str:
        """What is permitted, for messages."""
        return "a mapping with " + ", ".join(key.name for key in self.keys)

    def read(self, node: Node, path: str, reading: Reading) -> object:
        """Return what ``build`` makes, or note what is wrong and return ``REFUSED``."""
        if not isinstance(node.value, dict):
            return _refuse(self, node, path, reading)
        good = self._all_known(node.value, path, reading)
        values: dict[str, object] = {}
        for key in self.keys:
            inner = f"{path}.{key.name}" if path else key.name
            entry = node.value.get(key.name)
            if entry is None:
                if key.required:
                    good = False
                    wanted = f"is missing, expected {key.kind.wanted}"
                    reading.errors.add(node.mark, inner, wanted)
                continue
            value = key.kind.read(entry.node, inner, reading)
            if value is REFUSED:
                good = False
            elif key.field:
                values[key.field] = value
            elif isinstance(value, dict):
                values.update(value)
        return reading.keep(path, node, self.build(**values)) if good else REFUSED

    def _all_known(self, entries: dict[str, Entry], path: str, reading: Reading) -> bool:
        names = [key.name for key in self.keys]
        unknown = [name for name in entries if name not in names and not name.startswith("x-")]
        for name in unknown:
            short = name if len(name) <= 42 else f"{name[:40]}…"
            hint = "" if reading.errors.full else nearest(name, names)
            inner = f"{path}.{short}" if path else short
            reading.errors.add(entries[name].mark, inner, f"unknown key{hint}")
        return not unknown


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a remark that names the nearest known word, or nothing when none is near."""
    by_lower = {name.lower(): name for name in known}
    if len(word) > 64:
        return ""
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.5)
    return f", did you mean {by_lower[close[0]]}?" if close else ""


def _refuse(kind: Kind, node: Node, path: str, reading: Reading) -> object:
    if node.value is not REFUSED:
        found = shown(node.value)
        hint = ""
        if not isinstance(node.value, str | dict | tuple) and " text " in f" {kind.wanted} ":
            hint = " (put it in quotes)"
        wanted = f"{found} is not permitted, expected {kind.wanted}{hint}"
        reading.errors.add(node.mark, path, wanted)
    return REFUSED
