"""Messages that wait: on their way to a broker, and on their way to a script.

Source: lua.md sections 7.1 and 9.7.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

#: The longest message in either direction.
MOST_BYTES: Final = 64 * 1024
_MOST_WAITING: Final = 100
_MOST_WAITING_BYTES: Final = 256 * 1024
#: Handed to the network and not yet confirmed.
MOST_ON_THE_WAY: Final = 20
_QUIET_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Message:
    """One publication."""

    topic: str
    data: bytes
    qos: int = 0
    retain: bool = False

    @property
    def size(self) -> int:
        """What it counts against the limits."""
        return len(self.topic) + len(self.data)


class Waiting:
    """A queue of limited length; whoever waits longest leaves when there is no room."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: Message) -> int:
        """Append; return how many had to leave."""
        self._messages.append(message)
        self._bytes += message.size
        left = 0
        while len(self._messages) > _MOST_WAITING or self._bytes > _MOST_WAITING_BYTES:
            self.take()
            left += 1
        return left

    def take(self) -> Message | None:
        """Return the oldest, or None."""
        if not self._messages:
            return None
        message = self._messages.popleft()
        self._bytes -= message.size
        return message

    def replace(self, messages: Iterable[Message]) -> int:
        """Begin anew with these; return how many had to leave."""
        self._messages.clear()
        self._bytes = 0
        return sum([self.add(message) for message in messages])

    def clear(self) -> None:
        """Forget all."""
        self.replace(())

    def everything(self) -> list[Message]:
        """Return all, oldest first."""
        return list(self._messages)


class Outbox:
    """What a script has published and the broker has not confirmed yet."""

    def __init__(self) -> None:
        self._waiting = Waiting()
        self._on_the_way: dict[int, Message] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._on_the_way)

    def add(self, message: Message) -> int:
        """Append; return how many had to leave."""
        return self._waiting.add(message)

    def next(self) -> Message | None:
        """Return what to send now, or None: nothing waits, or enough is on the way."""
        if len(self._on_the_way) >= MOST_ON_THE_WAY:
            return None
        return self._waiting.take()

    def sent(self, mid: int, message: Message) -> None:
        """Remember what was handed to the network under a number."""
        self._on_the_way[mid] = message

    def confirmed(self, mid: int) -> None:
        """Forget what has arrived."""
        self._on_the_way.pop(mid, None)

    def lost(self) -> int:
        """Keep for the next connection what must arrive; return how many had to leave."""
        left = [*self._on_the_way.values(), *self._waiting.everything()]
        self._on_the_way.clear()
        return self._waiting.replace(message for message in left if message.qos)


class Inbox:
    """What has arrived for a script. Filled by the network's thread, emptied by the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = Waiting()
        self._dropped = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._waiting)

    def put(self, message: Message) -> bool:
        """Take a message; return whether it is the only one, so that somebody has to be told."""
        with self._lock:
            if len(message.data) > MOST_BYTES:
                self._dropped += 1
            else:
                self._dropped += self._waiting.add(message)
            return len(self._waiting) <= 1

    def take(self) -> Message | None:
        """Return the oldest, or None."""
        with self._lock:
            return self._waiting.take()

    @property
    def is_flooded(self) -> bool:
        """Whether messages come faster than they go."""
        return self._dropped > 0

    def dropped(self) -> int:
        """Return how many were dropped since the last question."""
        with self._lock:
            count, self._dropped = self._dropped, 0
            return count

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._waiting.clear()


class Complaints:
    """Says how many messages were dropped, at most once a minute.

    Args:
        say: takes one line.
        clock: seconds of a monotonic clock.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._say, self._clock = say, clock
        self._count = 0
        self._said_s = float("-inf")

    def add(self, count: int) -> None:
        """Note that messages were dropped."""
        self._count += count
        if self._count and self._clock() - self._said_s >= _QUIET_S:
            self._said_s = self._clock()
            self._say(f"{self._count} messages dropped")
            self._count = 0
