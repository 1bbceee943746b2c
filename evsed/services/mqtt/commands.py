"""The table of commands: what stands behind ``set/``, and what it asks for.

Everything goes the way every interface goes: the same ranges, the same sentences of refusal.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from evsed.errors import RejectedError
from evsed.operations.operations import Operations
from evsed.operations.state_fields import WRITABLE
from evsed.operations.strict_json import parse
from evsed.operations.values import boolean

#: Who asks, in the log and as the owner of the limit that is set without a name.
SOURCE: Final = "mqtt"
LIMIT: Final = "limit"
#: The limit of another owner; his name follows.
LIMITS: Final = "limits/"
AUTHORIZE: Final = "authorize"
_SETTINGS: Final = ("requireAuth",)
#: No command needs more.
_MOST_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name, what its payload is, and who carries it out."""

    name: str
    about: str
    carry_out: Callable[[Operations, Any], Awaitable[None]]


def _written(name: str, about: str) -> Command:
    async def write(operations: Operations, value: Any) -> None:
        await operations.write([(name, value)], source=SOURCE)

    return Command(name, about, write)


async def _authorize(operations: Operations, value: Any) -> None:
    if not boolean(AUTHORIZE, value):
        raise RejectedError("true expected", key=AUTHORIZE)
    await operations.authorize(source=SOURCE)


async def _limit(operations: Operations, value: Any) -> None:
    await set_limit(operations, SOURCE, value)


#: By name.
COMMANDS: Final = {
    command.name: command
    for command in (
        *(_written(row.name, row.about) for row in WRITABLE.values()),
        *(_written(name, "charge only when authorized") for name in _SETTINGS),
        Command(AUTHORIZE, "true: let the vehicle charge, for 60 s", _authorize),
        Command(LIMIT, "a limit of the owner mqtt, as PUT /limits/mqtt takes it", _limit),
    )
}


async def obey(operations: Operations, name: str, data: bytes) -> None:
    """Carry out a command; it is in force on return.

    Args:
        operations: the desk.
        name: what stands behind ``set/``.
        data: JSON.

    Raises:
        RejectedError: not known, or not permitted; nothing has changed.
        TimeoutError: no control pass took it within one second.
        StorageError: the disk refused.
    """
    if name.startswith(LIMITS):
        await set_limit(operations, name.removeprefix(LIMITS), read(data))
        return
    command = COMMANDS.get(name)
    if command is None:
        raise RejectedError(f"unknown command, expected one of: {', '.join(COMMANDS)}")
    await command.carry_out(operations, read(data))


async def set_limit(operations: Operations, owner: str, value: Any) -> None:
    """Set the limit of an owner: an object, a current for ever, or null for none.

    Raises:
        RejectedError: a value is not permitted.
        TimeoutError: no control pass took it within one second.
    """
    limits = operations.limits
    if value is None:
        await limits.clear(owner, source=SOURCE)
        return
    wanted = value if isinstance(value, dict) else {"current": value}
    await limits.set(owner, wanted, whole=True, source=SOURCE)


def read(data: bytes) -> Any:
    """Return the JSON of a payload.

    Raises:
        RejectedError: it is none, or too long.
    """
    if len(data) > _MOST_BYTES:
        raise RejectedError(f"at most {_MOST_BYTES} bytes expected")
    return parse(data)
