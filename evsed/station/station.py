"""The face of the station: a snapshot to read, a mailbox to put commands into."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from evsed.board.description import Board
from evsed.charging.commands import ApplyRules, Command, ShutDown, Together
from evsed.charging.contactor import Contactor
from evsed.charging.energy import Energy
from evsed.charging.limits import Limits
from evsed.charging.memory import Memory
from evsed.charging.owned_limits import OwnedLimit, with_limit
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import ChargingState, PilotMode, Reason
from evsed.errors import RejectedError
from evsed.hardware.interfaces import AuxIo, Hat, Meter
from evsed.settings.administrator import Administrator
from evsed.settings.schema import EvseSettings
from evsed.station.alarms import Alarm
from evsed.station.control_pass import ControlPass
from evsed.station.counters import Counters, Ledger
from evsed.station.held_up import Watcher
from evsed.station.keeper import Keeper
from evsed.station.loop import ControlLoop, monotonic_ms
from evsed.station.mailbox import Mailbox
from evsed.station.meters import Meters, ReadingBox, meter_alarms
from evsed.station.panel import ButtonEdge, Lamps
from evsed.station.rules_in_force import lock_timing, rules_in_force, waited_for
from evsed.station.running_mark import RunningMark

#: How long an orderly stop may wait for the vehicle and for -12 V, s.
_STOP_WITHIN_S: Final = 8.0
_LOW_AT_LEAST_MS: Final = 300
_JOIN_S: Final = 2.0
#: An external meter is lost after so many intervals without an answer, and never before ms.
_STALE_INTERVALS: Final = 3
_STALE_MS: Final = 3_000

_log = logging.getLogger(__name__)


def initial_memory(
    board: Board,
    evse: EvseSettings,
    administrator: Administrator,
    counters: Counters,
    *,
    unclean_end: bool = False,
) -> Memory:
    """Return what the rules know at start: settings, board, and what outlived the restart."""
    rules = rules_in_force(board, evse, administrator)
    restored = administrator.boot_restore_enabled
    return Memory(
        rules=rules,
        enabled=counters.enabled if restored else True,
        available=counters.available if restored else True,
        unclean_end=unclean_end,
        charging_current_da=min(evse.default_charging_current_da, evse.max_charging_current_a * 10),
        limits=Limits(
            consumption_ws=evse.default_consumption_limit_ws,
            charging_time_s=evse.default_charging_time_limit_s,
            under_power_w=evse.default_under_power_limit_w,
        ),
        owned=waited_for(administrator),
        energy=Energy(total_mws=counters.total_energy_ws * 1000),
        contactor=Contactor(counters=counters.contactor),
    )


class Station:
    """A running charger; ``start`` and ``stop`` belong to ``app``, the rest to every service.

    Args:
        hat: the devices; the station makes them safe on every way out.
        board: what is fitted.
        evse: the settings at start.
        administrator: the administrator's switches.
        state_dir: where ledger and flight recordings are kept.
        mark: stands while a station is at work; None where nobody asks how the last one ended.
    """

    def __init__(
        self,
        hat: Hat,
        board: Board,
        evse: EvseSettings,
        administrator: Administrator,
        state_dir: Path,
        *,
        mark: RunningMark | None = None,
    ) -> None:
        self._hat, self._board, self._administrator = hat, board, administrator
        self._mark = mark
        self._mailbox = Mailbox()
        ledger = Ledger(state_dir / "ledger.json")
        memory = initial_memory(
            board,
            evse,
            administrator,
            ledger.load(),
            unclean_end=mark is not None and mark.begin(),
        )
        if hat.lock is not None:
            hat.lock.configure(lock_timing(board, evse))
        #: where a service puts the readings of an external meter; None without one
        self.external_meter = None if board.external_meter is None else ReadingBox()
        meters = meters_of(hat, board, self.external_meter)
        self.control_pass = ControlPass(hat, memory, self._mailbox, monotonic_ms, meters)
        self._keeper = Keeper(self.control_pass, ledger, state_dir / "recordings")
        self._ended = asyncio.Event()
        self._hurried = False
        #: for benchmarks, set before the start: where every pass notes how late it began
        self.lateness_us: deque[int] | None = None
        self._loop: ControlLoop | None = None
        self._watcher: Watcher | None = None

    external_meter: ReadingBox | None = None
    #: why there is no station to control, None when there is one
    maintenance: str | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The newest picture; never blocks."""
        return self.control_pass.snapshot

    @property
    def commands_waiting(self) -> int:
        """How many commands no control pass has taken yet."""
        return self._mailbox.waiting

    @property
    def board_meter(self) -> Meter | None:
        """The board's own metering channels; None without any."""
        return self._hat.meter

    def alarms(self) -> tuple[Alarm, ...]:
        """Return what is wrong although charging goes on."""
        return (*self._keeper.alarms(), *meter_alarms(self.snapshot))

    @property
    def aux(self) -> AuxIo | None:
        """The board's free lines; the control thread has no use for them. None without a hat."""
        return self._hat.aux

    def button_edges(self) -> tuple[ButtonEdge, ...]:
        """Return what the station's button did since the last call; one service asks."""
        edges = self.control_pass.button_edges
        return tuple(edges.popleft() for _ in range(len(edges)))

    def hold_from_start(self, limit: OwnedLimit) -> None:
        """Have a limit in force from the first control pass on; before ``start``."""
        memory = self.control_pass.memory
        self.control_pass.memory = replace(memory, owned=with_limit(memory.owned, limit))

    def light(self, lamps: Lamps) -> None:
        """Show this from the next control pass on; one service asks."""
        self.control_pass.lamps = lamps

    async def send(self, command: Command, *, source: str) -> None:
        """Wait until one control pass has taken ``command``.

        Raises:
            RejectedError: the charging rules refused it; nothing changed.
            TimeoutError: no pass took it within one second.
        """
        await self._mailbox.send(command, source)

    async def write(self, steps: Sequence[Command | EvseSettings], *, source: str) -> None:
        """Have one control pass take commands and settings in their order, all or none.

        Args:
            steps: settings have been checked and saved before.
            source: who asks.

        Raises:
            RejectedError: the charging rules refused a command; nothing changed.
            TimeoutError: no pass took them within one second.
        """
        commands = tuple(self._command(step) for step in steps)
        await self.send(commands[0] if len(commands) == 1 else Together(commands), source=source)
        for step in steps:
            if isinstance(step, EvseSettings) and self._hat.lock is not None:
                self._hat.lock.configure(lock_timing(self._board, step))

    def _command(self, step: Command | EvseSettings) -> Command:
        if isinstance(step, EvseSettings):
            return ApplyRules(rules_in_force(self._board, step, self._administrator))
        return step

    def start(self) -> None:
        """Start the control thread and the keeper, on the running event loop."""
        events = asyncio.get_running_loop()
        self._mailbox.open()
        self._loop = ControlLoop(
            self.control_pass,
            self._hat,
            lambda: _call_soon(events, self._ended.set),
            self.lateness_us,
        )
        self._watcher = Watcher(self._loop)
        self._keeper.late = self._watcher.reports
        self._loop.start()
        self._watcher.start()
        self._keeper.start()

    async def ended(self) -> BaseException | None:
        """Wait until the control thread has ended; return why, None after an orderly stop."""
        await self._ended.wait()
        return self._running.failure

    @property
    def real_time_refused(self) -> str | None:
        """Why the control thread has no SCHED_FIFO, None when it has."""
        return self._running.refused

    @property
    def watched(self) -> bool:
        """Whether the dead-man is there, as far as the control thread knows without asking."""
        return self.control_pass.watched

    @property
    def lapses(self) -> int:
        """How often the dead-man has gone since the start."""
        return self.control_pass.lapses

    def hurry(self) -> None:
        """Cut an orderly stop short."""
        self._hurried = True

    async def stop(self) -> None:
        """Wind down as for C1; then contactor open, -12 V, thread ended."""
        loop = self._running
        if loop.alive:
            await self._wind_down()
        loop.stop()
        if not await asyncio.to_thread(loop.join, _JOIN_S):
            _log.critical("control thread does not end; making the hat safe from outside")
            self._hat.make_safe()
        if self._watcher is not None:
            await asyncio.to_thread(self._watcher.stop)
        await asyncio.to_thread(self._keeper.stop)
        if self._mark is not None and loop.failure is None and not loop.alive:
            self._mark.end()
        self._mailbox.close()

    async def _wind_down(self) -> None:
        try:
            await self.send(ShutDown(), source="shutdown")
        except TimeoutError:
            _log.error("control thread does not answer")
            return
        give_up = time.monotonic() + _STOP_WITHIN_S
        low_since: int | None = None
        while self._running.alive and not self._hurried and time.monotonic() < give_up:
            now = self.snapshot
            resting = now.pilot is PilotMode.LOW and not now.contactor_closed
            if not resting:
                low_since = None
            elif low_since is None:
                low_since = now.at_ms
            elif now.at_ms - low_since >= _LOW_AT_LEAST_MS:
                return
            await asyncio.sleep(0.02)

    @property
    def _running(self) -> ControlLoop:
        if self._loop is None:
            raise RuntimeError("the station has not been started")
        return self._loop


