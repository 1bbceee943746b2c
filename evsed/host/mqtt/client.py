"""One MQTT client: keeps subscriptions and messages while connections come and go.

Lives on the event loop. Source: lua.md section 9.7.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evsed.errors import RejectedError
from evsed.host.mqtt.address import Address, Manner, check_filter, check_topic
from evsed.host.mqtt.limits import CONNECT_S, MOST_FILTERS, RETRY_S
from evsed.host.mqtt.link import Link
from evsed.host.mqtt.queues import MOST_BYTES, Complaints, Inbox, Message, Outbox
from evsed.host.pace import Allowance

#: So many messages are delivered before the event loop may do something else.
_AT_ONCE: Final = 20
_NOT_YET_S: Final = 0.02
#: What a script gets of its messages. Without a limit a flood of them becomes a flood of commands.
_PER_S: Final = 250
_BURST: Final = 100
#: In a flood the network's thread rests after so many messages: then the broker has to wait, and
#: the computer has time for something else.
_FLOOD: Final = 20
_REST_S: Final = 0.002

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a client needs from outside.

    Args:
        deliver: takes what was published.
        room: whether ``deliver`` can take one more; messages wait meanwhile.
        say: takes a line for the user.
        told: takes how the connection stands, as scripts see it, and why, whenever that may have
            changed.
        sent: takes how many messages need no more care: the broker has them, or they were dropped.
        retry_s: pauses between attempts.
        connect_s: how long an attempt may take.
    """

    deliver: Callable[[Message], None]
    room: Callable[[], bool]
    say: Callable[[str], None]
    told: Callable[[str, str], None]
    sent: Callable[[int], None]
    retry_s: Sequence[float] = RETRY_S
    connect_s: float = CONNECT_S


class BrokerClient:
    """A client of one broker; the ``Owner`` of its links.

    Args:
        address: the broker.
        manner: how it introduces itself.
        around: what it needs from outside.
    """

    def __init__(self, address: Address, manner: Manner, around: Around) -> None:
        self._address, self._manner, self._around = address, manner, around
        self._client_id = manner.client_id
        self._filters: dict[str, None] = {}
        self._outbox, self._inbox = Outbox(), Inbox()
        self._complaints = Complaints(self._say, time.monotonic)
        self._pace = Allowance(_PER_S, _BURST)
        self._link: Link | None = None
        self._leaving: set[Link] = set()
        self._up = self._asked = self._wanted = self._closed = False
        self._failures = self._flood = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def state(self) -> str:
        """Return how the connection stands, as scripts see it."""
        if self._up:
            return "connected"
        return "connecting" if self._asked else "disconnected"

    def connect(self) -> None:
        """Begin to connect, unless that is done or under way; from now on stay connected."""
        self._wanted = True
        if not self._up:
            self._asked = True
            if self._link is None:
                self._attempt()

    def disconnect(self) -> None:
        """End the connection and stay away."""
        self._wanted = False
        self._leave()
        self._lost()

    def close(self) -> None:
        """Disconnect for good and forget all messages."""
        self._closed = True
        self.disconnect()
        self._inbox.clear()

    @property
    def has_left(self) -> bool:
        """Whether every broker has been told goodbye."""
        return all(link.ended.is_set() for link in self._leaving)

    async def ended(self) -> None:
        """Wait until every broker has been told goodbye."""
        for link in list(self._leaving):
            await link.ended.wait()
        self._leaving.clear()

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe now, if connected, and after every reconnect.

        Raises:
            RejectedError: not a filter, or one too many.
        """
        check_filter(topic_filter)
        if topic_filter not in self._filters and len(self._filters) >= MOST_FILTERS:
            raise RejectedError("too many subscriptions")
        self._filters[topic_filter] = None
        if self._up and self._link is not None:
            self._link.subscribe([topic_filter])

    def unsubscribe(self, topic_filter: str) -> None:
        """Unsubscribe; unknown ones are no problem."""
        if topic_filter not in self._filters:
            return
        del self._filters[topic_filter]
        if self._up and self._link is not None:
            self._link.unsubscribe(topic_filter)

    def publish(self, message: Message) -> None:
        """Send, or keep until there is a connection what must not get lost.

        Raises:
            RejectedError: not a topic, or too long.
        """
        check_topic(message.topic)
        if len(message.data) > MOST_BYTES:
            raise RejectedError(f"payload longer than {MOST_BYTES} bytes")
        if self._up or message.qos:
            self._drop(self._outbox.add(message))
            self._pump()
        else:
            self._around.sent(1)

    # What links report.

    def link_up(self, link: Link) -> None:
        """Take the connection, ask for everything again and send what waits."""
        self._up, self._asked, self._failures = True, False, 0
        self._silence()
        self._around.told(self.state, "")
        _log.info("mqtt: %s connected to %s", self._client_id, self._address)
        link.subscribe(self._filters)
        self._pump()

    def link_down(self, link: Link, reason: str) -> None:
        """Note that there is no connection and plan the next attempt."""
        del link
        self._link = None
        if self._up or not self._failures:
            _log.warning("mqtt: %s and %s: %s", self._client_id, self._address, reason)
        self._lost(reason)
        if self._wanted:
            pauses = self._around.retry_s
            pause_s = pauses[min(self._failures, len(pauses) - 1)]
            self._failures += 1
            self._alarm = self._loop.call_later(pause_s, self._attempt)

    def link_sent(self, link: Link, mid: int) -> None:
        """Make room for the next message."""
        del link
        self._outbox.confirmed(mid)
        self._around.sent(1)
        self._pump()

    def arrived(self, message: Message) -> None:
        """Take a message, on the network's thread, which is held back when there are too many."""
        if self._inbox.put(message):
            try:
                self._loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:
                self._inbox.clear()  # the loop is closed: the daemon has ended
        elif self._inbox.is_flooded:
            self._flood = (self._flood + 1) % _FLOOD
            if not self._flood:
                time.sleep(_REST_S)

    def _attempt(self) -> None:
        self._silence()
        link = Link(self._address, self._manner, self)
        self._link = link
        self._alarm = self._loop.call_later(self._around.connect_s, self._give_up, link)
        link.open()

    def _give_up(self, link: Link) -> None:
        self._leave()
        self.link_down(link, f"no answer within {self._around.connect_s:g} s")

    def _leave(self) -> None:
        """Let go of the connection or of the attempt at one."""
        self._silence()
        link, self._link = self._link, None
        if link is not None:
            self._leaving = {one for one in self._leaving if not one.ended.is_set()} | {link}
            link.abandon()

    def _lost(self, why: str = "") -> None:
        self._silence()
        self._up = self._asked = False
        self._around.told(self.state, why)
        self._drop(self._outbox.lost())

    def _drop(self, count: int) -> None:
        self._complaints.add(count)
        if count:
            self._around.sent(count)

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _pump(self) -> None:
        while self._up and self._link is not None and (message := self._outbox.next()):
            self._outbox.sent(self._link.publish(message), message)

    def _deliver(self) -> None:
        self._complaints.add(self._inbox.dropped())
        for _ in range(_AT_ONCE):
            if self._closed or not len(self._inbox):
                return
            if not (self._around.room() and self._pace.take()):
                self._loop.call_later(_NOT_YET_S, self._deliver)
                return
            message = self._inbox.take()
            if message is None:
                return
            self._around.deliver(message)
        self._loop.call_soon(self._deliver)

    def _say(self, text: str) -> None:
        self._around.say(f"mqtt: {self._client_id}: {text}")
