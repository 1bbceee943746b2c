"""Builds what lies below the services: board, settings, hardware, station."""

import logging
import tempfile
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from evsed.board.description import AcRelay, Board, Button, Channel, OtaChannel, Pilot
from evsed.board.reader import NoBoardError, find_board, read_board_checked, salvage
from evsed.errors import BadFileError, HardwareError
from evsed.hardware.pi.hat import Wiring, open_hat
from evsed.hardware.pi.safe_off import SafeOff
from evsed.hardware.simulator.launch import Simulator, launched_simulator
from evsed.hardware.simulator.spi_client import SimulatedSpiPort
from evsed.services.log.service import LogService
from evsed.settings.administrator import Administrator, read_administrator
from evsed.settings.store import SettingsStore
from evsed.station.running_mark import RunningMark
from evsed.station.station import ParkedStation, Station

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says.

    Args:
        board_file: the board; None: the one the administrator has chosen.
        config_file: the administrator's file; None for the defaults.
        state_dir: everything the daemon writes.
        http_port: instead of the configured one; 0 for any free one.
        modbus_port: the same for Modbus TCP.
        simulator_dir: where a simulator already runs; None: start one when the board asks for it.
        runtime_dir: where pins are noted for the fail-safe helpers; None: the usual place.
        guard: the socket of the guard, without which nothing is charged; None: there is none.
        lateness_us: for benchmarks, see ``Station``.
        log: what is kept of the log, and how earlier runs ended.
    """

    board_file: Path | None = None
    config_file: Path | None = None
    state_dir: Path = Path("/var/lib/evsed")
    http_port: int | None = None
    modbus_port: int | None = None
    simulator_dir: Path | None = None
    runtime_dir: Path | None = None
    guard: Path | None = None
    lateness_us: deque[int] | None = None
    log: LogService = field(default_factory=LogService)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one daemon that services are built on."""

    options: Options
    administrator: Administrator
    board_file: Path
    board: Board
    settings: SettingsStore
    station: Station
    simulator: Simulator | None = None
    #: where the drivers find the outside
    wiring: Wiring = field(default_factory=Wiring)
    #: where the hat is to be found that failed to open; None when there is nothing to wait for
    failed_at: Wiring | None = None


def build(options: Options, stack: ExitStack) -> Parts:
    """Build everything below the services; what cannot be used means maintenance."""
    administrator = read_administrator(options.config_file)
    board_file, board, broken = _read_board(options, administrator.board)
    _check_state_dir(options.state_dir)
    settings = SettingsStore(options.state_dir, board)
    settings.load()
    built = partial(
        Parts,
        options=options,
        administrator=administrator,
        board_file=board_file,
        board=board,
        settings=settings,
    )
    if broken is not None:
        return built(station=ParkedStation(broken))
    simulator = _simulator(options, board_file, stack) if board.platform == "sim" else None
    wiring = _told(options, _wiring(simulator))
    try:
        hat = open_hat(board, wiring)
    except HardwareError as error:
        _log.error("hardware: %s", error)
        return built(
            station=ParkedStation(f"hardware: {error}"), simulator=simulator, failed_at=wiring
        )
    stack.callback(hat.close)
    station = Station(
        hat,
        board,
        settings.evse,
        administrator,
        options.state_dir,
        mark=RunningMark(wiring.runtime_dir / "running"),
    )
    station.lateness_us = options.lateness_us
    return built(station=station, simulator=simulator, wiring=wiring)


def _read_board(options: Options, chosen: str) -> tuple[Path, Board, str | None]:
    """Return file and board, or a stand-in with what is wrong with the file."""
    file = options.board_file or Path(chosen)
    try:
        file = options.board_file or find_board(chosen)
        board, warnings = read_board_checked(file)
    except NoBoardError as error:
        _log.warning("%s", error)
        return file, _NO_BOARD, str(error)
    except BadFileError as error:
        _log.error("%s", error)
        running = options.simulator_dir
        wiring = _wiring(None if running is None else Simulator(running))
        _make_salvaged_pins_safe(file, wiring)
        return file, _NO_BOARD, str(error)
    for warning in warnings:
        _log.warning("%s", warning)
    return file, board, None


def _check_state_dir(state_dir: Path) -> None:
    """Say so at once when nothing can be kept; charging goes on all the same."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=state_dir):
            pass
    except OSError as error:
        _log.error("state directory %s cannot be written, nothing is kept: %s", state_dir, error)


def _simulator(options: Options, board_file: Path, stack: ExitStack) -> Simulator:
    if options.simulator_dir is not None:
        return Simulator(options.simulator_dir)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="evsed-sim-"))
    running = launched_simulator(board_file, Path(folder), remove=True)
    return stack.enter_context(running)


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


def _told(options: Options, wiring: Wiring) -> Wiring:
    """Return the wiring with what the command line says of it."""
    runtime_dir = options.runtime_dir or wiring.runtime_dir
    return replace(wiring, runtime_dir=runtime_dir, guard=options.guard)


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
