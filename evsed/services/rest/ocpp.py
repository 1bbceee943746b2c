"""/ocpp: how the connection to the management system stands, and tokens held up here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiohttp import web

from evsed.errors import RejectedError
from evsed.operations.values import json_object
from evsed.services.rest.answers import json_answer
from evsed.services.rest.body import BodyReader
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import flag, or_null, record, text, whole

#: Source: OCPP 1.6 section 6.24, IdToken.
_LONGEST: Final = 20
_STATE: Final = record(
    {
        "enabled": flag("the settings say that there is to be a connection"),
        "installed": flag("the library it needs is there"),
        "connected": flag("there is a connection"),
        "accepted": flag("the management system has taken this charger"),
        "queue": whole("messages of transactions not delivered yet; -1: the disk does not answer"),
        "transaction": or_null(text("our own name of the transaction that runs")),
        "token": or_null(text("who charges")),
        "profiles": whole("charging profiles that are followed", low=0),
        "lastError": text("what went wrong last; empty: nothing"),
    }
)


class ManagementSystem(Protocol):
    """The connection."""

    def state(self) -> Mapping[str, Any]:
        """Return how it stands."""

    async def present(self, token: str) -> str:
        """Take a token; return ``Accepted`` or why not.

        Raises:
            RejectedError: there is nobody to judge it.
            TimeoutError: nothing was decided in time.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class OcppResource:
    """The connection as resources."""

    ocpp: ManagementSystem
    bodies: BodyReader = field(default_factory=BodyReader)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (
            Endpoint(
                method="GET",
                path="/ocpp/state",
                handler=self.get,
                summary="How the connection to the management system stands",
                answer=_STATE,
                extension=True,
            ),
            Endpoint(
                method="POST",
                path="/ocpp/authorize",
                handler=self.authorize,
                summary="Hold a token up: begins a transaction, or ends the one it has begun",
                body=record({"token": text("of a card", shortest=1, longest=_LONGEST)}),
                answer=record({"status": text("Accepted, or why not, in the words of OCPP")}),
                extension=True,
            ),
        )

    async def get(self, _request: web.Request) -> web.Response:
        """GET /ocpp/state."""
        return json_answer(self.ocpp.state())

    async def authorize(self, request: web.Request) -> web.Response:
        """POST /ocpp/authorize."""
        token = json_object(await self.bodies.json(request)).get("token")
        if not isinstance(token, str) or not token.isprintable() or not token.isascii():
            raise RejectedError(f"a text of 1 … {_LONGEST} ASCII characters expected", key="token")
        if not 1 <= len(token) <= _LONGEST:
            raise RejectedError(f"a text of 1 … {_LONGEST} ASCII characters expected", key="token")
        return json_answer({"status": await self.ocpp.present(token)})
