"""A script engine with a real worker on a station that is alive, brokers left out."""

import asyncio
from contextlib import asynccontextmanager, suppress

from station_world import BOARD, World

from evsed.errors import RejectedError
from evsed.host.clock import ShiftedClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.services.log.ring import LogRing
from evsed.services.script.service import ScriptService
from evsed.settings.store import SettingsStore

PATIENCE_S = 20


class NoBrokers:
    """There is no MQTT in these tests; messages taken are counted."""

    def __init__(self):
        self.taken = 0

    def client(self, *_wanted):
        raise RejectedError("invalid params")

    def release(self, component):
        """Nothing was opened."""

    def close_all(self):
        """Nothing was opened."""

    def took(self, count):
        """Count."""
        self.taken += count

    async def ended(self):
        """Nothing was opened."""


class NoPorts:
    """There is no serial port for scripts."""

    def open(self):
        return None


class Scripts:
    """The engine, the files it reads, and the desk it writes at."""

    def __init__(self, operations, root, world, ports):
        self.operations, self.root, self.world = operations, root, world
        self.brokers = NoBrokers()
        self.service = ScriptService(
            operations,
            root,
            ring=LogRing(1000, clean=lambda line: [line], most_bytes=64 * 1024),
            ports=ports,
            brokers=lambda *_around: self.brokers,
        )
        operations.on_change("script", self.service.apply)

    def write(self, name, text):
        """Put a file into the folder of the scripts."""
        (self.root / "lua" / name).write_text(text)

    async def switch(self, **settings):
        """Change the settings of the engine."""
        await self.operations.change("script", settings, source="test")

    async def start(self, text):
        """Write the entry file and switch the engine on."""
        self.write("init.lua", text)
        await self.switch(enabled=True)

    @property
    def lines(self):
        """What was printed, the two lines of the engine left out."""
        return self.service.output(0)[0][2:]

    async def until(self, condition, within_s=PATIENCE_S):
        """Wait for something to come true."""
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110  # nothing here rings a bell
                await asyncio.sleep(0.01)

    def status(self, name):
        """Return how a component stands."""
        return {one.id: one.status for one in self.service.components()}.get(name)


@asynccontextmanager
async def scripts_at_work(tmp_path, ports=None):
    """Run everything; the engine is still off."""
    world = World(tmp_path)
    async with world.running():
        store = SettingsStore(tmp_path, BOARD)
        operations = Operations(
            station=world.station,
            settings=store,
            board=BOARD,
            machine=Machine(simulated=True),
            network=UnmanagedNetwork(),
            clock=ShiftedClock(),
        )
        root = tmp_path / "usr"
        (root / "lua").mkdir(parents=True)
        scripts = Scripts(operations, root, world, ports or NoPorts())
        serving = asyncio.create_task(scripts.service.serve())
        try:
            yield scripts
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
