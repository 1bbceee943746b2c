"""How the daemon comes to its end: a signal, a request, a failure, or hardware that is back."""

import asyncio
import logging
import signal
from collections.abc import Awaitable
from contextlib import ExitStack
from typing import Final

from evsed.board.description import Board
from evsed.building import Parts
from evsed.errors import HardwareError
from evsed.hardware.pi.hat import Wiring, open_hat
from evsed.station.station import Station

#: Exit statuses: after a failure, and when asked to be started again; see systemd/evsed.service.
FAILED: Final = 1
AGAIN: Final = 3

_HARDWARE_AGAIN_S: Final = 5.0
#: The last one comes when a terminal is closed.
_ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_log = logging.getLogger(__name__)


class End:
    """How the daemon is asked to end: the first signal winds charging down, the second hurries."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._hurry = asyncio.Event()
        self.status = 0

    def on_signals(self) -> ExitStack:
        loop, stack = asyncio.get_running_loop(), ExitStack()
        for number in _ENDING:
            loop.add_signal_handler(number, self._take)
            stack.callback(loop.remove_signal_handler, number)
        return stack

    def _take(self) -> None:
        if self._asked.is_set():
            self._hurry.set()
        self._asked.set()

    async def asked(self) -> int:
        await self._asked.wait()
        return 0

    async def stop(self, station: Station) -> None:
        """Stop the station; a second signal forces it."""
        orderly = asyncio.ensure_future(station.stop())
        hurry = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait({orderly, hurry}, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not orderly.done():
            station.hurry()
        await orderly


async def until_the_end(built: Parts, end: End, restart_due: asyncio.Event) -> int:
    """Wait for whatever ends the daemon; return its exit status."""
    waits: list[Awaitable[int]] = [end.asked(), _restarted(restart_due)]
    if built.station.maintenance is None:
        waits.append(_failure_of(built.station))
    elif built.failed_at is not None:
        waits.append(_hardware_back(built.board, built.failed_at))
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return max(task.result() for task in done)


async def _restarted(due: asyncio.Event) -> int:
    await due.wait()
    return AGAIN


async def _failure_of(station: Station) -> int:
    failure = await station.ended()
    _log.critical("control thread failed: %s", failure, exc_info=failure)
    return FAILED


async def _hardware_back(board: Board, wiring: Wiring) -> int:
    """Try the hat again until it opens; a fresh process then starts with everything in order."""
    while True:
        await asyncio.sleep(_HARDWARE_AGAIN_S)
        try:
            hat = await asyncio.to_thread(open_hat, board, wiring)
        except HardwareError:
            continue
        await asyncio.to_thread(hat.close)
        _log.warning("hardware answers again: restarting")
        return FAILED
