"""Builds the daemon, starts it, takes it down in reverse order. Reads like a parts list."""

import asyncio
import gc
import logging
import signal
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from evsed.board.description import AcRelay, Board, Button, Channel, OtaChannel, Pilot
from evsed.board.reader import read_board_checked, salvage
from evsed.errors import BadFileError, HardwareError
from evsed.hardware.pi.hat import Wiring, open_hat
from evsed.hardware.pi.safe_off import SafeOff
from evsed.hardware.real_time import EVENT_LOOP, ask_real_time
from evsed.hardware.simulator.control_client import SimulatorClient
from evsed.hardware.simulator.launch import Simulator, launched_simulator
from evsed.hardware.simulator.spi_client import SimulatedSpiPort
from evsed.host.clock import ShiftedClock, SystemClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.operations.values import EnergyUnit
from evsed.services.http.pages import page_routes
from evsed.services.http.service import Door, HttpService
from evsed.services.rest.routes import RestApi, RestParts
from evsed.settings.administrator import Administrator, read_administrator
from evsed.settings.store import SettingsStore
from evsed.station.station import ParkedStation, Station

#: Exit status after a failure; the service manager starts the daemon again.
FAILED: Final = 1

_WEB: Final = Path(__file__).parent / "web"
_RETRY_S: Final = (1, 2, 5, 10, 30)
_HARDWARE_AGAIN_S: Final = 5.0
_COLLECT_EVERY_S: Final = 5.0

#: The last one comes when a terminal is closed.
_ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says.

    Args:
        board_file: the board.
        config_file: the administrator's file; None for the defaults.
        state_dir: everything the daemon writes.
        http_port: instead of the configured one; 0 for any free one.
        simulator_dir: where a simulator already runs; None: start one when the board asks for it.
        lateness_us: for benchmarks, see ``Station``.
    """

    board_file: Path
    config_file: Path | None = None
    state_dir: Path = Path("/var/lib/evsed")
    http_port: int | None = None
    simulator_dir: Path | None = None
    lateness_us: deque[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Built:
    """The parts of one daemon."""

    options: Options
    administrator: Administrator
    board: Board
    settings: SettingsStore
    station: Station
    simulator: Simulator | None = None
    #: where the hat is to be found that failed to open; None when there is nothing to wait for
    failed_at: Wiring | None = None


async def serve(options: Options) -> int:
    """Run the daemon until a signal or a failure ends it; return its exit status.

    Raises:
        BadFileError: the administrator's file is not what it should be.
    """
    end = _End()
    with ExitStack() as parts:
        # From now on: a signal during the start ends what has been started, in order.
        parts.enter_context(end.on_signals())
        return await _run(_build(options, parts), end)


def _build(options: Options, parts: ExitStack) -> _Built:
    """Build everything below the services; what cannot be used means maintenance."""
    administrator = read_administrator(options.config_file)
    board, broken = _read_board(options)
    _check_state_dir(options.state_dir)
    settings = SettingsStore(options.state_dir, board)
    settings.load()
    built = partial(
        _Built, options=options, administrator=administrator, board=board, settings=settings
    )
    if broken is not None:
        return built(station=ParkedStation(broken))
    simulator = _simulator(options, parts) if board.platform == "sim" else None
    wiring = _wiring(simulator)
    try:
        hat = open_hat(board, wiring)
    except HardwareError as error:
        _log.error("hardware: %s", error)
        return built(
            station=ParkedStation(f"hardware: {error}"), simulator=simulator, failed_at=wiring
        )
    parts.callback(hat.close)
    station = Station(
        hat,
        board,
        settings.evse,
        administrator,
        options.state_dir,
        lateness_us=options.lateness_us,
    )
    return built(station=station, simulator=simulator)


def _read_board(options: Options) -> tuple[Board, str | None]:
    """Return the board, or a stand-in with what is wrong with the file."""
    try:
        board, warnings = read_board_checked(options.board_file)
    except BadFileError as error:
        _log.error("%s", error)
        running = options.simulator_dir
        wiring = _wiring(None if running is None else Simulator(running))
        _make_salvaged_pins_safe(options.board_file, wiring)
        return _NO_BOARD, str(error)
    for warning in warnings:
        _log.warning("%s", warning)
    return board, None


def _check_state_dir(state_dir: Path) -> None:
    """Say so at once when nothing can be kept; charging goes on all the same."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=state_dir):
            pass
    except OSError as error:
        _log.error("state directory %s cannot be written, nothing is kept: %s", state_dir, error)


def _simulator(options: Options, parts: ExitStack) -> Simulator:
    if options.simulator_dir is not None:
        return Simulator(options.simulator_dir)
    folder = parts.enter_context(tempfile.TemporaryDirectory(prefix="evsed-sim-"))
    return parts.enter_context(launched_simulator(options.board_file, Path(folder)))


