"""The simulator as a process of its own: the Pi, the hat and the street outside, in real time."""

import asyncio
import gc
import os
import signal
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from evsed.board.description import Board
from evsed.hardware.real_time import SIMULATOR, ask_real_time
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.control_server import ControlServer
from evsed.hardware.simulator.gpio_daemon import GpioDaemon
from evsed.hardware.simulator.live import LiveCircuit
from evsed.hardware.simulator.onewire import OnewireTree
from evsed.hardware.simulator.pigpiod import PigpioServer, checked_faults
from evsed.hardware.simulator.spi_server import SpiServer

_SWITCH_S = 0.0005
_BULK_LOOK_S = 0.1
#: how long the world goes on after whoever started it has gone: the dead-man must get its chance
_AFTERLIFE_S = 3.0


class SimulatorProcess:
    """Everything the drivers find, in one folder."""

    def __init__(self, board: Board, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        circuit = Circuit(board)
        self.live = LiveCircuit(circuit)
        self.pigpiod = PigpioServer(self.live, GpioDaemon(circuit))
        self._control = ControlServer(self.state, self.change)
        self._onewire = OnewireTree(folder / "w1")
        self._spi: SpiServer | None = None
        self._bulk: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open every socket; the file ``ready`` comes last."""
        for name in ("ready", "spi.sock", "sim.sock"):
            (self._folder / name).unlink(missing_ok=True)
        self.live.attend(self.pigpiod.waits, self.pigpiod.flush)
        port = await self.pigpiod.start()
        (self._folder / "pigpio.port").write_text(f"{port}\n")
        self._spi = SpiServer(self.live, self._folder / "spi.sock")
        self._show_temperature()
        self._bulk = asyncio.create_task(self._answer_bulk(), name="sim-onewire")
        await self._control.start(self._folder / "sim.sock")
        (self._folder / "ready").write_text("ready\n")

    async def stop(self) -> None:
        """Close every socket."""
        (self._folder / "ready").unlink(missing_ok=True)
        await self._control.stop()
        if self._bulk is not None:
            self._bulk.cancel()
            await asyncio.gather(self._bulk, return_exceptions=True)
        self.pigpiod.stop()
        if self._spi is not None:
            await asyncio.to_thread(self._spi.stop)
        await asyncio.sleep(0)  # closed connections still say so
        self.live.leave()

    def state(self) -> dict[str, object]:
        """Return everything settable and readable."""
        with self.live as circuit:
            state = circuit.get()
        return state | {"pigpiod": self.pigpiod.shown_faults()}

    async def change(self, changes: Mapping[str, object]) -> None:
        """Change the world, or what goes wrong with its GPIO daemon.

        Raises:
            RejectedError: a key is unknown or a value not permitted.
        """
        if "pigpiod" in changes:
            checked_faults(changes["pigpiod"])  # before the world changes: all or nothing
        world = {key: value for key, value in changes.items() if key != "pigpiod"}
        with self.live as circuit:
            circuit.set(world)
        if "pigpiod" in changes:
            await self.pigpiod.set_faults(changes["pigpiod"])
        self._show_temperature()

    def _show_temperature(self) -> None:
        with self.live as circuit:
            celsius, fault = circuit.controls.temperature, circuit.controls.temp_fault
        self._onewire.show(celsius, present=not fault)

    async def _answer_bulk(self) -> None:
        while True:
            await asyncio.sleep(_BULK_LOOK_S)
            self._onewire.answer_bulk()


async def serve(board: Board, folder: Path) -> None:
    """Run until SIGTERM or SIGINT, or for a while after the end of standard input."""
    simulator = SimulatorProcess(board, folder)
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    await simulator.start()
    gc.freeze()
    watcher = asyncio.create_task(_watch_input(end), name="sim-input")
    try:
        await end.wait()
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
        await simulator.stop()


async def _watch_input(end: asyncio.Event) -> None:
    """Set ``end`` some seconds after the other end of standard input has gone."""
    kind = os.fstat(sys.stdin.fileno()).st_mode
    if not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
        return  # started by hand: nobody holds the other end
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while await reader.read(1024):
            pass
        await asyncio.sleep(_AFTERLIFE_S)
        end.set()
    finally:
        transport.close()


def run(board: Board, folder: Path) -> None:
    """Be the simulator's process."""
    sys.setswitchinterval(_SWITCH_S)
    ask_real_time(SIMULATOR)
    asyncio.run(serve(board, folder))
