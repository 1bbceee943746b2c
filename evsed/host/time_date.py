"""The clock and the time servers of the machine, by systemd. Source: platform.md section 13."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from evsed.errors import HardwareError
from evsed.host.bus import BusAbsentError, BusError, Remote, SystemBus

_TIMEDATE: Final = "org.freedesktop.timedate1"
_CLOCK: Final = Remote(_TIMEDATE, "/org/freedesktop/timedate1")
_TIMESYNC: Final = Remote("org.freedesktop.timesync1", "/org/freedesktop/timesync1")
_MANAGER: Final = "org.freedesktop.timesync1.Manager"
#: Refused while the switching off of NTP is on its way; the name is the same for both reasons.
_STILL_ON: Final = f"{_TIMEDATE}.AutomaticTimeSyncEnabled"
_RETRY_S: Final = 0.3
_PATIENCE_S: Final = 5.0
_MICROSECONDS: Final = 1_000_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockPlan:
    """Whether the network sets the clock, and who is asked: a server, before it those of DHCP."""

    ntp: bool
    server: str = ""
    from_dhcp: bool = False


class Timekeeper(Protocol):
    """What services may ask of whoever keeps the machine's clock right."""

    async def found(self) -> ClockPlan:
        """Return what the machine did before anybody asked.

        Raises:
            HardwareError: nobody can tell.
        """

    async def keep(self, plan: ClockPlan) -> None:
        """Have the machine do this; to be asked again now and then.

        Raises:
            HardwareError: it refused, in part or as a whole.
        """


class NoTimekeeper:
    """Nobody: a simulated charger leaves the clock of its host alone."""

    async def found(self) -> ClockPlan:
        """Refuse.

        Raises:
            HardwareError: always.
        """
        raise HardwareError("clock: not managed here")

    async def keep(self, plan: ClockPlan) -> None:
        """Do nothing; there is nobody to be asked."""


class TimeDate:
    """systemd's timedated and timesyncd.

    Args:
        bus: the system's.
        lease: what names the time servers DHCP told.
        patience_s: how long a service may take to follow what it was told.
    """

    def __init__(
        self,
        bus: SystemBus,
        lease: Callable[[], Awaitable[Sequence[str]]],
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._bus, self._lease, self._patience_s = bus, lease, patience_s
        #: Setting the clock needs NTP off for a moment: nobody is to switch it on then.
        self._changing = asyncio.Lock()

    async def set_time(self, seconds: float) -> None:
        """Set the clock; NTP is switched off for it and on again where it was on.

        Raises:
            BusAbsentError: no timedated.
            HardwareError: it refused.
        """
        async with self._changing:
            was_on = bool(await self._bus.get(_CLOCK, f"{_TIMEDATE}.NTP"))
            if was_on:
                await self._switch_ntp(on=False)
            try:
                await self._patiently(lambda: self._set(seconds), _is_still_on)
            finally:
                if was_on:
                    await self._switch_ntp(on=True)

    async def found(self) -> ClockPlan:
        """Return whether NTP is on, and the first server the administrator has configured.

        Raises:
            HardwareError: nobody can tell.
        """
        on = bool(await self._bus.get(_CLOCK, f"{_TIMEDATE}.NTP"))
        try:
            servers = await self._bus.get(_TIMESYNC, f"{_MANAGER}.SystemNTPServers")
        except BusError:
            servers = []  # not running, or another program's task
        return ClockPlan(ntp=on, server=servers[0] if servers else "")

    async def keep(self, plan: ClockPlan) -> None:
        """Switch NTP, and name its servers where they are not known: a restart forgets them.

        Raises:
            HardwareError: nobody there, or refused.
        """
        async with self._changing:
            # timedated ends when it is idle: it is not to be started every half a minute.
            if await self._bus.has(_TIMESYNC.service) != plan.ntp:
                await self._keep_ntp(on=plan.ntp)
            if plan.ntp:
                await self._patiently(lambda: self._name_servers(plan), _is_absent)

    async def _keep_ntp(self, *, on: bool) -> None:
        clock = await self._bus.get_all(_CLOCK, _TIMEDATE)
        if bool(clock.get("NTP")) != on:
            if not clock.get("CanNTP", True):
                raise HardwareError("clock: nothing on this machine sets it from the network")
            await self._switch_ntp(on=on)

    async def _name_servers(self, plan: ClockPlan) -> None:
        told = await self._told() if plan.from_dhcp else ()
        own = (plan.server,) if plan.server and plan.server not in told else ()
        wanted = [*told, *own]
        known = (await self._bus.get_all(_TIMESYNC, _MANAGER)).get("RuntimeNTPServers")
        if known != wanted:
            await self._bus.call(_TIMESYNC, f"{_MANAGER}.SetRuntimeNTPServers", "as", wanted)

    async def _told(self) -> Sequence[str]:
        try:
            return await self._lease()
        except BusError:
            return ()  # without NetworkManager nobody knows; the server of the settings is asked

    async def _switch_ntp(self, *, on: bool) -> None:
        await self._bus.call(_CLOCK, f"{_TIMEDATE}.SetNTP", "bb", on, False)

    async def _set(self, seconds: float) -> None:
        microseconds = round(seconds * _MICROSECONDS)
        await self._bus.call(_CLOCK, f"{_TIMEDATE}.SetTime", "xbb", microseconds, False, False)

    async def _patiently(
        self, ask: Callable[[], Awaitable[T]], worth_it: Callable[[BusError], bool]
    ) -> T:
        """Ask, and again while the refusal is one that passes."""
        clock = asyncio.get_running_loop().time
        give_up_s = clock() + self._patience_s
        while True:
            try:
                return await ask()
            except BusError as error:
                if not worth_it(error) or clock() > give_up_s:
                    raise
            await asyncio.sleep(_RETRY_S)


def _is_still_on(error: BusError) -> bool:
    return error.name == _STILL_ON


def _is_absent(error: BusError) -> bool:
    return isinstance(error, BusAbsentError)
