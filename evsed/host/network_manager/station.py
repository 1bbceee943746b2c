"""Joins a network on trial: whatever worked before comes back when the new settings do not.

The new connection is not saved before it works, and the old one is not touched until then: a power
cut in between leaves the old one. Source: platform.md section 12, rest.md section 8.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from evsed.errors import HardwareError
from evsed.host.bus import BusError
from evsed.host.network import NotJoinedError, StationPlan
from evsed.host.network_manager.manager import NO_SECRETS, Link, NetworkManager, Radio
from evsed.host.network_manager.profiles import (
    STATION_ID,
    Air,
    does,
    station_profile,
)
from evsed.host.radio import neighbor_answers

#: Access points that know WPA3 alone. Source: NM80211ApSecurityFlags.
_KEY_MGMT_PSK: Final = 0x100
_KEY_MGMT_SAE: Final = 0x400

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds: for a network to be joined, for the way back, between two attempts and two looks."""

    join_s: float = 60.0
    back_s: float = 60.0
    again_s: float = 5.0
    look_s: float = 0.5


class Station:
    """Our connection to somebody's network.

    Args:
        manager: what does it.
        patience: how long it may take.
        answers: whether somebody in the local network has an address.
    """

    def __init__(
        self,
        manager: NetworkManager,
        patience: Patience | None = None,
        answers: Callable[[str], Awaitable[bool]] = neighbor_answers,
    ) -> None:
        self._manager = manager
        self._patience = patience or Patience()
        self._answers = answers
        #: Where to return to: a connection's path. Known from the first of several attempts on.
        self._before: str | None = None

    async def resume(self, plan: StationPlan, radio: Radio) -> None:
        """At the start: see that our connection is what the settings say, and leave it to work.

        Raises:
            HardwareError: as ``join``.
        """
        if await self._stored(plan) is None:
            await self.join(plan, radio)

    async def join(self, plan: StationPlan, radio: Radio) -> None:
        """Join a network, or return to what worked before.

        Raises:
            NotJoinedError: it did not work.
            HardwareError: NetworkManager refused, or is not there.
        """
        await self._manager.switch_radios_on()
        link = await self._manager.link(radio)
        stored = await self._stored(plan)
        if stored is not None and link.profile == stored and link.up:
            return await self._keep(stored)
        await self._note_before(link, stored)
        trial = stored or await self._new(plan, radio)
        try:
            async with asyncio.timeout(self._patience.join_s):
                await self._until_joined(plan, radio, trial)
        except (TimeoutError, HardwareError) as error:
            why = str(error) or f"not joined within {self._patience.join_s:g} s"
            raise await self._given_up(why, plan, radio, trial) from error
        await self._keep(trial)
        _log.info("Wi-Fi: joined %r", plan.ssid)
        return None

    async def leave(self) -> None:
        """Forget our connection; connections of the user are his."""
        self._before = None
        for profile in await self._manager.profiles(STATION_ID):
            await self._manager.delete(profile.path)
            _log.info("Wi-Fi: left %r", profile.ssid)

    async def _stored(self, plan: StationPlan) -> str | None:
        """Return the path of a connection of ours that does a plan."""
        for profile in await self._manager.profiles(STATION_ID):
            if does(profile.settings, await self._manager.key(profile), plan):
                return profile.path
        return None

    async def _note_before(self, link: Link, trial: str | None) -> None:
        """Note what to return to: what works now, else what is saved; never an earlier trial."""
        if self._before is not None:
            return
        ours = await self._manager.profiles(STATION_ID)
        trials = {profile.path for profile in ours if profile.unsaved}
        saved = [profile.path for profile in ours if not profile.unsaved]
        candidates = [link.profile] if link.profile and link.profile not in trials else saved
        self._before = next((path for path in candidates if path != trial), None)

    async def _new(self, plan: StationPlan, radio: Radio) -> str:
        points = [one for one in await self._manager.seen(radio) if one.ssid == plan.ssid]
        kinds = {one.rsn & (_KEY_MGMT_PSK | _KEY_MGMT_SAE) for one in points}
        air = Air(hidden=not points, sae=kinds == {_KEY_MGMT_SAE})
        for profile in await self._manager.profiles(STATION_ID):
            if profile.unsaved:
                await self._manager.delete(profile.path)  # an earlier trial
        return await self._manager.add(station_profile(plan, radio.interface, air), saved=False)

    async def _until_joined(self, plan: StationPlan, radio: Radio, trial: str) -> None:
        """Ask for the connection, again where something else got in between, until it works."""
        clock = asyncio.get_running_loop().time
        asked_s = float("-inf")
        while True:
            link = await self._manager.link(radio)
            if link.profile == trial:
                if link.up and await self._gateway_answers(plan):
                    return
            elif link.reason == NO_SECRETS and asked_s > 0:
                raise HardwareError("the network does not take this password")
            elif clock() - asked_s > self._patience.again_s:
                asked_s = clock()
                await self._ask(trial, radio)
            await asyncio.sleep(self._patience.look_s)

    async def _ask(self, trial: str, radio: Radio) -> None:
        try:
            await self._manager.activate(trial, radio)
        except BusError as error:
            # Refused while the radio is being switched on, for one; asked again until time is up.
            _log.debug("Wi-Fi: not yet: %s", error)

    async def _gateway_answers(self, plan: StationPlan) -> bool:
        """Addresses by DHCP come from the network itself; those of a user may be any."""
        return plan.static is None or await self._answers(plan.static[1])

    async def _given_up(
        self, why: str, plan: StationPlan, radio: Radio, trial: str
    ) -> NotJoinedError:
        before, self._before = self._before, None
        profile = None if before is None else await self._manager.profile(before)
        if profile is None:
            await self._keep(trial)
            return NotJoinedError(
                f"Wi-Fi: {plan.ssid!r}: {why}; there is no earlier connection to return to, "
                "the system goes on trying",
                returned=False,
            )
        await self._forget(trial, but=profile.path)
        back = await self._back(profile.path, radio)
        outcome = "is restored" if back else "does not work either now, the system goes on trying"
        return NotJoinedError(
            f"Wi-Fi: {plan.ssid!r}: {why}; the previous connection {profile.id!r} "
            f"({profile.ssid!r}) {outcome}",
            returned=True,
        )

    async def _back(self, profile: str, radio: Radio) -> bool:
        """Return to a connection; tell whether it works."""
        try:
            async with asyncio.timeout(self._patience.back_s):
                while True:
                    link = await self._manager.link(radio)
                    if link.profile == profile and link.up:
                        return True
                    if link.profile != profile:
                        await self._ask(profile, radio)
                    await asyncio.sleep(self._patience.look_s)
        except TimeoutError:
            return False

    async def _forget(self, trial: str, *, but: str) -> None:
        """Delete a trial; one that was saved before is an older choice of the user's, and stays."""
        profile = await self._manager.profile(trial)
        if profile is not None and profile.unsaved and trial != but:
            await self._manager.delete(trial)

    async def _keep(self, path: str) -> None:
        """Save one connection of ours and forget the others: there is never more than one."""
        self._before = None
        for profile in await self._manager.profiles(STATION_ID):
            if profile.path != path:
                await self._manager.delete(profile.path)
            elif profile.unsaved:
                await self._manager.save(path)
