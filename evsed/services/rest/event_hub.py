"""Publishes what changes to every listening client; decides what is due, knows no socket.

Source: web-ui.md section 4.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evsed.services.rest.event_lines import LineReader, LineSource, line_frames
from evsed.services.rest.event_text import COMMENT, EventId, frame, read_event_id

MAX_STREAMS: Final = 16
MAX_BACKLOG_BYTES: Final = 65536

#: Lines fill a client's stream only so far, so that pictures still find room.
_LINES_BACKLOG_BYTES: Final = 16384

_LOOK_S: Final = 0.05
_IDLE_S: Final = 0.25
_AT_MOST_EVERY_S: Final = 0.25
_AT_LEAST_EVERY_S: Final = 5.0
_COMMENT_EVERY_S: Final = 15.0
_REMEMBERED: Final = 64

Look = Callable[[], dict[str, Any]]


class Stream:
    """One client's frames that wait to be sent; holds at most 64 kB."""

    def __init__(
        self, on_overflow: Callable[[], None], lines: Mapping[str, LineReader] | None = None
    ) -> None:
        self._lines = lines or {}
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._filled = asyncio.Event()
        self._on_overflow = on_overflow

    def put(self, data: bytes) -> None:
        """Add a frame; a client with too many of them waiting is given up."""
        if self._ended:
            return
        if self._size + len(data) > MAX_BACKLOG_BYTES:
            self.end()
            self._on_overflow()
            return
        self._frames.append(data)
        self._size += len(data)
        self._filled.set()

    def feed(self) -> None:
        """Add the lines this client asked for, as far as there is room."""
        for name, reader in self._lines.items():
            for data in line_frames(name, reader, _LINES_BACKLOG_BYTES - self._size):
                self.put(data)

    def end(self) -> None:
        """Send what waits, then nothing more."""
        self._ended = True
        self._filled.set()

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield frames as they come, until the stream has ended."""
        while self._frames or not self._ended:
            if not self._frames:
                self._filled.clear()
                await self._filled.wait()
                continue
            data = self._frames.popleft()
            self._size -= len(data)
            yield data


@dataclass(slots=True)
class Topic:
    """One event that repeats a picture: sent when it changed, and now and then in any case.

    Args:
        name: of the event.
        look: returns the picture.
        restless: keys whose changes alone are no news.
    """

    name: str
    look: Look
    restless: frozenset[str] = frozenset()
    _last: dict[str, Any] | None = field(default=None, init=False)
    _sent_at_s: float = field(default=float("-inf"), init=False)

    def due(self, now_s: float) -> dict[str, Any] | None:
        """Return the picture when it has to be sent now."""
        waited_s = now_s - self._sent_at_s
        if waited_s < _AT_MOST_EVERY_S:
            return None
        picture = self.look()
        if waited_s < _AT_LEAST_EVERY_S and self._last == self._settled(picture):
            return None
        self._last, self._sent_at_s = self._settled(picture), now_s
        return picture

    def _settled(self, picture: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in picture.items() if key not in self.restless}


class EventHub:
    """Serves every event stream.

    Args:
        boot_id: distinguishes this run of the daemon from the one before.
        greeting: versions, sent first on every stream.
        topics: the pictures to watch.
        lines: what a client may ask for by name, line by line.
    """

    name = "events"

    def __init__(
        self,
        boot_id: str,
        greeting: dict[str, Any],
        topics: tuple[Topic, ...],
        lines: Mapping[str, LineSource] | None = None,
    ) -> None:
        self.lines = lines or {}
        self._boot_id = boot_id
        self._greeting = greeting
        self._topics = topics
        self._streams: set[Stream] = set()
        self._number = 0
        self._news: deque[tuple[EventId, bytes]] = deque(maxlen=_REMEMBERED)
        self._forgotten = 0
        self._comment_at_s = float("-inf")
        self._closed = False

    async def serve(self) -> None:
        """Look for changes until cancelled; then say goodbye on every stream."""
        loop = asyncio.get_running_loop()
        self._closed = False
        try:
            while True:
                await asyncio.sleep(_LOOK_S if self._streams else _IDLE_S)
                self.look(loop.time())
        finally:
            self.close()

    def look(self, now_s: float) -> None:
        """Publish what is due at ``now_s``, a monotonic time."""
        if not self._streams:
            return
        for topic in self._topics:
            picture = topic.due(now_s)
            if picture is not None:
                self._to_all(frame(topic.name, picture, self._next_id()))
        if now_s - self._comment_at_s >= _COMMENT_EVERY_S:
            self._comment_at_s = now_s
            self._to_all(COMMENT)
        for stream in self._streams:
            stream.feed()

    def config_changed(self, block: str) -> None:
        """Tell everyone that a configuration block has new values."""
        self.tell("config", {"name": block})

    def tell(self, name: str, what: Mapping[str, object]) -> None:
        """Tell everyone a piece of news; who resumes hears it too."""
        event_id = self._next_id()
        data = frame(name, what, event_id)
        if len(self._news) == _REMEMBERED:
            self._forgotten = self._news[0][0].number
        self._news.append((event_id, data))
        self._to_all(data)

    def open(
        self,
        last_seen: str | None,
        on_overflow: Callable[[], None],
        lines: Collection[str] = (),
    ) -> Stream | None:
        """Return a stream that begins with greeting, missed news and full pictures.

        Returns None when there are as many as we serve, or when the hub is closed.
        """
        if self._closed or len(self._streams) >= MAX_STREAMS:
            return None
        wanted = {name: self.lines[name].subscribe(whole=True) for name in lines}
        stream = Stream(on_overflow, wanted)
        missed = self._missed(read_event_id(last_seen))
        hello = {"bootId": self._boot_id, "resumed": missed is not None, **self._greeting}
        stream.put(frame("hello", hello))
        for data in missed or ():
            stream.put(data)
        for topic in self._topics:
            stream.put(frame(topic.name, topic.look(), EventId(self._boot_id, self._number)))
        self._streams.add(stream)
        return stream

    def leave(self, stream: Stream) -> None:
        """Forget a stream whose client has gone."""
        self._streams.discard(stream)

    def close(self) -> None:
        """Say goodbye and end every stream."""
        self._closed = True
        self._to_all(frame("bye", {"reason": "the station is stopping"}))
        for stream in self._streams:
            stream.end()

    def _missed(self, seen: EventId | None) -> list[bytes] | None:
        if seen is None or seen.boot != self._boot_id:
            return None
        if not self._forgotten <= seen.number <= self._number:
            return None
        return [data for event_id, data in self._news if event_id.number > seen.number]

    def _next_id(self) -> EventId:
        self._number += 1
        return EventId(self._boot_id, self._number)

    def _to_all(self, data: bytes) -> None:
        for stream in self._streams:
            stream.put(data)
