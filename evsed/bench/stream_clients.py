"""``python -m evsed.bench.stream_clients PORT COUNT``: clients that listen to the event stream.

Ends when standard input does, and prints how many events came.
"""

import json
import selectors
import socket
import sys
from typing import Final

_REQUEST: Final = b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_CHUNK: Final = 65_536
_OK: Final = b"HTTP/1.1 200"


class Listener:
    """One connection that reads what comes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.events = self.not_ok = 0
        self._begun = False
        self.socket.sendall(_REQUEST)

    def go_on(self) -> bool:
        """Take what arrived; return whether the connection still stands."""
        data = self.socket.recv(_CHUNK)
        if data and not self._begun:
            self._begun = True
            self.not_ok += not data.startswith(_OK)
        self.events += data.count(b"data:")
        return bool(data)


def listen_until_told(port: int, count: int) -> dict[str, int]:
    """Listen so many times at once until standard input ends; return how many events came."""
    listeners = [Listener(port) for _ in range(count)]
    with selectors.DefaultSelector() as ready:
        ready.register(sys.stdin, selectors.EVENT_READ)
        for one in listeners:
            ready.register(one.socket, selectors.EVENT_READ, one)
        told = False
        while not told:
            for key, _ in ready.select():
                if key.data is None:
                    told = True
                elif not key.data.go_on():
                    ready.unregister(key.fileobj)
    for one in listeners:
        one.socket.close()
    return {
        "answers": sum(one.events for one in listeners),
        "notOk": sum(one.not_ok for one in listeners),
    }


def main() -> None:
    """Be the clients."""
    port, count = (int(text) for text in sys.argv[1:3])
    print(json.dumps(listen_until_told(port, count)))


if __name__ == "__main__":
    main()
