"""Trace files (``evsed-trace/1``): lines to values and back. Pure.

One format for three uses: replay checks the rules against one, the flight recorder writes one, the
tests use them as vectors. Source: trace.md.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from evsed.errors import BadFileError

FORMAT: Final = "evsed-trace/1"

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happens at one moment: inputs that change, commands, and what must be seen after."""

    t_ms: int
    changes: Mapping[str, Json] = field(default_factory=dict)
    commands: tuple[tuple[str, Json], ...] = ()
    expected: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A whole trace."""

    name: str
    pass_ms: int
    board: Mapping[str, Json]
    settings: Mapping[str, Json]
    events: tuple[Event, ...]


def parse_trace(lines: Iterable[str], *, source: str) -> Trace:
    """Return the trace in these lines.

    Args:
        lines: JSON Lines, header first; blank lines are passed over.
        source: file name for error messages.

    Raises:
        BadFileError: names file, line and what was expected there.
    """
    header: dict[str, Json] | None = None
    events: list[Event] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        value = _object(line, f"{source}:{number}")
        if header is None:
            header = _header(value, f"{source}:{number}")
            continue
        event = _event(value, f"{source}:{number}")
        if events and event.t_ms < events[-1].t_ms:
            raise BadFileError(f"{source}:{number}: t: {event.t_ms} is before the previous event")
        events.append(event)
    if header is None:
        raise BadFileError(f"{source}:1: the header line is missing")
    return Trace(
        name=str(header.get("name", source)),
        pass_ms=_whole(header.get("passMs", 20), f"{source}:1: passMs"),
        board=_mapping(header.get("board", {}), f"{source}:1: board"),
        settings=_mapping(header.get("settings", {}), f"{source}:1: settings"),
        events=tuple(events),
    )


def write_trace(trace: Trace) -> Iterable[str]:
    """Yield the lines of a trace, each with its end."""
    header = {
        "format": FORMAT,
        "name": trace.name,
        "passMs": trace.pass_ms,
        "board": dict(trace.board),
        "settings": dict(trace.settings),
    }
    yield json.dumps(header) + "\n"
    for event in trace.events:
        line: dict[str, Json] = {"t": event.t_ms}
        if event.changes:
            line["set"] = dict(event.changes)
        if event.commands:
            line["cmd"] = [[name, value] for name, value in event.commands]
        if event.expected is not None:
            line["expect"] = dict(event.expected)
        yield json.dumps(line) + "\n"


def _object(line: str, where: str) -> dict[str, Json]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadFileError(f"{where}: not JSON: {error}") from error
    return _mapping(value, where)


def _header(value: dict[str, Json], where: str) -> dict[str, Json]:
    if value.get("format") != FORMAT:
        raise BadFileError(f'{where}: format: "{FORMAT}" expected, got {value.get("format")!r}')
    return value


def _event(value: dict[str, Json], where: str) -> Event:
    unknown = value.keys() - {"t", "set", "cmd", "expect"}
    if unknown:
        raise BadFileError(f"{where}: {min(unknown)}: t, set, cmd or expect expected")
    expected = value.get("expect")
    return Event(
        t_ms=_whole(value.get("t"), f"{where}: t"),
        changes=_mapping(value.get("set", {}), f"{where}: set"),
        commands=_commands(value.get("cmd", []), f"{where}: cmd"),
        expected=None if expected is None else _mapping(expected, f"{where}: expect"),
    )


def _commands(value: Json, where: str) -> tuple[tuple[str, Json], ...]:
    if not isinstance(value, list):
        raise BadFileError(f"{where}: a list of [name, value] expected")
    commands: list[tuple[str, Json]] = []
    for item in value:
        if not (isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)):
            raise BadFileError(f"{where}: [name, value] expected, got {item!r}")
        commands.append((item[0], item[1]))
    return tuple(commands)


def _mapping(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise BadFileError(f"{where}: an object expected, got {value!r}")
    return value


def _whole(value: Json, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadFileError(f"{where}: a whole number of milliseconds expected, got {value!r}")
    return value
