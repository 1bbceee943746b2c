"""GET /curve: power and current of the last two hours, so that a page shows them at once.

An extension. Kept in memory: one small row every five seconds, 1440 of them at most.
"""

import asyncio
from array import array
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from evsed.charging.snapshot import Snapshot
from evsed.operations.operations import Operations
from evsed.services.rest.answers import json_answer
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import array as list_of
from evsed.services.rest.schema import number, or_null, record, whole
from evsed.units import amperes

STEP_S: Final = 5
ROWS: Final = 2 * 3600 // STEP_S

_LOOK_S: Final = 1.0
#: stands for a row that is missing
_GAP: Final = -1
_SHAPE: Final = record(
    {
        "step": whole("between two rows", unit="s", low=1),
        "end": whole("Unix time of the last row", unit="s", low=0),
        "power": list_of(or_null(whole("null: not known", low=0)), "mean", unit="W"),
        "current": list_of(
            or_null(number("null: not known", low=0)), "mean, of the phase with most", unit="A"
        ),
        "offered": list_of(
            or_null(number("null: not known", low=0)), "what the car may take", unit="A"
        ),
    }
)


class Curve:
    """The rows. ``note`` once a second; a row is the mean of what was noted in its five."""

    def __init__(self) -> None:
        self._power_w, self._current_da, self._offered_da = array("i"), array("i"), array("i")
        self._noted: list[tuple[int, int, int]] = []
        self._row: int | None = None

    def note(self, now_s: float, now: Snapshot) -> None:
        """Take one moment.

        Args:
            now_s: monotonic time; rows that were passed over become gaps.
            now: the station.
        """
        row = int(now_s // STEP_S)
        if self._row is None:
            self._row = row
        if row != self._row:
            self._finish(row)
        highest_da = round(max(now.currents_a) * 10)
        self._noted.append((max(now.power_w, 0), max(highest_da, 0), now.offered_da))

    def _finish(self, row: int) -> None:
        count = len(self._noted)
        sums = (sum(column) for column in zip(*self._noted, strict=True))
        self._append(*(round(total / count) for total in sums))
        for _ in range(min(row - (self._row or 0) - 1, ROWS)):
            self._append(_GAP, _GAP, _GAP)
        self._row, self._noted = row, []

    def _append(self, power_w: int, current_da: int, offered_da: int) -> None:
        for column, value in (
            (self._power_w, power_w),
            (self._current_da, current_da),
            (self._offered_da, offered_da),
        ):
            column.append(value)
            del column[:-ROWS]

    def shown(self, now_s: float, clock_s: int) -> dict[str, Any]:
        """Return the finished rows.

        Args:
            now_s: monotonic time.
            clock_s: the same moment on the wall clock, Unix seconds.
        """
        ended_at_s = now_s if self._row is None else self._row * STEP_S
        return {
            "step": STEP_S,
            "end": max(int(clock_s - (now_s - ended_at_s)), 0),
            "power": [None if value == _GAP else value for value in self._power_w],
            "current": [None if value == _GAP else amperes(value) for value in self._current_da],
            "offered": [None if value == _GAP else amperes(value) for value in self._offered_da],
        }


@dataclass(frozen=True, slots=True)
class CurveResource:
    """The curve as a resource, and what fills it."""

    operations: Operations
    curve: Curve

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the row of the table."""
        return (
            Endpoint(
                method="GET",
                path="/curve",
                handler=self.get,
                summary="Power and current of the last two hours",
                answer=_SHAPE,
                extension=True,
            ),
        )

    async def serve(self) -> None:
        """Note how the station is, once a second, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self.curve.note(loop.time(), self.operations.station.snapshot)
            await asyncio.sleep(_LOOK_S)

    async def get(self, _request: web.Request) -> web.Response:
        """GET /curve."""
        clock_s = self.operations.picture().clock_s
        return json_answer(self.curve.shown(asyncio.get_running_loop().time(), clock_s))
