"""POST /credentials: who may use the charger. Source: rest.md sections 2 and 5.5."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from aiohttp import web

from evsed.errors import RejectedError
from evsed.services.rest.answers import ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import record, text
from evsed.settings.credentials import MAX_PASSWORD_CHARACTERS, MAX_USER_CHARACTERS


class Credentials(Protocol):
    """Keeps them."""

    async def save(self, user: str, password: str) -> None:
        """Keep new ones; both empty: none are needed any more.

        Raises:
            RejectedError: HTTP Basic could not carry them.
            StorageError: the disk refused; nothing was changed.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsResource:
    """User and password; they can be set and never be read."""

    credentials: Credentials
    bodies: BodyReader = field(default_factory=BodyReader)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (
            Endpoint(
                method="POST",
                path="/credentials",
                handler=self.post,
                summary="Set user and password; both empty: none are needed any more",
                about="Holds from the next request on, for every path; open event streams end.",
                body=_BODY,
            ),
        )

    async def post(self, request: web.Request) -> web.Response:
        """POST /credentials."""
        user, password = _pair(await self.bodies.json(request))
        await self.credentials.save(user, password)
        return ok()


def _pair(body: object) -> tuple[str, str]:
    """Return both; half a pair must not open the door. Deliberately no "any subset"."""
    if not isinstance(body, dict):
        raise RejectedError("an object with user and password expected")
    return _text(body, "user"), _text(body, "password")


def _text(body: dict[str, object], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise RejectedError("a text expected; both user and password are needed", key=key)
    return value


_BODY: Final = record(
    {
        "user": text(
            "no colon", longest=MAX_USER_CHARACTERS, pattern=r"^[^:\u0000-\u001f\u007f-\u009f]*$"
        ),
        "password": text(
            "", longest=MAX_PASSWORD_CHARACTERS, pattern=r"^[^\u0000-\u001f\u007f-\u009f]*$"
        ),
    }
)
