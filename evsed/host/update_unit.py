"""The unit that installs a verified package as root; starting it is all the daemon may do."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

from evsed.host.bus import BusAbsentError, BusError, Remote, SystemBus
from evsed.host.packages import InstallError, NoInstaller, Outcome

#: Where the unit looks for the package, and where it leaves the result; see systemd/update.
STATE_DIR: Final = Path("/var/lib/evsed")
_RESULT: Final = Path("/var/lib/evsed-update/result.json")
_MAX_RESULT: Final = 65536
_UNIT: Final = "evsed-update.service"
_SYSTEMD: Final = "org.freedesktop.systemd1"
_MANAGER: Final = Remote(_SYSTEMD, "/org/freedesktop/systemd1")
_AT_WORK: Final = frozenset({"active", "activating", "deactivating", "reloading"})


class UnitInstaller(NoInstaller):
    """``Packages`` through ``evsed-update.service``.

    Args:
        bus: where systemd is.
        result: the file the unit leaves; another one in tests.
    """

    def __init__(self, bus: SystemBus, result: Path = _RESULT) -> None:
        self._bus, self._result = bus, result

    async def install(self, file: Path) -> None:
        """Have the unit started; it copies the package, verifies it again and installs it.

        Raises:
            InstallError: there is no such unit, it is at work, or systemd refused.
        """
        try:
            facts = await self._facts()
            if facts.get("LoadState") != "loaded":
                await super().install(file)
            if facts.get("ActiveState") in _AT_WORK:
                raise InstallError("an update is being installed already")
            await self._bus.call(_MANAGER, f"{_SYSTEMD}.Manager.StartUnit", "ss", _UNIT, "fail")
        except BusAbsentError:
            await super().install(file)
        except BusError as error:
            raise InstallError(f"the installation was not started: {error}") from error

    async def busy(self) -> bool:
        """Tell whether the unit is at work."""
        try:
            return (await self._facts()).get("ActiveState") in _AT_WORK
        except BusError:
            return False

    async def outcome(self) -> Outcome | None:
        """Return what the unit has left; None when there is nothing, or nothing to be read."""
        return await asyncio.to_thread(self._read)

    async def _facts(self) -> dict[str, Any]:
        path = await self._bus.call(_MANAGER, f"{_SYSTEMD}.Manager.LoadUnit", "s", _UNIT)
        return await self._bus.get_all(Remote(_SYSTEMD, path), f"{_SYSTEMD}.Unit")

    def _read(self) -> Outcome | None:
        try:
            with self._result.open("rb") as file:
                found = json.loads(file.read(_MAX_RESULT))
            return Outcome(
                outcome=str(found["outcome"]),
                before=str(found["from"]),
                version=str(found["to"]),
                reason=str(found["reason"]),
                at_s=int(found["at"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
