"""A whole charger in this process: every service, as ``app`` builds them, on the shipped drivers.

The measurements want to see into it, so it cannot be a process of its own; nothing is left out.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from socket import create_server
from typing import Final

from evsed.board.description import Board
from evsed.board.reader import read_board
from evsed.building import Options, Parts
from evsed.errors import HardwareError
from evsed.hardware.interfaces import Hat
from evsed.hardware.pi.hat import Wiring, open_hat
from evsed.hardware.real_time import EVENT_LOOP, ask_real_time
from evsed.hardware.simulator.launch import Simulator
from evsed.hardware.simulator.spi_client import SimulatedSpiPort
from evsed.host.machine import Machine
from evsed.interfaces import services
from evsed.operations.operations import Operations
from evsed.services.sessions.service import SessionsService
from evsed.settings.administrator import Administrator
from evsed.settings.modbus_access import ModbusAccess
from evsed.settings.schema import EvseSettings
from evsed.settings.store import SettingsStore
from evsed.station.station import Station
from evsed.supervision import collect_garbage, garbage_by_appointment, short_work_first, supervise
from evsed.surroundings import surroundings

_CHARGES_WITHIN_S: Final = 15.0
_LOOK_S: Final = 0.05
#: What is switched on beside what a new charger has.
STORED: Final = {"version": 1, "modbus": {"tcpEnabled": True, "unitId": 1}}
#: The script of the load: works as long as it may, and never waits. Runs when scripts are on.
_BUSY_SCRIPT: Final = """
component.register({ id = "busy", name = "Busy", start = function()
    return coroutine.create(function()
        local energymeter, sum = require("energymeter"), 0
        while true do
            for number = 1, 20000 do sum = (sum * 31 + number) % 65521 end
            sum = sum + energymeter.getpower()
            coroutine.yield(0)
        end
    end)
end })
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charger:
    """One that runs."""

    station: Station
    http_port: int
    modbus_port: int
    #: why the event loop has no SCHED_FIFO, None when it has
    event_loop_refused: str | None

    async def charging(self) -> None:
        """Wait until the vehicle is being charged.

        Raises:
            HardwareError: it is not, after a time in which it should be.
        """
        try:
            async with asyncio.timeout(_CHARGES_WITHIN_S):
                # the control thread tells nobody: asking is the only way to know
                while not self.station.snapshot.contactor_closed:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            now = self.station.snapshot
            raise HardwareError(
                f"the simulated vehicle is not charged: {now.state.value}, {now.reason.value}"
            ) from None


@contextlib.asynccontextmanager
async def running_charger(
    board_file: Path,
    simulator: Simulator,
    state_dir: Path,
    *,
    dress: Callable[[Hat], Hat],
    prepare: Callable[[Station], None] = lambda _: None,
    lateness_us: deque[int] | None = None,
) -> AsyncIterator[Charger]:
    """Run a charger with all its services on free ports of the loopback interface.

    Args:
        board_file: a simulated board.
        simulator: where its circuit runs.
        state_dir: everything it writes.
        dress: puts observers between the station and its hat.
        prepare: called with the station before it starts.
        lateness_us: see ``Station``.
    """
    furnish(state_dir)
    wiring = _wiring(simulator)
    board = read_board(board_file)
    hat = open_hat(board, wiring)
    try:
        built = _built(board_file, board, state_dir, dress(hat), lateness_us)
        built = replace(built, simulator=simulator, wiring=wiring)
        prepare(built.station)
        async with _serving(built) as charger:
            yield charger
    finally:
        hat.close()


def furnish(state_dir: Path) -> None:
    """Leave settings and the script of the load, as an earlier run would have."""
    scripts = state_dir / "usr" / "lua"
    scripts.mkdir(parents=True)
    (state_dir / "settings.json").write_text(json.dumps(STORED))
    (scripts / "init.lua").write_text(_BUSY_SCRIPT)


def _built(
    board_file: Path, board: Board, state_dir: Path, hat: Hat, lateness_us: deque[int] | None
) -> Parts:
    options = Options(
        board_file=board_file,
        state_dir=state_dir,
        http_port=free_port(),
        modbus_port=free_port(),
        lateness_us=lateness_us,
    )
    access = ModbusAccess(address="127.0.0.1")
    administrator = Administrator(http_address="127.0.0.1", modbus=access)
    settings = SettingsStore(state_dir, board)
    station = Station(hat, board, _settings(settings), administrator, state_dir)
    station.lateness_us = lateness_us
    return Parts(
        options=options,
        administrator=administrator,
        board_file=board_file,
        board=board,
        settings=settings,
        station=station,
    )


@contextlib.asynccontextmanager
async def _serving(built: Parts) -> AsyncIterator[Charger]:
    station, options = built.station, built.options
    refused = ask_real_time(EVENT_LOOP)
    short_work_first()
    around = surroundings(built.administrator, options.state_dir, simulated=True)
    operations = Operations(
        station=station,
        settings=built.settings,
        board=built.board,
        machine=Machine(simulated=True),
        network=around.network,
        clock=around.clock,
    )
    sessions, listening = SessionsService(operations, options.state_dir), asyncio.Event()
    offered = services(built, operations, around, sessions, listening)
    with garbage_by_appointment():
        sessions.start()
        station.start()
        running = [asyncio.create_task(supervise(one.name, one.serve)) for one in offered]
        running.append(asyncio.create_task(collect_garbage(station)))
        try:
            await listening.wait()
            yield Charger(
                station=station,
                http_port=options.http_port or 0,
                modbus_port=options.modbus_port or 0,
                event_loop_refused=refused,
            )
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            station.hurry()
            await station.stop()
            await sessions.stop()


def _settings(store: SettingsStore) -> EvseSettings:
    """Return the defaults, with the residual current monitor in use."""
    store.load()
    return replace(store.evse, rcm=True)


def _wiring(simulator: Simulator) -> Wiring:
    return Wiring(
        pigpio_host="127.0.0.1",
        pigpio_port=simulator.pin_port,
        open_spi=partial(SimulatedSpiPort, simulator.spi_socket),
        onewire_root=simulator.onewire_root,
        runtime_dir=simulator.folder,
    )


def free_port() -> int:
    """Return a port of the loopback interface nobody listens on."""
    with create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def simulated_board(board_file: Path) -> Board:
    """Return the board of a benchmark.

    Raises:
        HardwareError: it drives real pins; benchmarks switch contactors without asking.
    """
    board = read_board(board_file)
    if board.platform != "sim":
        raise HardwareError(f"{board_file}: benchmarks run on simulated boards only")
    return board
