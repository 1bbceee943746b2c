"""Commands in, verdicts out, without a lock between the control thread and anybody.

Appending to and taking from a ``deque`` is atomic; an eventfd wakes the event loop. The control
thread neither waits nor blocks here.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from evsed.charging.commands import Command
from evsed.errors import RejectedError

#: Commands that may wait, and how many one pass takes.
_ROOM: Final = 256
_PER_PASS: Final = 32
#: How long a command may wait for its pass.
_PATIENCE_S: Final = 1.0

Verdict = RejectedError | None


@dataclass(frozen=True, slots=True)
class Letter:
    """One command, who sent it, and where its verdict goes."""

    command: Command
    source: str
    #: called by the control thread after the pass; must not block
    answer: Callable[[Verdict], None]
    #: whether the sender has given up
    withdrawn: Callable[[], bool]


class Mailbox:
    """Between services on the event loop and the control thread."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque()
        self._verdicts: deque[tuple[asyncio.Future[None], Verdict]] = deque()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    @property
    def waiting(self) -> int:
        """How many letters no pass has taken yet."""
        return len(self._letters)

    def open(self) -> None:
        """Deliver verdicts on the running event loop."""
        asyncio.get_running_loop().add_reader(self._bell, self._deliver)

    def close(self) -> None:
        """Stop delivering; to be called on the same event loop, after the control thread ended."""
        asyncio.get_running_loop().remove_reader(self._bell)
        self._deliver()
        os.close(self._bell)

    async def send(self, command: Command, source: str) -> None:
        """Wait until one control pass has taken ``command``.

        Raises:
            RejectedError: the charging rules refused it; nothing changed.
            TimeoutError: no pass took it within one second.
        """
        if len(self._letters) >= _ROOM:
            raise TimeoutError("too many commands are waiting")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def answer(verdict: Verdict) -> None:
            self._verdicts.append((future, verdict))
            os.eventfd_write(self._bell, 1)

        self.post(Letter(command, source, answer, future.cancelled))
        async with asyncio.timeout(_PATIENCE_S):
            await future

    def post(self, letter: Letter) -> None:
        """Leave a letter; returns at once."""
        self._letters.append(letter)

    def take(self) -> Iterator[Letter]:
        """Yield the letters one pass takes. Control thread only."""
        for _ in range(min(len(self._letters), _PER_PASS)):
            letter = self._letters.popleft()
            if not letter.withdrawn():
                yield letter

    def _deliver(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        while self._verdicts:
            future, verdict = self._verdicts.popleft()
            if future.done():
                continue
            if verdict is None:
                future.set_result(None)
            else:
                future.set_exception(verdict)
