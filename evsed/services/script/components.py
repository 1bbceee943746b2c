"""Components as the worker lists them and as interfaces show them. Pure. Source: lua.md 5, 11."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from evsed.errors import RejectedError
from evsed.services.script.parameters import Value

_MOST_TEXT_BYTES: Final = 4096
_KINDS: Final = {"string", "number", "boolean"}

#: A component as the worker sends it.
Listed = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Component:
    """One component as interfaces show it."""

    id: str
    name: str
    description: str
    status: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a component."""

    key: str
    name: str
    type: str
    value: Value


def checked(one: Listed) -> Listed:
    """Return a component as the worker lists it.

    Raises:
        TypeError: it is not one; a worker that was taken over by a script may send anything.
        KeyError: something is missing.
    """
    texts = (one["id"], one["name"], one.get("description") or "", one["status"])
    kinds = [(each["key"], each["name"], each["type"]) for each in one["params"]]
    if not all(
        isinstance(text, str) for text in (*texts, *(key for kind in kinds for key in kind))
    ):
        raise TypeError("not a list of components")
    if not {kind for *_, kind in kinds} <= _KINDS:
        raise TypeError("not a type of parameters")
    return one


def shown_component(one: Listed) -> Component:
    """Return a component for a list."""
    about = one.get("description") or ""
    return Component(one["id"], one["name"], about, one["status"], one.get("error"))


def shown_parameters(one: Listed) -> list[Parameter]:
    """Return the parameters of a component, in order."""
    return [
        Parameter(each["key"], each["name"], each["type"], each.get("value"))
        for each in one["params"]
    ]


def values_to_store(one: Listed, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return what is to be stored; None stands for "as the script has it".

    Raises:
        RejectedError: an unknown key, or a value of the wrong type.
    """
    declared = {each["key"]: each["type"] for each in one["params"]}
    for key, value in values.items():
        _check(key, value, declared)
    return {
        key: "" if value is None and declared[key] == "string" else value
        for key, value in values.items()
    }


def _check(key: str, value: Value, declared: Mapping[str, str]) -> None:
    kind = declared.get(key)
    if kind is None:
        raise RejectedError(f"unknown, expected one of {', '.join(declared) or 'none'}", key=key)
    if value is None:
        return
    fits = {
        "string": isinstance(value, str),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
    }[kind]
    if not fits:
        raise RejectedError(f"a {kind} is expected", key=key)
    if isinstance(value, str) and not value.isprintable() and any(map(_is_half, value)):
        raise RejectedError("a text is expected, not half a character", key=key)
    if isinstance(value, str) and len(value.encode()) > _MOST_TEXT_BYTES:
        raise RejectedError(f"at most {_MOST_TEXT_BYTES} bytes are kept", key=key)


def _is_half(letter: str) -> bool:
    return "\ud800" <= letter <= "\udfff"