def meters_of(hat: Hat, board: Board, external: ReadingBox | None) -> Meters:
    """Return the meters that count on this board."""
    described = board.external_meter
    if described is None:
        return Meters(board=hat.meter)
    own = hat.meter if described.fallback in {None, "board"} else None
    return Meters(
        board=own,
        external=external,
        external_stale_ms=max(_STALE_INTERVALS * described.interval_ms, _STALE_MS),
    )


class ParkedStation(Station):
    """A station whose board cannot be used: state F, nothing driven, every command refused."""

    def __init__(self, maintenance: str) -> None:
        self.maintenance = maintenance
        self._picture = Snapshot(state=ChargingState.F, reason=Reason.MAINTENANCE)

    @property
    def snapshot(self) -> Snapshot:
        """The picture of a station out of order."""
        return self._picture

    @property
    def commands_waiting(self) -> int:
        """None: they are refused."""
        return 0

    @property
    def board_meter(self) -> Meter | None:
        """Nothing: no hat is in use."""
        return None

    def alarms(self) -> tuple[Alarm, ...]:
        """Nothing is counted."""
        return ()

    @property
    def aux(self) -> AuxIo | None:
        """Nothing: no hat is in use."""
        return None

    def button_edges(self) -> tuple[ButtonEdge, ...]:
        """Return nothing: no hat is in use."""
        return ()

    def hold_from_start(self, limit: OwnedLimit) -> None:
        """Do nothing: nothing is offered."""

    def light(self, lamps: Lamps) -> None:
        """Do nothing: no hat is in use."""

    @property
    def watched(self) -> bool:
        """Nothing is driven that somebody would have to watch."""
        return True

    @property
    def lapses(self) -> int:
        """None: there is nobody who could go."""
        return 0

    async def send(self, command: Command, *, source: str) -> None:
        """Refuse.

        Raises:
            RejectedError: always.
        """
        del command, source
        raise RejectedError("the station is in maintenance mode; /reason and the log say why")

    async def write(self, steps: Sequence[Command | EvseSettings], *, source: str) -> None:
        """Refuse: there is nothing to put anything into force on.

        Raises:
            RejectedError: always.
        """
        del steps
        await self.send(ShutDown(), source=source)


def _call_soon(events: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
    events.call_soon_threadsafe(action)
