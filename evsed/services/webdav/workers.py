"""Threads that wait for the disk, and hand what they got straight to the event loop.

``loop.run_in_executor`` makes two futures, a lock and three callbacks for each piece of work; a
listing of a folder takes no longer than that.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final, NamedTuple


class _Work(NamedTuple):
    """One piece: what is to be done, and who waits for it."""

    call: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[Any]"


class Workers:
    """Some threads, begun when there is something to do.

    Args:
        count: how many.
        name: what they are called.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count: Final = count
        self._name: Final = name
        self._waiting: SimpleQueue[_Work | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        #: pieces that are not done; counted on the event loop
        self._open = 0

    def run(self, call: Callable[[], Any]) -> "asyncio.Future[Any]":
        """Let a thread do something; what it returns or raises is the future's.

        To be called on an event loop. What nobody waits for any more is not begun.
        """
        loop = asyncio.get_running_loop()
        work = _Work(call, loop, loop.create_future())
        # Not one more than are needed: work goes to each in turn, and one that has just worked is
        # the quickest to wake.
        if len(self._threads) <= self._open and len(self._threads) < self._count:
            self._begin()
        self._open += 1
        self._waiting.put(work)
        return work.done

    def shutdown(self) -> None:
        """Wait until everything that was given has been done, and end the threads. Blocking."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _begin(self) -> None:
        number = len(self._threads)
        # daemon: what ``shutdown`` was not called for does not keep the interpreter from ending
        thread = threading.Thread(target=self._serve, name=f"{self._name}_{number}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while (work := self._waiting.get()) is not None:
            self._do(work)
            del work  # what it holds is not kept until the next one comes

    def _do(self, work: _Work) -> None:
        got, failed = None, None
        try:
            if not work.done.cancelled():
                got = work.call()
        except BaseException as error:  # noqa: BLE001  # it is whoever waits who has to hear of it
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
            work.loop.call_soon_threadsafe(self._settle, work.done, got, failed)
        # A traceback keeps its frames: with the future in this one it would be a circle.
        del work, got, failed

    def _settle(self, done: "asyncio.Future[Any]", got: Any, failed: BaseException | None) -> None:
        self._open -= 1
        if done.done():
            return
        if failed is None:
            done.set_result(got)
        else:
            done.set_exception(failed)
