"""Small builders of JSON Schema (draft 2020-12), and schemas made from our own tables. Pure.

A unit is said twice: in the description for people, as ``x-unit`` for programs.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from evsed.operations.values import Kind
from evsed.settings.fields import Kind as SettingKind
from evsed.settings.fields import Setting

Schema = Mapping[str, Any]

JSON: Final = "application/json"
TEXT: Final = "text/plain"
BYTES: Final = "application/octet-stream"
#: Blocks of RFC 7468, or nothing.
PEM: Final = "^(-----BEGIN [A-Z0-9 ]+-----[^-]+-----END [A-Z0-9 ]+-----\\s*)*$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A body that is not, or not only, JSON.

    Args:
        media: content type.
        schema: of the value.
        headers: schemas of headers that come with it.
        media_too: further content types a request, or an answer, may have.
    """

    media: str
    schema: Schema
    headers: Mapping[str, Schema] = field(default_factory=dict)
    media_too: tuple[str, ...] = ()


class TableRow(Protocol):
    """What the tables behind /state, /reason and /board-config have in common."""

    @property
    def name(self) -> str:
        """The key on the wire."""

    @property
    def kind(self) -> Kind:
        """What the field holds."""

    @property
    def about(self) -> str:
        """What it means."""

    @property
    def unit(self) -> str:
        """Its unit, empty when it has none."""


def flag(about: str = "") -> Schema:
    """A truth value."""
    return _with({"type": "boolean"}, about)


def whole(
    about: str = "", *, low: int | None = None, high: int | None = None, unit: str = ""
) -> Schema:
    """A number without a fraction; 16.0 is one."""
    return _with({"type": "integer", **_range(low, high)}, about, unit)


def number(
    about: str = "", *, low: float | None = None, high: float | None = None, unit: str = ""
) -> Schema:
    """Any number."""
    return _with({"type": "number", **_range(low, high)}, about, unit)


def text(
    about: str = "",
    *,
    words: Iterable[str] = (),
    shortest: int = 0,
    longest: int | None = None,
    pattern: str = "",
) -> Schema:
    """A string: one of some words, or of a length or pattern."""
    found: dict[str, Any] = {"type": "string"}
    listed = list(words)
    if listed:
        found["enum"] = listed
    if shortest:
        found["minLength"] = shortest
    if longest is not None:
        found["maxLength"] = longest
    if pattern:
        found["pattern"] = pattern
    return _with(found, about)


def array(
    items: Schema,
    about: str = "",
    *,
    shortest: int | None = None,
    longest: int | None = None,
    unit: str = "",
) -> Schema:
    """A list of values of one kind."""
    found: dict[str, Any] = {"type": "array", "items": items}
    if shortest is not None:
        found["minItems"] = shortest
    if longest is not None:
        found["maxItems"] = longest
    return _with(found, about, unit)


def record(
    keys: Mapping[str, Schema],
    about: str = "",
    *,
    required: Collection[str] | None = None,
    unit: str = "",
) -> Schema:
    """An object with these keys; all of them are there unless ``required`` says which."""
    needed = list(keys if required is None else required)
    found: dict[str, Any] = {"type": "object", "properties": dict(keys)}
    if needed:
        found["required"] = needed
    return _with(found, about, unit)


def patch(keys: Mapping[str, Schema], about: str = "") -> Schema:
    """An object to write: any of these keys, at least one; others are ignored."""
    some = [{"required": [key]} for key in keys]
    return {**record(keys, about, required=()), "anyOf": some}


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "enum" in nullable:
        nullable["enum"] = [*nullable["enum"], None]
    return nullable


