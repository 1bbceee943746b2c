"""What is kept of charging sessions, in the words every interface shares. Pure.

Energies in Ws, powers in W, times in Unix seconds, durations in s. Source: web-ui.md sections 2, 3.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

T = TypeVar("T")


class EndReason(StrEnum):
    """How a session came to its end."""

    UNPLUGGED = "unplugged"
    #: after a fault or a time out of service; the next one needs an authorization of its own
    FAULT = "fault"
    OUT_OF_SERVICE = "out_of_service"
    #: the vehicle was gone when the charger came back from being off
    INTERRUPTED = "interrupted"


class Authorized(StrEnum):
    """How a session was authorized, besides the names of the interfaces it can be done by."""

    NOT_REQUIRED = "not_required"
    NOT_GIVEN = "not_given"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session as it is kept; an open one as it was written last."""

    id: int
    start_s: int
    #: whether the wall clock is known to have been right
    clock_set: bool
    duration_s: int
    charging_s: int
    energy_ws: int
    meter_start_ws: int
    meter_end_ws: int
    peak_w: int
    #: Ws times 1/10000 of the currency per kWh
    cost: int
    authorized: str
    faults: tuple[str, ...]
    #: why charging stopped last, a word of ``evsed.charging.states.Reason``; empty: it never began
    stopped: str
    #: a word of ``EndReason``; empty while the session goes on
    ended: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """One minute of a session, or several together; what does not flow has no rows."""

    session: int
    #: counted from the begin of the session
    minute: int
    energy_ws: int
    peak_w: int
    offered_da: int
    #: mean of L1, L2, L3
    currents_ma: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRow:
    """The sessions that began in one month, local time."""

    month: str
    sessions: int
    energy_ws: int
    charging_s: int
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions are asked for; what is None does not matter."""

    from_s: int | None = None
    to_s: int | None = None
    min_energy_ws: int | None = None
    faulty: bool | None = None
    authorized: str | None = None
    ended: str | None = None
    #: local time, as 2026-11
    month: str | None = None


EVERY_SESSION = SessionFilter()


class SessionReader(Protocol):
    """Reads on a worker thread; each call is short and sees one moment.

    Raises:
        StorageError: the database cannot be read.
    """

    def sessions(self, wanted: SessionFilter, before: int | None, limit: int) -> list[SessionRow]:
        """Return the newest ``limit`` sessions older than number ``before``, newest first."""

    def session(self, number: int) -> SessionRow | None:
        """Return one session."""

    def samples(self, number: int, step: int) -> list[SampleRow]:
        """Return the curve of a session, ``step`` minutes in one."""

    def samples_after(
        self, wanted: SessionFilter, after: tuple[int, int], limit: int
    ) -> list[SampleRow]:
        """Return the next ``limit`` samples behind one of a session and minute, oldest first."""

    def starts(self, numbers: Sequence[int]) -> Mapping[int, int]:
        """Return when sessions began."""

    def months(self) -> list[MonthRow]:
        """Return the months that have sessions, newest first."""


class SessionLog(Protocol):
    """The history of sessions, for everybody who shows it."""

    async def read(self, work: Callable[[SessionReader], T]) -> T:
        """Run ``work`` on a worker thread with a reader.

        Raises:
            StorageError: the database cannot be read.
        """
