"""JSON lines over a socket pair; every byte of a Lua text is one character. Source: lua.md 12.4."""

import json
import select
import socket
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

MOST_BYTES: Final = 512 * 1024
_READ: Final = 64 * 1024


class GoneError(Exception):
    """The daemon has closed the link."""


class TooLongError(Exception):
    """The daemon would not take a message of this length."""


class Link:
    """The worker's end; one thread uses it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._buffer = bytearray()
        self._waiting: deque[dict[str, Any]] = deque()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message.

        Raises:
            GoneError: nobody listens.
            TooLongError: nothing was sent.
        """
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        line = text.encode(errors="replace") + b"\n"
        if len(line) > MOST_BYTES:
            raise TooLongError
        try:
            self._end.sendall(line)
        except OSError as error:
            raise GoneError from error

    @property
    def has_more(self) -> bool:
        """Whether a message has arrived that was not asked for yet."""
        return bool(self._waiting) or b"\n" in self._buffer

    def next(self, within_s: float) -> dict[str, Any] | None:
        """Return the next message that is no answer, or None when none came in time.

        Raises:
            GoneError: the daemon has closed the link.
        """
        if self._waiting:
            return self._waiting.popleft()
        return self._receive(within_s)

    def answer(self, number: int) -> dict[str, Any]:
        """Wait for the answer to a call; what else arrives is kept, pings are answered.

        Raises:
            GoneError: the daemon has closed the link.
        """
        while True:
            message = self._receive(None)
            if message is None:
                continue
            if message.get("t") == "ret" and message.get("n") == number:
                return message
            if message.get("t") == "ping":
                self.send({"t": "pong", "n": message.get("n")})
            else:
                self._waiting.append(message)

    def _receive(self, within_s: float | None) -> dict[str, Any] | None:
        give_up = None if within_s is None else time.monotonic() + within_s
        while b"\n" not in self._buffer:
            left = None if give_up is None else max(0.0, give_up - time.monotonic())
            ready, _, _ = select.select([self._end], [], [], left)
            if not ready:
                return None
            data = self._end.recv(_READ)
            if not data:
                raise GoneError
            self._buffer += data
        line, _, rest = self._buffer.partition(b"\n")
        self._buffer = bytearray(rest)
        message: dict[str, Any] = json.loads(line)
        return message