def _wiring(simulator: Simulator | None) -> Wiring:
    """The shipped drivers do the work on both kinds of board; only the addresses differ."""
    if simulator is None:
        return Wiring()
    return Wiring(
        pigpio_host="127.0.0.1",
        pigpio_port=simulator.pin_port,
        open_spi=partial(SimulatedSpiPort, simulator.spi_socket),
        onewire_root=simulator.onewire_root,
        runtime_dir=simulator.folder,
    )


async def _run(built: _Built, end: "_End") -> int:
    station = built.station
    refused = ask_real_time(EVENT_LOOP)
    rest = _rest_api(built)
    http = HttpService(_door(built), (*rest.routes(), *page_routes(_WEB)))
    async with AsyncExitStack() as running:
        running.enter_context(_garbage_by_appointment())
        if station.maintenance is None:
            station.start()
            running.push_async_callback(end.stop, station)
        async with asyncio.TaskGroup() as tasks:
            services = [
                tasks.create_task(_supervise("http", http.serve)),
                tasks.create_task(_supervise("events", rest.events.serve)),
                tasks.create_task(_collect_garbage(station)),
                tasks.create_task(_note_control_thread(station)),
            ]
            _note_real_time("event loop", refused)
            status = await _until_the_end(built, end)
            for service in services:
                service.cancel()
    return status or end.status


def _rest_api(built: _Built) -> RestApi:
    simulator = built.simulator
    return RestApi(
        RestParts(
            operations=_operations(built),
            simulator=None if simulator is None else SimulatorClient(simulator.control_socket),
            energy_unit=EnergyUnit(built.administrator.rest_energy_unit),
            extensions=built.administrator.http_extensions,
        )
    )


def _operations(built: _Built) -> Operations:
    simulated = built.simulator is not None
    return Operations(
        station=built.station,
        settings=built.settings,
        board=built.board,
        machine=Machine(simulated=simulated),
        network=UnmanagedNetwork(),
        clock=ShiftedClock() if simulated else SystemClock(),
    )


def _door(built: _Built) -> Door:
    administrator, port = built.administrator, built.options.http_port
    return Door(
        address=administrator.http_address,
        port=administrator.http_port if port is None else port,
        allowed_hosts=administrator.http_allowed_hosts,
    )


def _note_real_time(thread: str, refused: str | None) -> None:
    if refused is not None:
        _log.warning("%s: no real-time priority, it may be late under load: %s", thread, refused)


async def _note_control_thread(station: Station) -> None:
    """Say so when the control thread was refused its priority; it asks as its first act."""
    while station.maintenance is None:
        await asyncio.sleep(0.1)
        if station.snapshot.lateness.passes:
            _note_real_time("control thread", station.real_time_refused)
            return


async def _until_the_end(built: _Built, end: "_End") -> int:
    """Wait for a signal, for the control thread to fail, or for failed hardware to come back."""
    waits: list[Awaitable[int]] = [end.asked()]
    if built.station.maintenance is None:
        waits.append(_failure_of(built.station))
    elif built.failed_at is not None:
        waits.append(_hardware_back(built.board, built.failed_at))
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return max(task.result() for task in done)


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


class _End:
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


async def _supervise(name: str, serve_once: Callable[[], Awaitable[None]]) -> None:
    """Run a service; one that fails is started again with growing pauses."""
    for attempt in range(1_000_000_000):
        try:
            await serve_once()
        except Exception as error:  # noqa: BLE001  # a service never takes the station down
            pause = _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
            unexpected = not isinstance(error, OSError)
            _log.error("%s: %s; again in %s s", name, error, pause, exc_info=unexpected)
            await asyncio.sleep(pause)
        else:
            return


@contextmanager
def _garbage_by_appointment() -> Iterator[None]:
    """Collect everything now, and from then on only when asked: it stops every thread.

    To be entered before the control thread starts: the first collection takes tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


async def _collect_garbage(station: Station) -> None:
    """Collect young garbage where the event loop is idle, old garbage while nobody charges."""
    while True:
        await asyncio.sleep(_COLLECT_EVERY_S)
        gc.collect(1 if station.snapshot.contactor_closed else 2)


def _make_salvaged_pins_safe(board_file: Path, wiring: Wiring) -> None:
    """Open the contactor of a broken board when at least its pins can be read."""
    pilot, ac_relay = salvage(board_file)
    if pilot is None or ac_relay is None:
        _log.error("contactor and pilot are left as they are: their sections cannot be read")
        return
    bare = replace(_NO_BOARD, pilot=pilot, ac_relay=ac_relay)
    if not SafeOff(bare, (wiring.pigpio_host, wiring.pigpio_port)).fresh():
        _log.error("contactor and pilot could not be made safe: the pin daemon does not answer")


_NO_BOARD: Final = Board(
    device_name="maintenance",
    button=Button(gpio=-1),
    pilot=Pilot(gpio=18, adc_channel=Channel(0, 0), levels_mv=(2405, 2099, 1792, 1484, 728)),
    ac_relay=AcRelay(gpios=()),
    ota=(OtaChannel(name="stable", path=""),),
)
