"""A circuit in real time, shared by the threads of the simulator's process."""

import asyncio
import threading
import time
from collections.abc import Callable
from types import TracebackType

from evsed.hardware.simulator.circuit import Circuit

#: timers finer than this are served together; everything still happens at its own moment
_COARSE_S = 0.001


class LiveCircuit:
    """Use as a context manager: inside, the circuit is yours and its time is now.

    Keep it short. One lock guards it: this is the simulated world, not the charger.
    """

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._lock = threading.Lock()
        self._epoch_ns = time.monotonic_ns()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._waits: Callable[[], bool] = lambda: False
        self._send: Callable[[], None] = lambda: None
        self._due_us: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_us: int | None = None

    def attend(self, waits: Callable[[], bool], send: Callable[[], None]) -> None:
        """Let the running loop move the circuit when something is due.

        Args:
            waits: says whether there is something to send; called on any thread.
            send: sends it; called on the loop.
        """
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._waits, self._send = waits, send
        with self:
            pass

    def leave(self) -> None:
        """Stop moving by itself."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop, self._timer = None, None

    def now_us(self) -> int:
        """Return the time of the circuit."""
        return (time.monotonic_ns() - self._epoch_ns) // 1000

    def __enter__(self) -> Circuit:
        """Take the circuit and bring it to now."""
        self._lock.acquire()
        try:
            self._circuit.advance_to_us(self.now_us())
        except BaseException:
            self._lock.release()
            raise
        return self._circuit

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the circuit back; what it has to say goes out on the loop."""
        due_us = self._due_us = self._circuit.next_us()
        self._lock.release()
        if self._loop is None or (due_us == self._timer_us and not self._waits()):
            return
        if threading.get_ident() == self._loop_thread:
            self._attend()
        else:
            self._loop.call_soon_threadsafe(self._attend)

    def _attend(self) -> None:
        self._send()
        due_us = self._due_us
        if self._loop is None or due_us == self._timer_us:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_us = None, due_us
        if due_us is not None:
            delay_s = max((due_us - self.now_us()) / 1_000_000, _COARSE_S)
            self._timer = self._loop.call_later(delay_s, self._move)

    def _move(self) -> None:
        self._timer, self._timer_us = None, None
        with self:
            pass
