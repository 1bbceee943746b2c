"""MQTT clients as the daemon knows them, and the process that connects them.

The connections are threads of paho's. In the daemon they would compete with the control thread for
the interpreter; so they live in a process of their own, which is started with the first client and
ended with the last. What brokers send goes through here unread, line by line, and no faster than
it is taken. Lives on the event loop. Source: lua.md sections 7.1 and 9.7.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from evsed.errors import RejectedError
from evsed.host.mqtt.address import (
    MOST_CLIENTS,
    Manner,
    check_filter,
    check_topic,
    read_address,
)
from evsed.host.mqtt.limits import CONNECT_S, MOST_FILTERS, RETRY_S
from evsed.host.mqtt.queues import MOST_BYTES, Complaints, Message, Waiting
from evsed.host.worker_process import Kind, WorkerProcess

_ID_DIGITS: Final = 6
#: What may wait for a process that does not read; more is dropped.
_MOST_BACKLOG: Final = 1024 * 1024
#: Pauses before a process that has died is started again.
_PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
#: Who has lived so long did not die of what it was asked first.
_LIVED_S: Final = 60.0
_MOST_TEXT: Final = 500
_KIND: Final = Kind(
    module="evsed.host.mqtt.worker",
    name="mqtt",
    silent_s=15.0,
    stop_s=0.5,
    lines_per_s=500,
    lines_at_once=200,
    line_bytes=4096,
)

_log = logging.getLogger(__name__)


_PLAIN: Final = Manner()


def _note(line: str) -> None:
    _log.warning("%s", line)


@dataclass(slots=True, kw_only=True)
class _Client:
    """A client as its script sees it, and what a new process has to be told of it."""

    component: str | None
    place: int
    where: dict[str, Any] = field(repr=False)
    filters: dict[str, None] = field(default_factory=dict)
    #: Published before there was a process to take it.
    early: Waiting = field(default_factory=Waiting)
    wanted: bool = False
    #: Counts what the script has ordered: an older report of the process is no news.
    orders: int = 0
    state: str = "disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who wants to hear more of the clients than their messages.

    Args:
        stands: takes a client, how its connection stands and why, whenever that may have changed.
        sent: takes a client whose manner asks for it, and how many of its messages need no more
            care: the broker has them, or they were dropped.
    """

    stands: Callable[[int, str, str], None]
    sent: Callable[[int, int], None]


