"""What every interface can show and ask for. Lives on the event loop; knows no protocol."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import evsed
from evsed.board.description import Board
from evsed.charging.commands import Authorize, ResetEnergy
from evsed.errors import RejectedError
from evsed.host.clock import Clock
from evsed.host.machine import Machine
from evsed.host.network import Network
from evsed.operations.auxiliary import Auxiliary
from evsed.operations.limits import LimitDesk
from evsed.operations.picture import Facts, Picture
from evsed.operations.values import number
from evsed.operations.writing import Change, steps_for
from evsed.settings.reset import Reset
from evsed.settings.schema import EvseSettings
from evsed.settings.store import SettingsStore
from evsed.settings.time_zone import posix_rule
from evsed.station.alarms import Alarm, Alarms
from evsed.station.station import Station

#: So that the answer still leaves. Source: decision 4.
_RESTART_AFTER_S: Final = 1.0
LAST_SECOND: Final = 4294967295

Applier = Callable[[Any, Any], Awaitable[None]]

_log = logging.getLogger(__name__)


class Operations:
    """The desk every interface comes to.

    Args:
        station: what charges.
        settings: what the user chose.
        board: what is fitted.
        machine: facts about the computer.
        network: what manages it.
        clock: the wall clock.
    """

    def __init__(
        self,
        *,
        station: Station,
        settings: SettingsStore,
        board: Board,
        machine: Machine,
        network: Network,
        clock: Clock,
    ) -> None:
        self.station, self.store, self.board = station, settings, board
        self.network, self.clock = network, clock
        self.aux = Auxiliary(station.aux)
        self.limits = LimitDesk(station)
        self._machine = machine
        self._facts: Facts | None = None
        #: One for each section: what applies one may have to write another.
        self._writing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._appliers: dict[str, list[Applier]] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._accepted: list[Callable[[str, object], None]] = []
        self._restart: asyncio.TimerHandle | None = None
        #: set when the daemon should end in order, to be started again
        self.restart_due = asyncio.Event()
        #: what else than the station may have something to complain of
        self.alarm_sources: list[Alarms] = [station.alarms, self.limits.alarms]
        #: who authorized last, and when by the station's clock; None: nobody yet
        self.authorized: tuple[str, int] | None = None
        #: called after the wall clock was set, or has jumped
        self.clock_listeners: list[Callable[[], None]] = []

    def picture(self) -> Picture:
        """Return everything readable as it is now; never blocks."""
        settings = self.store.settings
        return Picture(
            snapshot=self.station.snapshot,
            settings=settings,
            board=self.board,
            facts=self._facts_now(),
            network=self.network.state,
            clock_s=int(self.clock.now_s()),
            time_zone_rule=posix_rule(settings.scheduler.timezone),
        )

    def alarms(self) -> tuple[Alarm, ...]:
        """Return what an owner should know although charging goes on; never blocks."""
        return tuple(alarm for source in self.alarm_sources for alarm in source())

    async def write(
        self,
        changes: Sequence[Change],
        *,
        source: str,
        durable: bool = True,
        renew: str | None = None,
    ) -> None:
        """Write values of /state and /config/evse, all or none; they are in force on return.

        Args:
            changes: wire names and JSON values in the API's units, judged in this order.
            source: who asks.
            durable: whether changed settings are on disk on return, else they are a second later.
            renew: the owner of a limit this write is a sign of life of.

        Raises:
            RejectedError: a value is not permitted.
            TimeoutError: no control pass took them within one second.
            StorageError: the disk refused. In each case nothing has changed.
        """
        # To its end, also when the client goes: disk, memory and station must agree.
        await _to_the_end(self._write(tuple(changes), source, durable, renew))

    async def authorize(self, *, source: str) -> None:
        """Open a grant of 60 s.

        Raises:
            TimeoutError: no control pass took it within one second.
        """
        before = self.authorized
        # Before it is sent: whoever looks must not see a session authorized by nobody.
        self.authorized = (source, self.station.snapshot.at_ms)
        try:
            await self.station.send(Authorize(), source=source)
        except BaseException:
            self.authorized = before
            raise

    async def reset_energy(self, *, source: str) -> None:
        """Make the lifetime energy read 0.

        Raises:
            TimeoutError: no control pass took it within one second.
        """
        await self.station.send(ResetEnergy(), source=source)

    async def change(self, section: str, patch: object, *, source: str) -> None:
        """Change a section other than ``evse``: checked whole, saved, then applied.

        Args:
            section: one of ``evsed.settings.sections.SECTIONS``.
            patch: what POST /config/SECTION takes.
            source: who asks.

        Raises:
            RejectedError: a value is not permitted.
            StorageError: the disk refused.
            EvsedError, OSError: whatever applying it raised; the old values are back.
        """
        await _to_the_end(self._change(section, patch, source))

    def on_change(self, section: str, applier: Applier) -> None:
        """Have ``applier(before, after)`` awaited whenever a section has changed."""
        self._appliers.setdefault(section, []).append(applier)

    def listen(self, told: Callable[[str], None]) -> None:
        """Have ``told(section)`` called after every accepted change."""
        self._listeners.append(told)

    def listen_accepted(self, told: Callable[[str, object], None]) -> None:
        """Have ``told(section, patch)`` called after every accepted patch, changed or not."""
        self._accepted.append(told)

    async def restart(self, *, source: str) -> None:
        """End the daemon in order in about a second; asked twice, it is done once."""
        if self._restart is None:
            _log.warning("restart asked for by %s", source)
            loop = asyncio.get_running_loop()
            self._restart = loop.call_later(_RESTART_AFTER_S, self.restart_due.set)

    async def factory_reset(self, *, sessions: bool, source: str) -> None:
        """End the daemon in order in about a second; when it starts again, it is as delivered.

        Args:
            sessions: erase the history of charging too.
            source: who asks.

        Raises:
            StorageError: the disk refused; nothing happens.
        """
        await self.store.reset_at_next_start(Reset(sessions=sessions, source=source))
        _log.warning("factory reset asked for by %s", source)
        await self.restart(source=source)

    async def set_time(self, seconds: object, *, source: str) -> None:
        """Set the wall clock.

        Args:
            seconds: Unix time; a fraction is permitted.
            source: who asks.

        Raises:
            RejectedError: not a number of the clock's range.
            HardwareError: the clock may not be set.
        """
        await self.clock.set(number("time", seconds, 0, LAST_SECOND))
        _log.info("clock set by %s", source)
        self.tell_clock()

    def tell_clock(self) -> None:
        """Tell everybody that the wall clock is not what it was."""
        for told in self.clock_listeners:
            told()

    async def _write(
        self, changes: tuple[Change, ...], source: str, durable: bool, renew: str | None
    ) -> None:
        async with self._writing["evse"]:
            before = self.store.evse
            steps, after = steps_for(changes, before, self.board)
            if self.station.maintenance is not None:
                # The settings shown are those of no board; saving them would lose the user's.
                raise RejectedError(
                    "the station is in maintenance mode; /reason and the log say why"
                )
            steps = (*self.limits.signs_of_life(changes, renew, source), *steps)
            if not steps:
                return
            await self._keep(after, durable)
            try:
                await self.station.write(steps, source=source)
            except Exception:  # whatever it was, nothing may stay half done
                await self._keep(before, durable)
                raise
        self.limits.note(changes, source)
        if after != before:
            self._tell("evse")

    async def _keep(self, evse: EvseSettings, durable: bool) -> None:
        if durable:
            await self.store.save("evse", evse)
        elif evse != self.store.evse:
            self.store.put("evse", evse)

    async def _change(self, section: str, patch: object, source: str) -> None:
        async with self._writing[section]:
            before = getattr(self.store.settings, section)
            after = self.store.check(section, patch)
            if after != before:
                await self.store.save(section, after)
                await self._apply(section, before, after)
                _log.info("settings: %s changed by %s", section, source)
                self._tell(section)
            for told in self._accepted:
                told(section, patch)

    async def _apply(self, section: str, before: Any, after: Any) -> None:
        done: list[Applier] = []
        try:
            for applier in self._appliers.get(section, ()):
                done.append(applier)
                await applier(before, after)
        except Exception:  # whatever it was, nothing may stay half done
            await self.store.save(section, before)
            for applier in reversed(done[:-1]):
                await applier(after, before)
            raise

    def _tell(self, section: str) -> None:
        for told in self._listeners:
            told(section)

    def _facts_now(self) -> Facts:
        """Return the facts, read from the kernel once a second."""
        uptime_s = self._machine.uptime_s()
        facts = self._facts
        if facts is None or facts.uptime_s != uptime_s:
            machine = self._machine
            facts = Facts(
                uptime_s=uptime_s,
                version=f"v{evsed.__version__}",
                built_date=machine.build_date(),
                built_time=machine.build_time(),
                platform=machine.platform,
                chip=machine.chip,
                cores=machine.cores,
                revision=machine.revision,
                memory=machine.memory(),
            )
            self._facts = facts
        return facts


async def _to_the_end(work: Awaitable[None]) -> None:
    await asyncio.shield(asyncio.ensure_future(work))
