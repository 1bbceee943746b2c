"""Owned limits in words: of a trace (A and s, absent where there is nothing), of a log line. Pure.

An addition to the format: traces of a station without owned limits have none of these words.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Final

from evsed.charging.commands import ClearLimit, LapseLimits, LimitCommand, RenewLimit, SetLimit
from evsed.charging.owned_limits import OwnedLimit, OwnedLimits
from evsed.errors import BadFileError
from evsed.station.trace import Json
from evsed.units import amperes, tenths

_MS: Final = 1000


def spoken_command(command: LimitCommand) -> tuple[str, Json]:
    """Return name and value of a command."""
    match command:
        case SetLimit():
            return "limit", _spoken(command)
        case RenewLimit(owner=owner):
            return "renewLimit", owner
        case LapseLimits(owners=owners):
            return "lapseLimits", list(owners)
        case ClearLimit(owner=owner):
            return "clearLimit", owner


def spoken_limits(limits: OwnedLimits, now_ms: int) -> list[Json]:
    """Return the setting ``limits`` of a trace that begins at ``now_ms``."""
    return [_spoken_limit(limit, now_ms) for limit in limits]


def read_limits(value: Json) -> OwnedLimits:
    """Return the limits at the start of a trace, whose time 0 is 0 ms.

    Raises:
        BadFileError: not what ``spoken_limits`` returns.
    """
    if not isinstance(value, list):
        raise BadFileError(f"limits: a list of objects expected, got {value!r}")
    return tuple(_read_limit(_object(one)) for one in value)


def silence(limit: OwnedLimit) -> str:
    """Return the sentence about an owner who has not been heard in time."""
    current_da = limit.in_force_da
    now = f"at most {amperes(current_da):g} A" if current_da else "charging is paused"
    return f"{limit.owner} has fallen silent: {now}"


def _spoken(limit: SetLimit | OwnedLimit) -> dict[str, Json]:
    found: dict[str, Json] = {"owner": limit.owner}
    for key, current_da in (("current", limit.current_da), ("fallback", limit.fallback_da)):
        if current_da is not None:
            found[key] = amperes(current_da)
    if limit.lease_ms is not None:
        found["expires"] = limit.lease_ms / _MS
    return found


def _spoken_limit(limit: OwnedLimit, now_ms: int) -> dict[str, Json]:
    found = _spoken(limit)
    if limit.until_ms is not None:
        found["left"] = (limit.until_ms - now_ms) / _MS
    if limit.lapsed:
        found["lapsed"] = True
    if limit.lowers_set_point:
        found["lowersSetPoint"] = True
    return found


def _read_limit(value: Mapping[str, Json]) -> OwnedLimit:
    return OwnedLimit(
        owner=_text(value.get("owner")),
        current_da=_tenths(value.get("current")),
        lease_ms=_ms(value.get("expires")),
        fallback_da=_tenths(value.get("fallback")),
        lowers_set_point=value.get("lowersSetPoint") is True,
        until_ms=_ms(value.get("left")),
        lapsed=value.get("lapsed") is True,
    )


def _set(value: Json) -> SetLimit:
    given = _object(value)
    return SetLimit(
        owner=_text(given.get("owner")),
        current_da=_tenths(given.get("current")),
        lease_ms=_ms(given.get("expires")),
        fallback_da=_tenths(given.get("fallback")),
    )


def _lapse(value: Json) -> LapseLimits:
    if not isinstance(value, list):
        raise BadFileError(f"a list of owners expected, got {value!r}")
    return LapseLimits(tuple(_text(one) for one in value))


#: The command of a trace, by name.
LIMIT_COMMANDS: Final[Mapping[str, Callable[[Json], LimitCommand]]] = {
    "limit": _set,
    "renewLimit": lambda value: RenewLimit(_text(value)),
    "lapseLimits": _lapse,
    "clearLimit": lambda value: ClearLimit(_text(value)),
}


def _object(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise BadFileError(f"a limit is an object, got {value!r}")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise BadFileError(f"an owner is a text, got {value!r}")
    return value


def _tenths(value: Json) -> int | None:
    return None if value is None else tenths(_number(value))


def _ms(value: Json) -> int | None:
    return None if value is None else round(_number(value) * _MS)


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise BadFileError(f"a number expected, got {value!r}")
    return value
