"""``python -m evsed.bench.rest_clients PORT COUNT``: clients that ask without a pause.

Ends when standard input does, and prints how it was answered.
"""

import itertools
import json
import selectors
import socket
import sys
from collections.abc import Iterator
from typing import Final

_PATHS: Final = (
    "/api/v1/state",
    "/api/v1/config/evse",
    "/api/v1/reason",
    "/api/v1/board-config",
    "/api/v1/info",
)
_LENGTH: Final = b"content-length:"
_OK: Final = b"HTTP/1.1 200"
_CHUNK: Final = 65_536


class Client:
    """One connection that sends the next request as soon as the answer to the last is there."""

    def __init__(self, port: int, first: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.answers = self.not_ok = 0
        self._received = b""
        self._paths: Iterator[str] = itertools.islice(itertools.cycle(_PATHS), first, None)
        self._ask()

    def go_on(self) -> bool:
        """Take what arrived; return whether the connection still stands."""
        data = self.socket.recv(_CHUNK)
        self._received += data
        rest = after_answer(self._received)
        if rest is not None:
            self.not_ok += not self._received.startswith(_OK)
            self.answers += 1
            self._received = rest
            self._ask()
        return bool(data)

    def _ask(self) -> None:
        request = f"GET {next(self._paths)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        self.socket.sendall(request.encode())


def after_answer(received: bytes) -> bytes | None:
    """Return what follows the first complete answer, or None when it is not complete yet."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return None
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(_LENGTH):
            length = int(line[len(_LENGTH) :])
    return body[length:] if len(body) >= length else None


def ask_until_told(port: int, count: int) -> dict[str, int]:
    """Keep so many clients busy until standard input ends; return how they were answered."""
    clients = [Client(port, first) for first in range(count)]
    with selectors.DefaultSelector() as ready:
        ready.register(sys.stdin, selectors.EVENT_READ)
        for client in clients:
            ready.register(client.socket, selectors.EVENT_READ, client)
        while _serve(ready):
            pass
    for client in clients:
        client.socket.close()
    return {
        "answers": sum(client.answers for client in clients),
        "notOk": sum(client.not_ok for client in clients),
    }


def _serve(ready: selectors.BaseSelector) -> bool:
    """Let everybody go on for whom something has arrived; False at the end of the input."""
    for key, _ in ready.select():
        client = key.data
        if client is None:
            return False
        try:
            stands = client.go_on()
        except OSError:
            stands = False
        if not stands:
            ready.unregister(client.socket)
    return True


def main() -> None:
    """Be the clients."""
    port, count = (int(text) for text in sys.argv[1:3])
    print(json.dumps(ask_until_told(port, count)))


if __name__ == "__main__":
    main()
