"""MQTT for scripts: all clients of one worker, by number. Lives on the event loop.

Source: lua.md sections 7.1 and 9.7.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Sequence
from typing import Final

from evsed.errors import RejectedError
from evsed.services.script.mqtt_address import read_address
from evsed.services.script.mqtt_client import CONNECT_S, RETRY_S, Around, ScriptClient
from evsed.services.script.mqtt_queues import Message

_MOST_CLIENTS: Final = 4
_ID_DIGITS: Final = 6

_log = logging.getLogger(__name__)


def _note(line: str) -> None:
    _log.warning("%s", line)


class Brokers:
    """The MQTT clients of scripts. A number is never given twice.

    Args:
        deliver: takes the number of a client, a topic and what was published there.
        machine_id: hexadecimal; its first six digits tell chargers apart.
        room: whether ``deliver`` can take one more message; up to 100 of each client wait.
        say: takes a line for the user, at most one a minute and client.
        retry_s: pauses between attempts after a lost connection.
        connect_s: how long an attempt may take.
    """

    def __init__(
        self,
        deliver: Callable[[int, str, bytes], None],
        machine_id: str,
        *,
        room: Callable[[], bool] = lambda: True,
        say: Callable[[str], None] = _note,
        retry_s: Sequence[float] = RETRY_S,
        connect_s: float = CONNECT_S,
    ) -> None:
        self._deliver, self._room, self._say = deliver, room, say
        self._retry_s, self._connect_s = retry_s, connect_s
        self._machine = machine_id[:_ID_DIGITS].lower().rjust(_ID_DIGITS, "0")
        self._clients: dict[int, ScriptClient] = {}
        self._owners: dict[int, str | None] = {}
        self._places: dict[int, int] = {}
        self._closed: list[ScriptClient] = []
        self._last = 0

    def client(
        self, component: str | None, uri: str, user: str | None, password: str | None
    ) -> int:
        """Make a client, which does not connect yet; return its number.

        Raises:
            RejectedError: ``invalid params`` for an address nobody can use, or one too many.
        """
        address = read_address(uri, user, password)
        free = set(range(1, _MOST_CLIENTS + 1)) - set(self._places.values())
        if not free:
            raise RejectedError("too many mqtt clients")
        self._last += 1
        number = self._last
        self._places[number], self._owners[number] = min(free), component
        around = Around(
            deliver=functools.partial(self._deliver, number),
            room=self._room,
            say=self._say,
            retry_s=self._retry_s,
            connect_s=self._connect_s,
        )
        client_id = f"evsed-{self._machine}-{self._places[number]}"
        self._clients[number] = ScriptClient(address, client_id, around)
        return number

    def connect(self, number: int) -> None:
        """Begin to connect."""
        self._found(number).connect()

    def disconnect(self, number: int) -> None:
        """Disconnect; ``connect`` may follow."""
        self._found(number).disconnect()

    def state(self, number: int) -> str:
        """Return ``connected``, ``connecting`` (as the script asked for) or ``disconnected``."""
        client = self._clients.get(number)
        return client.state if client is not None else "disconnected"

    def subscribe(self, number: int, topic_filter: str) -> None:
        """Subscribe now and after every reconnect."""
        self._found(number).subscribe(topic_filter)

    def unsubscribe(self, number: int, topic_filter: str) -> None:
        """Unsubscribe."""
        self._found(number).unsubscribe(topic_filter)

    def publish(self, number: int, topic: str, data: bytes, qos: int, retain: bool) -> None:
        """Send a message; offline keep it for later when it has a quality of service."""
        self._found(number).publish(Message(topic, data, min(max(qos, 0), 1), retain))

    def close(self, number: int) -> None:
        """Forget a client; an unknown one is no problem."""
        client = self._clients.pop(number, None)
        if client is not None:
            del self._owners[number], self._places[number]
            client.close()
            self._closed.append(client)

    def release(self, component: str) -> None:
        """Forget the clients of a component."""
        for number in [one for one, owner in self._owners.items() if owner == component]:
            self.close(number)

    def close_all(self) -> None:
        """Forget all clients."""
        for number in list(self._clients):
            self.close(number)

    async def ended(self, within_s: float = 0.3) -> None:
        """Wait until the brokers have been told goodbye, so that the process may end."""
        leaving, self._closed = self._closed, []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                for client in leaving:
                    await client.ended()

    def _found(self, number: int) -> ScriptClient:
        client = self._clients.get(number)
        if client is None:
            raise RejectedError("mqtt client is closed")
        return client
