"""What the broker is to have, what it has been sent, and what may be on the way. Pure.

A broker that takes its time gets the newest value of each topic later, not all the old ones: what
waits is as long as the table of topics, however long it takes.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

#: Messages the broker has not confirmed; more wait here.
MOST_ON_THE_WAY: Final = 40
_MOST_NEWS: Final = 100


@dataclass(frozen=True, slots=True)
class Publication:
    """One message to the broker."""

    topic: str
    data: bytes
    retain: bool


class Kept:
    """The topics of one charger at one broker, and news that wait for it."""

    def __init__(self) -> None:
        self._wanted: dict[str, bytes] = {}
        self._told: dict[str, bytes] = {}
        self._due: dict[str, None] = {}
        self._news: deque[Publication] = deque()
        self._on_the_way = 0
        #: news that were given up because too many waited
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many messages have not been handed over."""
        return len(self._due) + len(self._news)

    @property
    def settled(self) -> bool:
        """Whether the broker has everything."""
        return not self.waiting and not self._on_the_way

    @property
    def topics(self) -> tuple[str, ...]:
        """Which topics the broker is to keep something in."""
        return tuple(topic for topic, data in self._wanted.items() if data)

    @property
    def forgotten(self) -> tuple[str, ...]:
        """Which topics the broker is to forget."""
        return tuple(topic for topic, data in self._wanted.items() if not data)

    def put(self, topic: str, data: bytes) -> None:
        """Have the broker keep this, in place of what it has; nothing: have it forget."""
        self._wanted[topic] = data
        if self._told.get(topic) != data:
            self._due[topic] = None
        else:
            self._due.pop(topic, None)

    def add(self, topic: str, data: bytes) -> None:
        """Have the broker pass this on once; the oldest news leave when too many wait."""
        self._news.append(Publication(topic, data, retain=False))
        if len(self._news) > _MOST_NEWS:
            self._news.popleft()
            self.dropped += 1

    def begin(self) -> None:
        """A connection begins: nothing is on the way, and the broker may know nothing."""
        self._on_the_way = 0
        self.repeat()

    def repeat(self) -> None:
        """Send everything again; that something is to be forgotten is told once."""
        forgotten = {topic for topic, data in self._told.items() if not data}
        due = [topic for topic, data in self._wanted.items() if data or topic not in forgotten]
        self._told = dict.fromkeys(forgotten, b"")
        self._due = dict.fromkeys(due)

    def next(self) -> Publication | None:
        """Return what to send now; None: nothing, or enough is on the way."""
        if self._on_the_way >= MOST_ON_THE_WAY or not self.waiting:
            return None
        self._on_the_way += 1
        if self._news:
            return self._news.popleft()
        topic = next(iter(self._due))
        del self._due[topic]
        self._told[topic] = data = self._wanted[topic]
        return Publication(topic, data, retain=True)

    def arrived(self, count: int) -> None:
        """The broker has taken some."""
        self._on_the_way = max(0, self._on_the_way - count)
