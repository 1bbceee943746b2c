"""GET and POST /simulator: act as the car. An extension, only on a simulated board."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from evsed.errors import RejectedError
from evsed.operations.values import json_object
from evsed.services.rest.answers import json_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.endpoints import Endpoint


class Simulator(Protocol):
    """The simulated circuit: what can be turned, and what can be read back."""

    async def get(self) -> dict[str, Any]:
        """Return everything."""

    async def set(self, changes: Mapping[str, object]) -> dict[str, Any]:
        """Change some of it; ``RejectedError`` when a key or value makes no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorResource:
    """Passes through to the circuit."""

    circuit: Simulator
    bodies: BodyReader = field(default_factory=BodyReader)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (
            Endpoint(
                method="GET",
                path="/simulator",
                handler=self.get,
                summary="The simulated circuit and vehicle",
                answer={"type": "object"},
                extension=True,
            ),
            Endpoint(
                method="POST",
                path="/simulator",
                handler=self.post,
                summary="Act as the vehicle or the circuit",
                body={"type": "object", "minProperties": 1},
                extension=True,
            ),
        )

    async def get(self, _request: web.Request) -> web.Response:
        """GET /simulator."""
        return json_answer(await self.circuit.get())

    async def post(self, request: web.Request) -> web.Response:
        """POST /simulator: an object of changes."""
        changes = json_object(await self.bodies.json(request))
        if not changes:
            raise RejectedError("at least one key expected")
        await self.circuit.set(changes)
        return ok()
