"""One connection to an MQTT broker through paho-mqtt, 1.6 or 2.x: used once and thrown away.

paho runs a thread for each connection; what it reports is handed to the event loop, except for
messages, which wait in a queue of their own. Nothing here waits for the network.
"""

import asyncio
import contextlib
import functools
import ssl
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from paho.mqtt import client as paho

from evsed.host.mqtt.address import Address, Manner
from evsed.host.mqtt.queues import MOST_ON_THE_WAY, Message

_AT_LEAST_ONCE: Final = 1
#: Source: MQTT 3.1.1 section 3.2.2.3.
_REFUSALS: Final = {
    1: "it speaks another version",
    2: "it does not like the client id",
    3: "it is not available",
    4: "bad user name or password",
    5: "not authorized",
}
#: The same in the numbers of MQTT 5, into which paho 2 translates.
_REFUSALS_5: Final = {0x84: 1, 0x85: 2, 0x88: 3, 0x86: 4, 0x87: 5}


class Owner(Protocol):
    """Whoever asked for a connection. All but ``arrived`` are called on the event loop."""

    def link_up(self, link: "Link") -> None:
        """The broker has let us in."""

    def link_down(self, link: "Link", reason: str) -> None:
        """It did not, or the connection ended."""

    def link_sent(self, link: "Link", mid: int) -> None:
        """A message has arrived at the broker, or has left when nobody confirms it."""

    def arrived(self, message: Message) -> None:
        """A message has come. Called on the network's thread."""


class Link:
    """A connection from its first attempt to its end.

    Args:
        address: where to.
        manner: how we introduce ourselves, and what is said when we have gone.
        owner: who is told.
    """

    def __init__(self, address: Address, manner: Manner, owner: Owner) -> None:
        self._address, self._manner, self._owner = address, manner, owner
        self._loop = asyncio.get_running_loop()
        self._abandoned = False
        self.ended = asyncio.Event()
        self._client = _new_client(manner.client_id, "websockets" if address.web else "tcp")
        # Ours is the only limit: paho's would let messages without confirmation overtake others.
        self._client.max_inflight_messages_set(2 * MOST_ON_THE_WAY)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish

    def open(self) -> None:
        """Begin to connect; the owner hears how it went."""
        opening = self._loop.run_in_executor(None, self._open)
        opening.add_done_callback(self._opened)

    def abandon(self) -> None:
        """Say goodbye to the broker if there is a connection; the owner hears no more of it."""
        self._abandoned = True
        if self._manner.farewell is not None and self._client.is_connected():
            # Who leaves in order is not announced by the broker: that is ours to do.
            topic, text = self._manner.farewell
            self._client.publish(topic, text.encode(), _AT_LEAST_ONCE, retain=True)
        self._client.disconnect()

    def subscribe(self, filters: Iterable[str]) -> None:
        """Ask for messages, at most once each."""
        asked = [(one, 0) for one in filters]
        if asked:
            self._client.subscribe(asked)

    def unsubscribe(self, topic_filter: str) -> None:
        """Ask for no more of them."""
        self._client.unsubscribe(topic_filter)

    def publish(self, message: Message) -> int:
        """Hand a message to the network; return the number under which it is reported."""
        sent = self._client.publish(message.topic, message.data, message.qos, message.retain)
        return sent.mid

    def _open(self) -> None:
        """Prepare and start; on a thread, since reading the system's certificates takes a while."""
        client, address = self._client, self._address
        if self._abandoned:
            return
        if address.tls:
            trusted = self._manner.authority or None
            client.tls_set_context(ssl.create_default_context(cadata=trusted))
        if address.web:
            client.ws_set_options(path=address.path)
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        if self._manner.farewell is not None:
            topic, text = self._manner.farewell
            client.will_set(topic, text.encode(), _AT_LEAST_ONCE, retain=True)
        client.connect_async(address.host, address.port, self._manner.keep_alive_s)
        client.loop_start()

    def _opened(self, opening: "asyncio.Future[None]") -> None:
        if opening.cancelled() or opening.exception() is not None or self._abandoned:
            self._end("it cannot be reached")

    # Called on the network's thread.

    def _on_connect(self, client: Any, _data: Any, _flags: Any, code: Any, *_: Any) -> None:
        number = getattr(code, "value", code)
        if number:
            self._post(self._end, f"refused: {_refusal(number)}")
            client.disconnect()
        elif self._abandoned:
            client.disconnect()
        else:
            self._post(self._up)

    def _on_connect_fail(self, client: Any, *_: Any) -> None:
        client.disconnect()  # paho tries again otherwise; the owner decides when
        self._post(self._end, "it cannot be reached")

    def _on_disconnect(self, *_: Any) -> None:
        self._post(self._end, "the connection was lost")

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        if not self._abandoned:
            with contextlib.suppress(UnicodeDecodeError):
                self._owner.arrived(Message(message.topic, message.payload, retain=message.retain))

    def _on_publish(self, _client: Any, _data: Any, mid: int, *_: Any) -> None:
        self._post(self._sent, mid)

    def _post(self, work: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the daemon has ended
            self._loop.call_soon_threadsafe(work, *arguments)

    # And on the event loop.

    def _up(self) -> None:
        if not self._abandoned:
            self._owner.link_up(self)

    def _sent(self, mid: int) -> None:
        if not self._abandoned:
            self._owner.link_sent(self, mid)

    def _end(self, reason: str) -> None:
        self.ended.set()
        if not self._abandoned:
            self._abandoned = True
            self._owner.link_down(self, reason)


def _new_client(client_id: str, transport: str) -> paho.Client:
    """Return paho's client; the one place that knows which paho this is."""
    make: Callable[..., paho.Client] = paho.Client
    versions: Any = getattr(paho, "CallbackAPIVersion", None)
    if versions is not None:  # paho 1 has none
        make = functools.partial(make, versions.VERSION2)
    return make(client_id=client_id, transport=transport, reconnect_on_failure=False)


def _refusal(number: int) -> str:
    return _REFUSALS.get(_REFUSALS_5.get(number, number), f"code {number}")
