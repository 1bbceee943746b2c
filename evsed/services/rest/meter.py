"""/meter: what the board's own channels read, and their calibration. An extension."""

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiohttp import web

from evsed.errors import RejectedError
from evsed.hardware.interfaces import MeterReading
from evsed.operations.metering import QUANTITIES, Line
from evsed.operations.operations import Operations
from evsed.operations.values import json_object
from evsed.services.rest.answers import json_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import Schema, array, number, record, text, whole

_SOURCE: Final = "rest"
_PHASES: Final = (1, 2, 3)


class Calibrates(Protocol):
    """What puts the board's own meter right."""

    @property
    def reading(self) -> MeterReading | None:
        """The newest reading."""

    async def measure(self, quantity: str, phase: int, true: float, *, source: str) -> Line:
        """Measure a point; ``RejectedError`` when it makes no sense."""

    async def measure_shift(self, phase: int, power_factor: float, *, source: str) -> float:
        """Find a delay in us; ``RejectedError`` when it makes no sense."""

    async def forget(self, *, source: str) -> None:
        """Go back to the scales of the board file."""


def _trio(about: str, unit: str) -> Schema:
    return array(number(about, unit=unit), "L1, L2, L3", shortest=3, longest=3)


_METER: Final = record(
    {
        "source": text("where volts, amperes and watts come from"),
        "power": whole("all phases together", unit="W"),
        "voltage": _trio("as published", "V"),
        "current": _trio("as published", "A"),
        "boardVoltage": _trio("read by the board's channels, before calibration", "V"),
        "boardCurrent": _trio("read by the board's channels, before calibration", "A"),
        "boardPower": _trio("real power read by the board's channels", "W"),
    }
)
_POINT: Final = record(
    {
        "quantity": text("what is put right", words=QUANTITIES),
        "phase": whole("which phase", low=1, high=3),
        "value": number("what another meter reads now: A, V; for shift the power factor"),
    }
)
_LINE: Final = record(
    {
        "points": whole("1: a gain only; 2: gain and offset", low=1, high=2),
        "raw": number("what the channel read", unit="A or V"),
        "gain": number("what it is multiplied with from now on"),
        "offset": number("what is added to it from now on", unit="A or V"),
        "shift": number("by how much the voltage is seen later than its current", unit="µs"),
    },
    required=(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterResource:
    """The meter as a resource."""

    operations: Operations
    calibrator: Calibrates
    bodies: BodyReader = field(default_factory=BodyReader)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (
            Endpoint(
                method="GET",
                path="/meter",
                handler=self.get,
                summary="What is metered, and what the board's own channels read",
                answer=_METER,
                extension=True,
            ),
            Endpoint(
                method="POST",
                path="/meter/calibration",
                handler=self.measure,
                summary="Compare a channel with another meter, for five seconds",
                body=_POINT,
                answer=_LINE,
                about="One point sets a gain, a second one with another load gain and offset. "
                "A shift takes ten seconds and is put right at once.",
                extension=True,
            ),
            Endpoint(
                method="DELETE",
                path="/meter/calibration",
                handler=self.forget,
                summary="Go back to the scales of the board file",
                extension=True,
            ),
        )

    async def get(self, _request: web.Request) -> web.Response:
        """GET /meter."""
        now, own = self.operations.station.snapshot, self.calibrator.reading
        dark = (0.0, 0.0, 0.0)
        return json_answer(
            {
                "source": now.meter_source.value,
                "power": now.power_w,
                "voltage": list(now.voltages_v),
                "current": list(now.currents_a),
                "boardVoltage": list(dark if own is None else own.raw_voltages_v),
                "boardCurrent": list(dark if own is None else own.raw_currents_a),
                "boardPower": list((None if own is None else own.real_powers_w) or dark),
            }
        )

    async def measure(self, request: web.Request) -> web.Response:
        """POST /meter/calibration."""
        quantity, phase, value = _point(json_object(await self.bodies.json(request)))
        if quantity == "shift":
            shift_us = await self.calibrator.measure_shift(phase, value, source=_SOURCE)
            return json_answer({"shift": round(shift_us, 1)})
        line = await self.calibrator.measure(quantity, phase, value, source=_SOURCE)
        return json_answer(
            {
                "points": len(line.points),
                "raw": round(line.points[-1].raw, 4),
                "gain": round(line.gain, 6),
                "offset": round(line.offset, 4),
            }
        )

    async def forget(self, _request: web.Request) -> web.Response:
        """DELETE /meter/calibration."""
        await self.calibrator.forget(source=_SOURCE)
        return ok()


def _point(body: Any) -> tuple[str, int, float]:
    quantity, phase, value = (body.get(key) for key in ("quantity", "phase", "value"))
    if quantity not in QUANTITIES:
        raise RejectedError(f"one of {', '.join(QUANTITIES)} is expected", key="quantity")
    if isinstance(phase, bool) or phase not in _PHASES:
        raise RejectedError("1, 2 or 3 is expected", key="phase")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RejectedError("a number is expected", key="value")
    return quantity, int(phase), float(value)
