"""Clients of scripts as the engine sees them: by number, messages in a list."""

import asyncio
import json
from contextlib import asynccontextmanager

from evsed.host.mqtt.brokers import Brokers

PATIENCE_S = 20
MACHINE = "ABCDEF0123456789"
ALL_BYTES = bytes(range(256))


class Desk:
    """Brokers, what they delivered and what they said; messages are taken while there is room."""

    def __init__(self, **how):
        self.got, self.said, self._room, self._held = [], [], True, []
        self.brokers = Brokers(
            self._relay, MACHINE, say=self.said.append, **{"retry_s": (0.05, 0.1), **how}
        )

    @property
    def room(self):
        return self._room

    @room.setter
    def room(self, room):
        self._room = room
        held, self._held = self._held, []
        for line in held:
            self._relay(line)

    def _relay(self, line):
        if not self._room:
            self._held.append(line)
            return
        message = json.loads(line)
        topic, data = (message[key].encode("latin-1") for key in ("topic", "data"))
        self.got.append((message["c"], topic.decode(), data))
        self.brokers.took(1)

    def client(self, uri, component="one", user=None, password=None):
        return self.brokers.client(component, uri, user, password)

    async def attempt(self, number):
        """Connect as a script does: ask until the attempt is over."""
        self.brokers.connect(number)
        await until(lambda: self.brokers.state(number) != "connecting")
        return self.brokers.state(number)


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  # nothing here rings a bell
            await asyncio.sleep(0.01)


@asynccontextmanager
async def desk(**how):
    made = Desk(**how)
    try:
        yield made
    finally:
        made.brokers.close_all()
        await made.brokers.ended()
