"""Clients of scripts as the engine sees them: by number, messages in a list."""

import asyncio
from contextlib import asynccontextmanager

from evsed.services.script.mqtt import Brokers

PATIENCE_S = 20
MACHINE = "ABCDEF0123456789"
ALL_BYTES = bytes(range(256))


class Desk:
    """Brokers, what they delivered and what they said."""

    def __init__(self, **how):
        self.got, self.said, self.room = [], [], True
        self.brokers = Brokers(
            lambda *message: self.got.append(message),
            MACHINE,
            room=lambda: self.room,
            say=self.said.append,
            **{"retry_s": (0.05, 0.1), **how},
        )

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
        await made.brokers.ended(PATIENCE_S)
