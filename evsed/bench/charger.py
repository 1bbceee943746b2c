"""A whole charger in this process, as ``app`` builds it, on the drivers that are shipped."""

import asyncio
import contextlib
import gc
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from evsed.board.description import Board
from evsed.board.reader import read_board
from evsed.errors import HardwareError
from evsed.hardware.interfaces import Hat
from evsed.hardware.pi.hat import Wiring, open_hat
from evsed.hardware.real_time import EVENT_LOOP, ask_real_time
from evsed.hardware.simulator.control_client import SimulatorClient
from evsed.hardware.simulator.launch import Simulator
from evsed.hardware.simulator.spi_client import SimulatedSpiPort
from evsed.host.clock import ShiftedClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.services.http.service import Door, HttpService
from evsed.services.rest.routes import RestApi, RestParts
from evsed.settings.administrator import Administrator
from evsed.settings.schema import EvseSettings
from evsed.settings.store import SettingsStore
from evsed.station.station import Station

_COLLECT_EVERY_S: Final = 5.0
_CHARGES_WITHIN_S: Final = 15.0
_LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Charger:
    """One that runs."""

    station: Station
    http_port: int
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
    """Run a charger with its REST interface on any free port.

    Args:
        board_file: a simulated board.
        simulator: where its circuit runs.
        state_dir: everything it writes.
        dress: puts observers between the station and its hat.
        prepare: called with the station before it starts.
        lateness_us: see ``Station``.
    """
    board = read_board(board_file)
    hat = open_hat(board, _wiring(simulator))
    try:
        administrator = Administrator(http_address="127.0.0.1", http_port=0)
        settings = SettingsStore(state_dir, board)
        station = Station(
            dress(hat),
            board,
            _settings(settings),
            administrator,
            state_dir,
        )
        station.lateness_us = lateness_us
        prepare(station)
        rest = RestApi(
            RestParts(
                operations=Operations(
                    station=station,
                    settings=settings,
                    board=board,
                    machine=Machine(simulated=True),
                    network=UnmanagedNetwork(),
                    clock=ShiftedClock(),
                ),
                simulator=SimulatorClient(simulator.control_socket),
            )
        )
        http = HttpService(Door(address="127.0.0.1", port=0), rest.routes())
        async with _serving(station, http, rest) as refused:
            yield Charger(station=station, http_port=http.port, event_loop_refused=refused)
    finally:
        hat.close()


@contextlib.asynccontextmanager
async def _serving(station: Station, http: HttpService, rest: RestApi) -> AsyncIterator[str | None]:
    refused = ask_real_time(EVENT_LOOP)
    station.start()
    services = [
        asyncio.create_task(serve) for serve in (http.serve(), rest.events.serve(), _collect())
    ]
    try:
        await http.ready.wait()
        yield refused
    finally:
        for service in services:
            service.cancel()
        await asyncio.gather(*services, return_exceptions=True)
        station.hurry()
        await station.stop()


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


async def _collect() -> None:
    """Collect garbage as ``app`` does while a vehicle charges."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        while True:
            await asyncio.sleep(_COLLECT_EVERY_S)
            gc.collect(1)
    finally:
        gc.enable()
        gc.unfreeze()


def simulated_board(board_file: Path) -> Board:
    """Return the board of a benchmark.

    Raises:
        HardwareError: it drives real pins; benchmarks switch contactors without asking.
    """
    board = read_board(board_file)
    if board.platform != "sim":
        raise HardwareError(f"{board_file}: benchmarks run on simulated boards only")
    return board
