"""/firmware: channels, look-up, update, upload. Source: rest.md sections 5.5 and 9."""

import logging
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from evsed.errors import BrokenUpload, RejectedError, UpdateError
from evsed.host.packages import Outcome
from evsed.host.repeat_limiter import RepeatLimiter
from evsed.operations.operations import Operations
from evsed.services.rest.answers import failed, json_answer, ok
from evsed.services.rest.body import BodyReader
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.ports import Updater
from evsed.services.rest.schema import FILE, array, or_null, record, text, whole
from evsed.services.rest.uploads import UploadReader, announced_length

MAX_PACKAGE_BYTES: Final = 64 * 1024 * 1024
_SOURCE: Final = "rest"
_PROGRESS: Final = record(
    {
        "stage": text(words=("idle", "receiving", "checking", "installing")),
        "received": whole("of the package", unit="bytes", low=0),
        "expected": or_null(whole("null: nobody said", unit="bytes", low=0)),
        "last": or_null(
            record(
                {
                    "outcome": text(words=("installed", "undone", "refused", "failed")),
                    "from": text("version before it; empty when it was refused"),
                    "to": text("version that was to be installed; empty when it was refused"),
                    "reason": text("why it was not installed"),
                    "at": whole("Unix time", unit="s", low=0),
                },
                "how the newest installation ended; null: there was none",
            )
        ),
    }
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareResource:
    """Updates of the daemon as a resource."""

    operations: Operations
    updater: Updater
    bodies: BodyReader = field(default_factory=BodyReader)
    uploads: UploadReader
    limiter: RepeatLimiter = field(default_factory=RepeatLimiter)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        return (*self._channels(), *self._updates())

    def _channels(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET",
                path="/firmware/channels",
                handler=self.channels,
                summary="Update channels of the board file",
                answer=array(text()),
            ),
            Endpoint(
                method="GET",
                path="/firmware/channel",
                handler=self.channel,
                summary="The chosen update channel",
                answer=text("empty when there is none"),
            ),
            Endpoint(
                method="POST",
                path="/firmware/channel",
                handler=self.set_channel,
                summary="Choose an update channel",
                body=text(words=tuple(self.updater.channels())),
            ),
        )

    def _updates(self) -> tuple[Endpoint, ...]:
        return (
            Endpoint(
                method="GET",
                path="/firmware/check-update",
                handler=self.check,
                summary="The version that runs and the one that is available",
                answer=record({"available": text(), "current": text()}),
                errors=(404,),
            ),
            Endpoint(
                method="POST",
                path="/firmware/update",
                handler=self.update,
                summary="Install what is available, if it is another version; restarts",
                errors=(520, 521),
            ),
            Endpoint(
                method="POST",
                path="/firmware/upload",
                handler=self.upload,
                summary="Install a package; restarts",
                body=FILE,
                errors=(521, 522, 523),
                expect=self.uploads.expect,
            ),
            Endpoint(
                method="GET",
                path="/firmware/progress",
                handler=self.progress,
                summary="How far an update is, and how the newest one ended",
                answer=_PROGRESS,
                extension=True,
            ),
        )

    async def channels(self, _request: web.Request) -> web.Response:
        """GET /firmware/channels."""
        return json_answer(list(self.updater.channels()))

    async def channel(self, _request: web.Request) -> web.Response:
        """GET /firmware/channel."""
        return json_answer(self.updater.channel())

    async def set_channel(self, request: web.Request) -> web.Response:
        """POST /firmware/channel."""
        name = await self.bodies.json(request)
        known = self.updater.channels()
        if not isinstance(name, str) or name not in known:
            listed = ", ".join(known) or "none on this board"
            raise RejectedError(f"one of the channels expected: {listed}", key="channel")
        await self.operations.change("firmware", {"channel": name}, source=_SOURCE)
        return ok()

    async def check(self, _request: web.Request) -> web.Response:
        """GET /firmware/check-update."""
        try:
            available, current = await self.updater.check()
        except UpdateError as error:
            return failed(404, str(error))
        return json_answer({"available": available, "current": current})

    async def update(self, request: web.Request) -> web.Response:
        """POST /firmware/update."""
        await self.bodies.drain(request)
        try:
            await self.updater.update()
        except UpdateError as error:
            return self._refused("update", error.status, str(error))
        return ok()

    async def upload(self, request: web.Request) -> web.Response:
        """POST /firmware/upload."""
        self.uploads.check(request)
        try:
            await self.updater.upload(announced_length(request), self.uploads.pieces(request))
        except UpdateError as error:
            return self._refused("upload", error.status, str(error), close=True)
        except BrokenUpload as error:
            return self._refused("upload", 522, str(error), close=True)
        return ok()

    async def progress(self, _request: web.Request) -> web.Response:
        """GET /firmware/progress."""
        progress, last = await self.updater.told()
        ended = None if last is None else _ended(last)
        return json_answer(
            {
                "stage": str(progress.stage),
                "received": progress.received,
                "expected": progress.expected,
                "last": ended,
            }
        )

    def _refused(self, what: str, status: int, line: str, *, close: bool = False) -> web.Response:
        facts = (what, status, line)
        self.limiter.log(_log, logging.WARNING, facts, "firmware %s: %s: %s", *facts)
        return failed(status, line, close=close)


def _ended(last: Outcome) -> dict[str, str | int]:
    return {
        "outcome": last.outcome,
        "from": last.before,
        "to": last.version,
        "reason": last.reason,
        "at": last.at_s,
    }
