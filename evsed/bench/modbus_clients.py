"""``python -m evsed.bench.modbus_clients PORT COUNT``: clients that read without a pause.

Each asks for 12 registers from address 100, and again as soon as it has the answer. Ends when
standard input does, and prints how many answers came.
"""

import json
import selectors
import socket
import sys
import time
from typing import Final

_ADDRESS: Final = 100
_COUNT: Final = 12
_REQUEST: Final = bytes((0, 1, 0, 0, 0, 6, 1, 3, 0, _ADDRESS, 0, _COUNT))
_ANSWER_BYTES: Final = 9 + 2 * _COUNT


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.bad = 0
        self._received = b""
        self.socket.sendall(_REQUEST)

    def go_on(self) -> bool:
        """Take what arrived; return whether the connection still stands."""
        data = self.socket.recv(4096)
        if not data:
            return False
        self._received += data
        if len(self._received) >= _ANSWER_BYTES:
            self.answers += 1
            self.bad += self._received[7:9] != bytes((3, 2 * _COUNT))
            self._received = b""
            self.socket.sendall(_REQUEST)
        return True


def read_until_told(port: int, count: int) -> dict[str, float]:
    """Keep so many clients busy until standard input ends; return how they were answered."""
    began_s = time.monotonic()
    clients = [Client(port) for _ in range(count)]
    with selectors.DefaultSelector() as ready:
        ready.register(sys.stdin, selectors.EVENT_READ)
        for client in clients:
            ready.register(client.socket, selectors.EVENT_READ, client)
        told = False
        while not told:
            for key, _ in ready.select():
                client = key.data
                if client is None:
                    told = True
                elif not client.go_on():
                    ready.unregister(client.socket)
    took_s = time.monotonic() - began_s
    for client in clients:
        client.socket.close()
    return {
        "answers": sum(client.answers for client in clients),
        "bad": sum(client.bad for client in clients),
        "seconds": took_s,
    }


def main() -> None:
    """Be the clients."""
    port, count = (int(text) for text in sys.argv[1:3])
    print(json.dumps(read_until_told(port, count)))


if __name__ == "__main__":
    main()