class Brokers:
    """The MQTT clients of one service. A number is never given twice.

    Args:
        relay: takes messages of brokers, as lines of JSON.
        machine_id: hexadecimal; its first six digits tell chargers apart.
        say: takes a line for the user, at most one a minute and client.
        listener: who wants to hear more.
        retry_s: pauses between attempts after a lost connection.
        connect_s: how long an attempt may take.
    """

    def __init__(
        self,
        relay: Callable[[bytes], None],
        machine_id: str,
        *,
        say: Callable[[str], None] = _note,
        listener: Listener | None = None,
        retry_s: Sequence[float] = RETRY_S,
        connect_s: float = CONNECT_S,
    ) -> None:
        self._relay, self._say, self._listener = relay, say, listener
        machine = machine_id[:_ID_DIGITS].lower().rjust(_ID_DIGITS, "0")
        self._init = {"t": "init", "id": machine, "retry": [*retry_s], "connect": connect_s}
        self._clients: dict[int, _Client] = {}
        self._complaints = Complaints(lambda text: say(f"mqtt: {text}"), time.monotonic)
        self._process: WorkerProcess | None = None
        self._running: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._last = 0

    def client(
        self,
        component: str | None,
        uri: str,
        user: str | None,
        password: str | None,
        manner: Manner = _PLAIN,
    ) -> int:
        """Make a client, which does not connect yet; return its number.

        Raises:
            RejectedError: ``invalid params`` for an address nobody can use, or one too many.
        """
        read_address(uri, user, password)
        free = set(range(1, MOST_CLIENTS + 1)) - {one.place for one in self._clients.values()}
        if not free:
            raise RejectedError("too many mqtt clients")
        self._last += 1
        where = {"uri": uri, "user": user, "password": password, "manner": asdict(manner)}
        made = _Client(component=component, place=min(free), where=where)
        self._clients[self._last] = made
        if self._running is None:
            self._running = asyncio.create_task(self._keep_running())
        self._order(_introduction(self._last, made))
        return self._last

    def connect(self, number: int) -> None:
        """Begin to connect."""
        client = self._found(number)
        client.wanted = True
        client.orders += 1
        if client.state != "connected":
            client.state = "connecting"
        self._order({"t": "connect", "c": number, "n": client.orders})

    def disconnect(self, number: int) -> None:
        """Disconnect; ``connect`` may follow."""
        client = self._found(number)
        client.wanted, client.state = False, "disconnected"
        client.orders += 1
        self._order({"t": "disconnect", "c": number, "n": client.orders})

    def state(self, number: int) -> str:
        """Return ``connected``, ``connecting`` (as the script asked for) or ``disconnected``."""
        client = self._clients.get(number)
        return client.state if client is not None else "disconnected"

    def subscribe(self, number: int, topic_filter: str) -> None:
        """Subscribe now and after every reconnect.

        Raises:
            RejectedError: not a filter, or one too many.
        """
        client = self._found(number)
        check_filter(topic_filter)
        if topic_filter not in client.filters and len(client.filters) >= MOST_FILTERS:
            raise RejectedError("too many subscriptions")
        client.filters[topic_filter] = None
        self._order({"t": "subscribe", "c": number, "filter": topic_filter})

    def unsubscribe(self, number: int, topic_filter: str) -> None:
        """Unsubscribe; an unknown filter is no problem."""
        self._found(number).filters.pop(topic_filter, None)
        self._order({"t": "unsubscribe", "c": number, "filter": topic_filter})

    def publish(self, number: int, topic: str, data: bytes, qos: int, retain: bool) -> None:
        """Send a message; offline keep it for later when it has a quality of service.

        Raises:
            RejectedError: not a topic, or too long.
        """
        client = self._found(number)
        check_topic(topic)
        if len(data) > MOST_BYTES:
            raise RejectedError(f"payload longer than {MOST_BYTES} bytes")
        message = Message(topic, data, min(max(qos, 0), 1), retain)
        process = self._process
        if process is None or not process.is_open:
            if message.qos:
                self._complaints.add(client.early.add(message))
        elif process.backlog_bytes > _MOST_BACKLOG:
            self._complaints.add(1)
        else:
            process.send(_publication(number, message))

    def close(self, number: int) -> None:
        """Forget a client; an unknown one is no problem."""
        if self._clients.pop(number, None) is not None:
            self._order({"t": "close", "c": number})

    def release(self, component: str) -> None:
        """Forget the clients of a component."""
        theirs = [one for one, client in self._clients.items() if client.component == component]
        for number in theirs:
            self.close(number)

    def close_all(self) -> None:
        """Forget all clients, and end the process once it has said goodbye for them."""
        self._clients.clear()
        running, self._running, self._process = self._running, None, None
        if running is not None:
            self._leaving.add(running)
            running.add_done_callback(self._leaving.discard)
            running.cancel()

    def took(self, count: int) -> None:
        """Note that the worker has taken messages, so that more may come."""
        self._order({"t": "took", "count": count})

    async def ended(self) -> None:
        """Wait until the brokers have been told goodbye, so that the daemon may end."""
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _keep_running(self) -> None:
        """Run one process after the other, until cancelled."""
        deaths = 0
        while True:
            process = self._process = WorkerProcess(self._take, _KIND, self._pass_on)
            began_s = time.monotonic()
            try:
                status: object = await process.run(self._everything)
            except OSError as error:
                status = error
            deaths = 1 if time.monotonic() - began_s > _LIVED_S else deaths + 1
            _log.error("mqtt: the process of the connections ended with %s", status)
            for line in process.last_words.splitlines():
                _log.error("mqtt: %s", line)
            for number, client in self._clients.items():
                self._note_state(number, client, "disconnected", "the process ended")
            await asyncio.sleep(_PAUSES_S[min(deaths, len(_PAUSES_S)) - 1])

    def _everything(self) -> Iterator[dict[str, Any]]:
        """Tell a new process all there is to know."""
        yield self._init
        for number, client in self._clients.items():
            yield _introduction(number, client)
            for topic_filter in client.filters:
                yield {"t": "subscribe", "c": number, "filter": topic_filter}
            if client.wanted:
                yield {"t": "connect", "c": number, "n": client.orders}
            while message := client.early.take():
                yield _publication(number, message)

    def _order(self, message: dict[str, Any]) -> None:
        """Tell the process, if there is one yet; a new one is told everything."""
        if self._process is not None:
            self._process.send(message)

    async def _take(self, message: dict[str, Any]) -> None:
        match message.get("t"):
            case "state":
                client = self._clients.get(message["c"])
                if client is not None and client.orders == message["n"]:
                    self._note_state(message["c"], client, str(message["s"]), str(message["why"]))
            case "sent":
                if self._listener is not None and message["c"] in self._clients:
                    self._listener.sent(message["c"], int(message["count"]))
            case "say":
                self._say(str(message["line"])[:_MOST_TEXT])
            case "log":
                _log.log(int(message["level"]), "%s", str(message["line"])[:_MOST_TEXT])

    def _note_state(self, number: int, client: _Client, state: str, why: str) -> None:
        client.state = state
        if self._listener is not None:
            self._listener.stands(number, state, why)

    def _pass_on(self, line: bytes) -> None:
        """Hand a message to the worker; nobody waits for what a forgotten client gets."""
        number, _, rest = line[1:].partition(b" ")
        if int(number) in self._clients:
            self._relay(rest)
        else:
            self.took(1)

    def _found(self, number: int) -> _Client:
        client = self._clients.get(number)
        if client is None:
            raise RejectedError("mqtt client is closed")
        return client


def _introduction(number: int, client: _Client) -> dict[str, Any]:
    return {"t": "client", "c": number, "place": client.place, **client.where}


def _publication(number: int, message: Message) -> dict[str, Any]:
    return {
        "t": "publish",
        "c": number,
        "topic": message.topic,
        "data": message.data.decode("latin-1"),
        "qos": message.qos,
        "retain": message.retain,
    }
