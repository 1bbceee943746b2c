"""GET /events: one client's stream over HTTP. Source: web-ui.md section 4."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from evsed.services.rest.endpoints import Endpoint
from evsed.services.rest.event_hub import EventHub
from evsed.services.rest.schema import EVENTS, text

_HEADERS: Final = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
_RETRY_AFTER_S: Final = 10
#: A browser's script that opens a stream anew cannot set the header.
_LAST_SEEN: Final = "lastEventId"
_LINES_TOO: Final = text("1: also its lines, those there are and then new ones", words=("1",))
#: Small, so that a client that does not read is noticed by the hub and not hidden by buffers.
_SOCKET_BACKLOG_BYTES: Final = 16384


@dataclass(frozen=True, slots=True)
class EventStreams:
    """Hands the hub's frames to HTTP clients."""

    hub: EventHub

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the row of the table."""
        return (
            Endpoint(
                method="GET",
                path="/events",
                handler=self.get,
                summary="Changes as they happen (server-sent events)",
                query={
                    _LAST_SEEN: text("instead of the header Last-Event-ID", longest=64),
                    **dict.fromkeys(self.hub.lines, _LINES_TOO),
                },
                answer=EVENTS,
                errors=(503,),
                extension=True,
            ),
        )

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Send events until the client or the station goes."""
        response = web.StreamResponse(headers=_HEADERS)
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        await self._send(request, response)
        return response

    async def _send(self, request: web.Request, response: web.StreamResponse) -> None:
        transport = request.transport
        if transport is None:
            return
        transport.set_write_buffer_limits(high=_SOCKET_BACKLOG_BYTES)
        wanted = [name for name in self.hub.lines if request.query.get(name) == "1"]
        last_seen = request.headers.get("Last-Event-ID") or request.query.get(_LAST_SEEN)
        stream = self.hub.open(last_seen, transport.abort, wanted)
        if stream is None:
            raise web.HTTPServiceUnavailable(
                text="as many event streams as can be served are open",
                headers={"Retry-After": str(_RETRY_AFTER_S)},
            )
        try:
            await response.prepare(request)
            async for data in stream.frames():
                await response.write(data)
        except ConnectionError:
            pass  # the client has gone; streams end like that
        finally:
            self.hub.leave(stream)
