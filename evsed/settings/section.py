"""One section of the settings: how it starts, how a patch changes it, how it is shown and kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from evsed.board.description import Board
from evsed.errors import RejectedError
from evsed.settings.fields import Kind, Setting, settings_of
from evsed.units import amount, amperes

T = TypeVar("T")
Remarks = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(Generic[T]):
    """What the store has to know about one section.

    Args:
        name: the wire name, below /config/ and in the file.
        default: the values of a charger that was never configured.
        patched: values with a client's patch applied; raises ``RejectedError``.
        shown: what interfaces show; no secrets.
        kept: what is written to disk, as ``restored`` takes it.
        restored: values from what was kept, with a remark for everything that had to be changed to
            fit the board; raises ``RejectedError``.
        keys: what an object that was kept may hold; others are remarked upon and left out. Empty
            for a section that is no object.
    """

    name: str
    default: Callable[[Board], T]
    patched: Callable[[T, object, Board], T]
    shown: Callable[[T], Any]
    kept: Callable[[T], Any]
    restored: Callable[[Any, Board], tuple[T, Remarks]]
    keys: tuple[str, ...] = ()


def plain_section(
    name: str,
    schema: type[T],
    *,
    check: Callable[[T, Board], None] | None = None,
    fit: Callable[[T, Board], tuple[T, Remarks]] | None = None,
    secrets: tuple[str, ...] = (),
    sent_to: Mapping[str, str] | None = None,
) -> Section[T]:
    """Return the section of a settings class whose fields stand for themselves.

    Args:
        name: the wire name.
        schema: a dataclass of declared settings, all with defaults.
        check: judges the values as a whole; raises ``RejectedError``.
        fit: the nearest values this board can do, for what was kept with another board.
        secrets: wire names that are kept and never shown.
        sent_to: by the secret's wire name, the setting that has the address it is sent to. When
            that leads elsewhere, the secret is forgotten unless it is given anew.
    """
    declared = settings_of(schema)

    def patched(before: T, patch: object, board: Board) -> T:
        after = apply_patch(before, patch, declared)
        for secret, address in (sent_to or {}).items():
            if _is_redirected(before, after, address) and secret not in known_part(patch, declared):
                after = replace(after, **{declared[secret].name: ""})  # type: ignore[type-var]
        if check is not None:
            check(after, board)
        return after

    def restored(kept: Any, board: Board) -> tuple[T, Remarks]:
        value = apply_patch(schema(), kept, declared) if kept else schema()
        return (value, ()) if fit is None else fit(value, board)

    return Section(
        name=name,
        default=lambda _board: schema(),
        patched=patched,
        shown=lambda value: wire_object(value, declared, without=secrets),
        kept=lambda value: wire_object(value, declared),
        restored=restored,
        keys=tuple(declared),
    )


def apply_patch(before: T, patch: object, declared: Mapping[str, Setting]) -> T:
    """Return settings with the known keys of a patch applied; at least one must be known.

    Raises:
        RejectedError: not an object, no known key, or a value that is not permitted.
    """
    known = known_part(patch, declared)
    changes = {declared[key].name: declared[key].check(value) for key, value in known.items()}
    return replace(before, **changes)  # type: ignore[type-var]  # a dataclass of declarations


def _is_redirected(before: Any, after: Any, address: str) -> bool:
    """Return whether an address leads to another host, port or kind of connection."""
    old, new = (_host(getattr(one, address)) for one in (before, after))
    return old[1] != "" and old != new


def _host(address: str) -> tuple[str, str]:
    scheme, _, rest = address.lower().partition("://")
    return scheme, rest.partition("/")[0]


def known_part(patch: object, declared: Mapping[str, Any]) -> dict[str, object]:
    """Return the known keys of a patch, in the declared order.

    Raises:
        RejectedError: not an object, or no known key.
    """
    if not isinstance(patch, dict):
        raise RejectedError("a JSON object was expected")
    known = {key: patch[key] for key in declared if key in patch}
    if not known:
        raise RejectedError(f"at least one of {', '.join(declared)} expected")
    return known


def wire_object(
    value: Any, declared: Mapping[str, Setting], *, without: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return settings by wire name and in wire units, in the declared order."""
    return {
        wire: _OUTWARD.get(one.kind, _as_it_is)(getattr(value, one.name))
        for wire, one in declared.items()
        if wire not in without
    }


def _as_it_is(value: Any) -> Any:
    return value


#: How the core's units become the wire's.
_OUTWARD: Final[Mapping[Kind, Callable[[Any], Any]]] = {Kind.TENTHS: amperes, Kind.PRICE: amount}
