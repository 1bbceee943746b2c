"""/reset: everything as it was delivered. An extension of ours."""

from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from evsed.errors import RejectedError
from evsed.operations.operations import Operations
from evsed.services.rest.answers import ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import flag, record, text

#: To be sent word for word: nothing is erased by a request that was meant for something else.
CONFIRMATION: Final = "erase all settings"
_SOURCE: Final = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetResource:
    """The factory reset as a resource."""

    operations: Operations
    bodies: BodyReader = field(default_factory=BodyReader)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (
            Endpoint(
                method="POST",
                path="/reset",
                handler=self.reset,
                summary="Erase all settings and restart; charging is stopped first",
                body=record(
                    {
                        "confirm": text(words=(CONFIRMATION,)),
                        "sessions": flag("erase the history of charging too; false when left out"),
                    },
                    required=("confirm",),
                ),
                about="User and password are settings too: afterwards everybody is let in.",
                extension=True,
            ),
        )

    async def reset(self, request: web.Request) -> web.Response:
        """POST /reset."""
        body = await self.bodies.json(request)
        if not isinstance(body, dict) or body.get("confirm") != CONFIRMATION:
            raise RejectedError(f'"{CONFIRMATION}" is expected', key="confirm")
        sessions = body.get("sessions", False)
        if not isinstance(sessions, bool):
            raise RejectedError("true or false is expected", key="sessions")
        await self.operations.factory_reset(sessions=sessions, source=_SOURCE)
        return ok()
