"""A station on a real event loop and thread, with a hat in process that follows the clock."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from dataclasses import replace

from scenarios.street import SIM_BOARD, quick_board

from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.hat import simulated_hat
from evsed.settings.administrator import Administrator
from evsed.settings.schema import default_evse
from evsed.station.station import Station

#: a busy build machine must not trip the dead-man of a test
BOARD = replace(quick_board(), watchdog=replace(SIM_BOARD.watchdog, deadman=False))


class DrivenSampler:
    """The simulated sampler; every look moves the circuit to the time it is."""

    def __init__(self, sampler, world):
        self.sampler, self.world = sampler, world

    def expect(self, **wanted):
        self.sampler.expect(**wanted)

    def take_windows(self):
        self.world.go_on()
        return self.sampler.take_windows()

    def wait(self, seconds):
        self.sampler.wait(seconds)


class World:
    """A station on a circuit in real time. Only the control thread touches the circuit."""

    def __init__(self, state_dir, board=BOARD, **more):
        self.circuit = Circuit(board)
        self.circuit.now_us = time.monotonic_ns() // 1000
        self.changes = deque()
        self.stuck = threading.Event()
        self.stuck.set()
        self.made_safe = 0
        hat = simulated_hat(self.circuit)
        self.hat = replace(hat, sampler=DrivenSampler(hat.sampler, self), make_safe=self.make_safe)
        self._make_safe = hat.make_safe
        self.state_dir = state_dir
        self.evse = default_evse(board)
        self.station = Station(self.hat, board, self.evse, Administrator(), state_dir, **more)

    def make_safe(self):
        self.made_safe += 1
        self._make_safe()

    def go_on(self):
        self.stuck.wait()
        while self.changes:
            change = self.changes.popleft()
            if isinstance(change, Exception):
                raise change
            self.circuit.set(change)
        self.circuit.advance_to_us(max(time.monotonic_ns() // 1000, self.circuit.now_us))

    async def until(self, **wanted):
        """Wait at most ten seconds for the snapshot to show this."""
        async with asyncio.timeout(10):
            while not self._shows(wanted):  # noqa: ASYNC110 - a snapshot rings no bell
                await asyncio.sleep(0.005)
        return self.station.snapshot

    def _shows(self, wanted):
        now = self.station.snapshot
        return all(getattr(now, key) == value for key, value in wanted.items())

    @contextlib.asynccontextmanager
    async def running(self):
        self.station.start()
        await self.until(state="A")
        try:
            yield self
        finally:
            self.stuck.set()
            await self.station.stop()
