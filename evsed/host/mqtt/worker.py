"""The process that holds MQTT connections: ``python -I -m evsed.host.mqtt.worker FD``.

It has the connections and nothing else: no file, no pin, no setting. What it is asked comes over a
socket, passwords too; what brokers send goes back over it as lines for the script worker.
Source: lua.md sections 9.7 and 12.2.
"""

import asyncio
import contextlib
import functools
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from evsed.errors import RejectedError
from evsed.host.hardening import CONNECTIONS, harden
from evsed.host.mqtt.address import Manner, read_address
from evsed.host.mqtt.client import Around, BrokerClient
from evsed.host.mqtt.queues import Message

_MOST_BYTES: Final = 512 * 1024
#: Messages of brokers that the script worker has been sent and has not taken yet.
_MOST_ON_THE_WAY: Final = 20
_GOODBYE_S: Final = 0.3
_FAILED: Final = 1
_STACK_BYTES: Final = 512 * 1024
#: Where the certificates are that the system trusts, if not where they usually are.
_CERTIFICATES: Final = ("SSL_CERT_DIR", "SSL_CERT_FILE")

Orders = Mapping[str, Any]


class Connections:
    """The clients, by the numbers the daemon has given them.

    Args:
        first: the daemon's first message.
        out: to the daemon.
    """

    def __init__(self, first: Orders, out: asyncio.StreamWriter) -> None:
        self._first, self._out = first, out
        self._clients: dict[int, BrokerClient] = {}
        self._orders: dict[int, int] = {}
        self._closed: list[BrokerClient] = []
        self._on_the_way = 0

    def take(self, message: Orders) -> None:
        """Do what the daemon asks for; it knows which clients there are."""
        match message["t"]:
            case "ping":
                self.send({"t": "pong", "n": message["n"]})
            case "took":
                self._on_the_way = max(0, self._on_the_way - message["count"])
            case "client":
                self._make(message)
            case _:
                client = self._clients.get(message["c"])
                if client is not None:
                    with contextlib.suppress(RejectedError):
                        self._order(client, message)

    def send(self, message: Orders) -> None:
        """Tell the daemon something."""
        line = json.dumps(message, separators=(",", ":"))
        self._out.write(line.encode() + b"\n")

    async def goodbye(self) -> None:
        """Close all connections in order, as far as there is time."""
        for client in self._clients.values():
            client.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                for client in (*self._closed, *self._clients.values()):
                    await client.ended()

    def _make(self, message: Orders) -> None:
        number = message["c"]
        address = read_address(message["uri"], message["user"], message["password"])
        manner = Manner(**message["manner"])
        if not manner.client_id:
            made = f"evsed-{self._first['id']}-{message['place']}"
            manner = replace(manner, client_id=made)
        around = Around(
            deliver=functools.partial(self._deliver, number),
            room=lambda: self._on_the_way < _MOST_ON_THE_WAY,
            say=lambda line: self.send({"t": "say", "line": line}),
            told=functools.partial(self._told, number),
            sent=functools.partial(self._sent, number) if manner.tell_sent else _nobody_asks,
            retry_s=self._first["retry"],
            connect_s=self._first["connect"],
        )
        self._orders[number] = 0
        self._clients[number] = BrokerClient(address, manner, around)

    def _order(self, client: BrokerClient, message: Orders) -> None:
        number = message["c"]
        match message["t"]:
            case "connect":
                self._orders[number] = message["n"]
                client.connect()
                self._told(number, client.state, "")
            case "disconnect":
                self._orders[number] = message["n"]
                client.disconnect()
            case "subscribe":
                client.subscribe(message["filter"])
            case "unsubscribe":
                client.unsubscribe(message["filter"])
            case "publish":
                data = message["data"].encode("latin-1")
                client.publish(Message(message["topic"], data, message["qos"], message["retain"]))
            case "close":
                client.close()
                self._closed = [one for one in self._closed if not one.has_left] + [client]
                del self._clients[number], self._orders[number]

    def _told(self, number: int, state: str, why: str) -> None:
        if number in self._orders:
            told = {"t": "state", "c": number, "n": self._orders[number], "s": state, "why": why}
            self.send(told)

    def _sent(self, number: int, count: int) -> None:
        self.send({"t": "sent", "c": number, "count": count})

    def _deliver(self, number: int, published: Message) -> None:
        """Write the line as the worker reads it, so that the daemon need not look into it."""
        self._on_the_way += 1
        message: dict[str, Any] = {
            "t": "mqtt",
            "c": number,
            "topic": published.topic.encode().decode("latin-1"),
            "data": published.data.decode("latin-1"),
        }
        if published.retain:
            message["kept"] = True
        line = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
        self._out.write(b">%d %b\n" % (number, line))


def _nobody_asks(_count: int) -> None:
    """Keep it."""


class _ToDaemon(logging.Handler):
    """Has the daemon write the log: it knows where."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(logging.INFO)
        self._connections = connections

    def emit(self, record: logging.LogRecord) -> None:
        told = {"t": "log", "level": record.levelno, "line": record.getMessage()}
        self._connections.send(told)


async def _main(end: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=end, limit=_MOST_BYTES)
    connections = Connections(json.loads(await reader.readline()), writer)
    logging.basicConfig(level=logging.INFO, handlers=[_ToDaemon(connections)])
    serving = asyncio.create_task(_serve(connections, reader))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError, ConnectionError):
        await serving
    await connections.goodbye()


async def _serve(connections: Connections, reader: asyncio.StreamReader) -> None:
    while line := await reader.readline():
        message = json.loads(line)
        if message["t"] == "stop":
            return
        connections.take(message)


def _end(failed: threading.ExceptHookArgs) -> None:
    """End the process: a connection without its thread looks as if nothing ever came."""
    sys.stderr.write(f"a network thread failed: {failed.exc_type.__name__}\n")
    sys.stderr.flush()
    os._exit(_FAILED)


if __name__ == "__main__":
    threading.excepthook = _end
    threading.stack_size(_STACK_BYTES)
    daemon = socket.socket(fileno=int(sys.argv[1]))
    harden(CONNECTIONS, keep=_CERTIFICATES)
    asyncio.run(_main(daemon))
