"""Clients on connections that stay open: each asks again as soon as it has been answered."""

import base64
import itertools
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evsed.bench.rest_clients import after_answer
from evsed.errors import EvsedError

_CHUNK: Final = 65_536
_OK: Final = b"HTTP/1.1 200"
_PATIENCE_S: Final = 10.0


class BenchError(EvsedError):
    """The benchmark cannot go on: a server did not answer as it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One GET.

    Args:
        path: of the resource.
        login: user and password, when the server asks for them.
    """

    path: str
    login: tuple[str, str] | None = None

    def wire(self, accept: str = "*/*") -> bytes:
        """Return the request as it is sent."""
        lines = [f"GET {self.path} HTTP/1.1", "Host: 127.0.0.1", f"Accept: {accept}"]
        if self.login is not None:
            pair = base64.b64encode(":".join(self.login).encode()).decode()
            lines.append(f"Authorization: Basic {pair}")
        return "\r\n".join((*lines, "", "")).encode()


class Crowd:
    """Some connections to one server.

    Args:
        port: of the server.
        count: of the connections.
        question: what they ask.
        varied: no connection sends the same bytes twice in a row.
    """

    def __init__(self, port: int, count: int, question: Question, *, varied: bool = False) -> None:
        accepted = ("*/*", "*/*;q=1") if varied else ("*/*",)
        wires = [question.wire(accept) for accept in accepted]
        self._received: dict[socket.socket, bytes] = {}
        self._ready = selectors.DefaultSelector()
        self._wires: dict[socket.socket, Iterator[bytes]] = {}
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), _PATIENCE_S)
            self._received[connection] = b""
            self._ready.register(connection, selectors.EVENT_READ)
            self._wires[connection] = itertools.cycle(wires)
            connection.sendall(next(self._wires[connection]))

    def __enter__(self) -> "Crowd":
        """Connections are open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self._ready.close()
        for connection in self._received:
            connection.close()

    def ask(self, seconds: float) -> int:
        """Ask without a pause; return how many answers came.

        Raises:
            BenchError: an answer was not 200, or none came.
        """
        answers = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            events = self._ready.select(_PATIENCE_S)
            if not events:
                raise BenchError("the server has stopped answering")
            for key, _ in events:
                answers += self._take(key.fileobj)  # type: ignore[arg-type]  # sockets only
        return answers

    def _take(self, connection: socket.socket) -> int:
        data = connection.recv(_CHUNK)
        received = self._received[connection] + data
        rest = after_answer(received)
        if rest is None and data:
            self._received[connection] = received
            return 0
        if not received.startswith(_OK):
            raise BenchError(f"the server answered: {received[:60]!r}")
        self._received[connection] = rest or b""
        connection.sendall(next(self._wires[connection]))
        return 1
