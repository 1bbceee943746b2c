"""/limits: who holds the charger back, and limits with an owner. An extension; docs/limits.md."""

from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from evsed.operations.limits import LONGEST_S, MOST_A, LimitDesk
from evsed.services.rest.answers import failed, json_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.schema import Schema, array, flag, number, or_null, patch, record, text

_SOURCE: Final = "rest"
_CURRENT: Final = or_null(
    number(
        "what the owner permits: 6 to 63; 0 pauses charging; null: nothing yet, he is only waited "
        "for",
        low=0,
        high=MOST_A,
        unit="A",
    )
)
_EXPIRES: Final = or_null(
    number(
        "how long it holds without being written again; null: until it is deleted",
        low=1,
        high=LONGEST_S,
        unit="s",
    )
)
_FALLBACK: Final = or_null(
    number(
        "what is in force when it has not been written again in time: 6 to 63, 0 pauses charging; "
        "null: the limit ends",
        low=0,
        high=MOST_A,
        unit="A",
    )
)
_WRITTEN: Final = patch({"current": _CURRENT, "expires": _EXPIRES, "fallback": _FALLBACK})
_LIMIT: Final[Schema] = record(
    {
        "owner": text("a name of your choice, or user, settings, board, cable, thermal, modbus …"),
        "inForce": or_null(number("what it permits now; null: anything", unit="A")),
        "current": _CURRENT,
        "expires": _EXPIRES,
        "fallback": _FALLBACK,
        "left": or_null(number("until it expires", low=0, unit="s")),
        "lapsed": flag("it has not been written in time, and the fallback is in force"),
        "setBy": or_null(text("of user: who wrote it last; null: nobody since the start")),
    }
)
_LIMITS: Final = record(
    {
        "permitted": number("the lowest of all, 0 for a pause", low=0, high=MOST_A, unit="A"),
        "limitedBy": or_null(text("the owner to be asked first for more")),
        "limits": array(_LIMIT, "those in force first, in the order of asking"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsResource:
    """The limits as resources."""

    limits: LimitDesk
    bodies: BodyReader = field(default_factory=BodyReader)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (*self._reading(), *self._writing())

    def _reading(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET",
                path="/limits",
                handler=self.get,
                summary="Every limit on the current, and who holds the charger back",
                answer=_LIMITS,
                extension=True,
            ),
            Endpoint(
                method="GET",
                path="/limits/{owner}",
                handler=self.get_one,
                summary="The limit of one owner",
                answer=_LIMIT,
                errors=(404,),
                extension=True,
            ),
        )

    def _writing(self) -> tuple[Endpoint, ...]:
        about = (
            "The lowest limit of all is offered to the vehicle. Limits are not stored: after a "
            "restart there are none until they are written again."
        )
        return (
            Endpoint(
                method="PUT",
                path="/limits/{owner}",
                handler=self.put,
                summary="Set the limit of one owner; what is absent is none",
                body=_WRITTEN,
                about=about,
                extension=True,
            ),
            Endpoint(
                method="POST",
                path="/limits/{owner}",
                handler=self.post,
                summary="Change the limit of one owner, or renew it; what is absent stays",
                body=_WRITTEN,
                about=about,
                extension=True,
            ),
            Endpoint(
                method="DELETE",
                path="/limits/{owner}",
                handler=self.delete,
                summary="End the limit of one owner",
                errors=(404,),
                extension=True,
            ),
        )

    async def get(self, _request: web.Request) -> web.Response:
        """GET /limits."""
        return json_answer(self.limits.shown())

    async def get_one(self, request: web.Request) -> web.Response:
        """GET /limits/{owner}."""
        found: dict[str, Any] | None = self.limits.of(request.match_info["owner"])
        return _unknown(request) if found is None else json_answer(found)

    async def put(self, request: web.Request) -> web.Response:
        """PUT /limits/{owner}."""
        return await self._set(request, whole=True)

    async def post(self, request: web.Request) -> web.Response:
        """POST /limits/{owner}."""
        return await self._set(request, whole=False)

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE /limits/{owner}."""
        await self.bodies.drain(request)
        owner = request.match_info["owner"]
        if self.limits.of(owner) is None:
            return _unknown(request)
        await self.limits.clear(owner, source=_SOURCE)
        return ok()

    async def _set(self, request: web.Request, *, whole: bool) -> web.Response:
        value = await self.bodies.json(request)
        await self.limits.set(request.match_info["owner"], value, whole=whole, source=_SOURCE)
        return ok()


def _unknown(request: web.Request) -> web.Response:
    return failed(404, f"{request.match_info['owner'][:64]!r} has no limit")
