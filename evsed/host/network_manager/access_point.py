"""Our own network, for the first settings by telephone. Source: platform.md section 12.2.

A radio is either at home in a network or has one of its own: the station comes back afterwards.
"""

import asyncio
import logging
import os
import secrets
from pathlib import Path
from typing import Final

from evsed.errors import HardwareError
from evsed.host.network_manager.manager import NetworkManager, Radio
from evsed.host.network_manager.profiles import (
    ACCESS_POINT_ID,
    STATION_ID,
    access_point_profile,
)

_START_S: Final = 30.0
_LOOK_S: Final = 0.5
#: No letter or digit that is taken for another one.
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_LENGTH: Final = 12

_log = logging.getLogger(__name__)


class AccessPointKey:
    """The passphrase of our own network: made once, kept where only the daemon reads.

    Args:
        file: where it is kept.
        is_open: the administrator wants none.
    """

    def __init__(self, file: Path, *, is_open: bool = False) -> None:
        self._file, self._is_open = file, is_open

    def text(self) -> str:
        """Return the passphrase, empty for an open network. Reads the disk, writes it once.

        Raises:
            HardwareError: it can be neither read nor kept.
        """
        if self._is_open:
            return ""
        try:
            return self._file.read_text(encoding="ascii").strip() or self._made()
        except FileNotFoundError:
            return self._made()
        except (OSError, ValueError) as error:
            raise HardwareError(f"access point: its passphrase cannot be read: {error}") from error

    def _made(self) -> str:
        made = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with open(os.open(self._file, flags, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(f"{made}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise HardwareError(f"access point: its passphrase cannot be kept: {error}") from error
        return made


class AccessPoint:
    """Our own network.

    Args:
        manager: what does it.
        key: its passphrase.
        start_s: how long the start may take.
        look_s: pause between two looks.
    """

    def __init__(
        self,
        manager: NetworkManager,
        key: AccessPointKey,
        *,
        start_s: float = _START_S,
        look_s: float = _LOOK_S,
    ) -> None:
        self._manager, self._key = manager, key
        self._start_s, self._look_s = start_s, look_s
        #: What the radio did before: a connection's path.
        self._before = ""

    async def prepare(self) -> None:
        """Make the passphrase, so that the owner can look it up before he needs it.

        Raises:
            HardwareError: it cannot be kept.
        """
        await asyncio.to_thread(self._key.text)

    async def start(self, radio: Radio, ssid: str) -> None:
        """Start it, or see that it runs.

        Raises:
            HardwareError: NetworkManager refused, or is not there; the station is back.
        """
        await self._manager.switch_radios_on()
        link = await self._manager.link(radio)
        if link.id == ACCESS_POINT_ID and link.up:
            return
        self._before = "" if link.id == ACCESS_POINT_ID else link.profile
        path = await self._profile(radio, ssid)
        try:
            await self._manager.activate(path, radio)
            async with asyncio.timeout(self._start_s):
                while not await self._runs(radio, path):  # noqa: ASYNC110  # another process
                    await asyncio.sleep(self._look_s)
        except (TimeoutError, HardwareError) as error:
            await self.stop(radio)
            why = str(error) or f"not ready within {self._start_s:g} s"
            raise HardwareError(f"access point: {why}") from error
        _log.info("access point: %s started", ssid)

    async def stop(self, radio: Radio) -> None:
        """Stop it, and have the radio return to what it did before.

        Raises:
            HardwareError: NetworkManager refused, or is not there.
        """
        link = await self._manager.link(radio)
        if link.id == ACCESS_POINT_ID:
            await self._manager.deactivate(link)
            _log.info("access point: stopped")
        before, self._before = self._before, ""
        if not before or await self._manager.profile(before) is None:
            ours = await self._manager.profiles(STATION_ID)
            before = ours[0].path if ours else ""
        if before:
            await self._manager.activate(before, radio)

    async def forget(self) -> None:
        """Delete its connection.

        Raises:
            HardwareError: NetworkManager refused, or is not there.
        """
        for profile in await self._manager.profiles(ACCESS_POINT_ID):
            await self._manager.delete(profile.path)

    async def _profile(self, radio: Radio, ssid: str) -> str:
        """Return the path of its connection, which says what it has to say today."""
        passphrase = await asyncio.to_thread(self._key.text)
        settings = access_point_profile(ssid, passphrase, radio.interface)
        found = await self._manager.profiles(ACCESS_POINT_ID)
        for more in found[1:]:
            await self._manager.delete(more.path)
        if found:
            await self._manager.update(found[0], settings)
            return found[0].path
        return await self._manager.add(settings, saved=True)

    async def _runs(self, radio: Radio, path: str) -> bool:
        link = await self._manager.link(radio)
        return link.profile == path and link.up
