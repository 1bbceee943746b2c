"""What the display asks the station for: bursts of a slider are one write per tick."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from evsed.errors import EvsedError, RejectedError
from evsed.host.repeat_limiter import RepeatLimiter
from evsed.operations.operations import Operations
from evsed.services.nextion.commands import Act, Action, Write

TICK_S: Final = 0.05
SOURCE: Final = "nextion"

_log = logging.getLogger(__name__)


class Steering:
    """Collects settings and actions, and hands them over at the next tick.

    Args:
        operations: whom to ask.
        settled: called with a setting's command word, when it was taken or refused, and the time
            at which it was handed over.
        limiter: keeps refusals from filling the log.
    """

    def __init__(
        self, operations: Operations, settled: Callable[[str, float], None], limiter: RepeatLimiter
    ) -> None:
        self._operations = operations
        self._settled = settled
        self._limiter = limiter
        self._writes: dict[str, Write] = {}
        self._actions: dict[Action, None] = {}
        self._asked = asyncio.Event()

    def ask(self, wish: Write | Act) -> None:
        """Take a wish; of several for the same setting only the newest counts."""
        if isinstance(wish, Act):
            self._actions[wish.action] = None
        else:
            self._writes.pop(wish.key, None)
            self._writes[wish.key] = wish
        self._asked.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            await self._asked.wait()
            await asyncio.sleep(TICK_S)
            await self._hand_over()

    async def _hand_over(self) -> None:
        self._asked.clear()
        writes, self._writes = list(self._writes.values()), {}
        actions, self._actions = list(self._actions), {}
        since_s = asyncio.get_running_loop().time()
        if writes and not await self._write(writes) and len(writes) > 1:
            for write in writes:  # one bad setting must not take the others with it
                await self._write([write])
        for write in writes:
            self._settled(write.command, since_s)
        for action in actions:
            await self._act(action)

    async def _write(self, writes: Sequence[Write]) -> bool:
        try:
            await self._operations.write(
                [(write.key, write.value) for write in writes], source=SOURCE
            )
        except RejectedError as error:
            if len(writes) == 1:
                self._complain(logging.INFO, error)
            return False
        except (EvsedError, TimeoutError) as error:
            self._complain(logging.WARNING, error)
        return True

    async def _act(self, action: Action) -> None:
        try:
            match action:
                case Action.AUTHORIZE:
                    await self._operations.authorize(source=SOURCE)
                case Action.RESTART:
                    await self._operations.restart(source=SOURCE)
        except (EvsedError, TimeoutError) as error:
            self._complain(logging.WARNING, error)

    def _complain(self, level: int, error: Exception) -> None:
        told = str(error) or "the station does not answer"
        self._limiter.log(_log, level, "refused", "nextion: refused: %s", told)
