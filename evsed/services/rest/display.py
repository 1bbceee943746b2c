"""/nextion: what the display is, and new programs for it. Source: rest.md section 10."""

import logging
import re
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from evsed.errors import BrokenUpload, DisplayError, RejectedError
from evsed.host.repeat_limiter import RepeatLimiter
from evsed.services.rest.answers import failed, json_answer, ok
from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.ports import Display, DisplayInfo
from evsed.services.rest.schema import FILE, flag, or_null, record, text, whole
from evsed.services.rest.uploads import UploadReader, announced_length

MAX_PROGRAM_BYTES: Final = 128 * 1024 * 1024
BAUD_RATES: Final = range(2400, 921600 + 1)
_INFO: Final = record(
    {
        "model": text(),
        "touch": flag("it can be touched"),
        "flashSize": whole("memory for programs", unit="bytes", low=0),
    }
)

_log = logging.getLogger(__name__)


def info_object(info: DisplayInfo) -> dict[str, Any]:
    """Return what GET /nextion/info sends."""
    return {"model": info.model, "touch": info.touch, "flashSize": info.flash_size}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayResource:
    """The display as a resource."""

    display: Display
    uploads: UploadReader
    limiter: RepeatLimiter = field(default_factory=RepeatLimiter)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the rows of the table."""
        fastest, slowest = BAUD_RATES[-1], BAUD_RATES[0]
        return (
            Endpoint(
                method="GET",
                path="/nextion/info",
                handler=self.info,
                summary="The connected display; null when none answers",
                answer=or_null(_INFO),
            ),
            Endpoint(
                method="POST",
                path="/nextion/upload",
                handler=self.upload,
                summary="Write a program (.tft file) into the display",
                query={"baud-rate": whole(f"{fastest} without it", low=slowest, high=fastest)},
                body=FILE,
                errors=(411, 531, 532),
                expect=self.uploads.expect,
            ),
        )

    async def info(self, _request: web.Request) -> web.Response:
        """GET /nextion/info."""
        info = await self.display.info()
        return json_answer(None if info is None else info_object(info))

    async def upload(self, request: web.Request) -> web.Response:
        """POST /nextion/upload."""
        self.uploads.check(request)
        length = announced_length(request)
        if length is None:
            raise web.HTTPLengthRequired(text="Content-Length expected")
        baud_rate = _baud_rate(request)
        try:
            await self.display.upload(length, baud_rate, self.uploads.pieces(request))
        except DisplayError as error:
            return self._refused(531, error)
        except BrokenUpload as error:
            return self._refused(532, error)
        return ok()

    def _refused(self, status: int, error: Exception) -> web.Response:
        facts = (status, str(error))
        self.limiter.log(_log, logging.WARNING, facts, "display upload: %s: %s", *facts)
        return failed(status, str(error), close=True)


def _baud_rate(request: web.Request) -> int:
    text = request.query.get("baud-rate", str(BAUD_RATES[-1]))
    if not re.fullmatch("[0-9]{1,7}", text) or int(text) not in BAUD_RATES:
        wanted = f"a whole number {BAUD_RATES[0]}..{BAUD_RATES[-1]} expected"
        raise RejectedError(wanted, key="baud-rate")
    return int(text)