def of_setting(
    setting: Setting,
    *,
    low: int | None = None,
    high: int | None = None,
    words: tuple[str, ...] | None = None,
) -> Schema:
    """Return the schema of a declared setting; narrower where the board says so."""
    lowest = setting.low if low is None else low
    highest = setting.high if high is None else high
    match setting.kind:
        case SettingKind.WORD:
            schema = text(setting.about, words=setting.words if words is None else words)
        case SettingKind.FLAG | SettingKind.FLAG_OR_BIT:
            schema = flag(setting.about)
        case SettingKind.TEXT:
            schema = text(setting.about, shortest=lowest, longest=highest)
        case SettingKind.PEM:
            schema = text(setting.about, longest=highest, pattern=PEM)
        case SettingKind.TENTHS | SettingKind.PRICE:
            schema = number(setting.about, low=lowest, high=highest, unit=setting.unit)
        case _:
            schema = whole(setting.about, low=lowest, high=highest, unit=setting.unit)
    return schema


def as_written(setting: Setting, shown: Schema) -> Schema:
    """Return the schema of a setting in a request: 0 and 1 are taken for some truth values."""
    if setting.kind is not SettingKind.FLAG_OR_BIT:
        return shown
    return {**shown, "type": ["boolean", "integer"], "minimum": 0, "maximum": 1}


def of_row(row: TableRow) -> Schema:
    """Return the schema of one row of our tables, as it is read.

    A row may also have ``low`` and ``high``, ``words``, ``keys`` (schemas) or ``parts`` (rows),
    and ``nullable``.
    """
    found = _of_row(row)
    return or_null(found) if getattr(row, "nullable", False) else found


def of_written_row(row: TableRow) -> Schema:
    """Return the schema of one row as it is written: a fraction too many is dropped."""
    found = of_row(row)
    return {**found, "type": "number"} if row.kind is Kind.INTEGER else found


def _of_row(row: TableRow) -> Schema:
    low: int | None = getattr(row, "low", None)
    high: int | None = getattr(row, "high", None)
    match row.kind:
        case Kind.BOOLEAN:
            return flag(row.about)
        case Kind.INTEGER:
            return whole(row.about, low=low, high=high, unit=row.unit)
        case Kind.NUMBER:
            return number(row.about, low=low, high=high, unit=row.unit)
        case _:
            return _of_other_row(row)


def _of_other_row(row: TableRow) -> Schema:
    words: tuple[str, ...] = getattr(row, "words", ())
    keys: Mapping[str, Schema] = getattr(row, "keys", {})
    match row.kind:
        case Kind.STRING:
            return text(row.about, words=words)
        case Kind.PHASES:
            return array(number(unit=row.unit), row.about, shortest=3, longest=3)
        case Kind.NAMES:
            return array(text(words=words), row.about)
        case Kind.OBJECTS:
            return array(record(keys), row.about)
        case _:
            parts = {part.name: of_row(part) for part in getattr(row, "parts", ())}
            return record({**keys, **parts}, row.about, unit=row.unit)


def of_table(rows: Iterable[TableRow], about: str = "") -> Schema:
    """Return the schema of an object whose keys are the rows of a table."""
    return record({row.name: of_row(row) for row in rows}, about)


def _range(low: float | None, high: float | None) -> dict[str, float]:
    found = {"minimum": low, "maximum": high}
    return {key: value for key, value in found.items() if value is not None}


def _with(schema: dict[str, Any], about: str, unit: str = "") -> Schema:
    if unit:
        about = f"{about} (in {unit})" if about else f"in {unit}"
        schema["x-unit"] = unit
    if about:
        schema["description"] = about
    return schema


#: The answer to a write.
OK: Final = Content(media=TEXT, schema=text("exactly these two bytes", words=("OK",)))
#: Text in lines, with the number of lines that are buffered.
LINES: Final = Content(
    media=TEXT,
    schema=text("lines, each ended by a line feed"),
    headers={"X-Count": whole("number of lines in the buffer; ask with ?index= from there", low=0)},
)
#: A stream of events that ends when either side goes.
EVENTS: Final = Content(media="text/event-stream", schema=text("server-sent events"))
#: A file to upload as it is.
FILE: Final = Content(media=BYTES, schema={}, media_too=("application/x-www-form-urlencoded",))
