"""What the OCPP process may ask of the daemon, and how that is done. On the event loop."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evsed.charging.owned_limits import PAUSE_DA, OwnedLimit
from evsed.errors import EvsedError
from evsed.operations.limits import OCPP
from evsed.operations.operations import Operations
from evsed.settings.ocpp import OcppSettings

#: So long the control pass believes the last limit when nothing is heard of the process.
LEASE_S: Final = 30
#: What leaves everything as it is.
_UNLIMITED_DA: Final = 630
_PIECE: Final = 65_536

_log = logging.getLogger(__name__)

#: Told what is done, and its trouble; empty: none.
Done = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """Other services.

    Args:
        bundle: yields a diagnosis in pieces.
        install: installs a package: its size and what is read of it; raises ``EvsedError``.
    """

    bundle: Callable[[], AsyncIterator[bytes]]
    install: Callable[[int, AsyncIterator[bytes]], Awaitable[None]]


def dead_man(settings: OcppSettings) -> OwnedLimit | None:
    """Return the limit of a charger that has not heard its management system; None: there is none.

    Its current is what the owner has chosen for as long as nobody speaks.
    """
    offline_da = settings.offline_current_da
    if not settings.enabled or offline_da >= _UNLIMITED_DA:
        return None
    return OwnedLimit(
        owner=OCPP, current_da=offline_da, lease_ms=LEASE_S * 1000, fallback_da=offline_da
    )


def until_heard(settings: OcppSettings) -> OwnedLimit | None:
    """Return the limit of a charger that has just been started; None: there is none.

    Nothing is offered before the process has said what profiles permit, and whether a transaction
    was stopped; if it says nothing for ``LEASE_S``, the dead-man current counts.
    """
    if not settings.enabled:
        return None
    dead = dead_man(settings)
    fallback_da = None if dead is None else dead.fallback_da
    return OwnedLimit(
        owner=OCPP, current_da=PAUSE_DA, lease_ms=LEASE_S * 1000, fallback_da=fallback_da
    )


class Orders:
    """Carries out what is asked for.

    Args:
        operations: the desk.
        offered: other services.
    """

    def __init__(self, operations: Operations, offered: Offered) -> None:
        self._operations, self._offered = operations, offered
        self._errands: set[asyncio.Task[None]] = set()

    async def carry_out(self, message: Mapping[str, Any], done: Done) -> None:
        """Do one thing.

        Raises:
            EvsedError: it was refused.
            TimeoutError: no control pass took it in time.
        """
        operations = self._operations
        match message["t"]:
            case "limit":
                await self._limit(message["current"], message["fallback"])
            case "authorize":
                await operations.authorize(source=OCPP)
            case "available":
                await operations.write((("available", message["on"]),), source=OCPP)
            case "restart":
                await operations.restart(source=OCPP)
            case "password":
                await operations.change(OCPP, {"password": message["value"]}, source=OCPP)
            case "bundle":
                self._beside(self._pack(Path(message["file"]), done))
            case "install":
                self._beside(self._install(Path(message["file"]), done))

    async def hold_offline(self, settings: OcppSettings) -> None:
        """Have the dead-man current in force until the process has said something."""
        limit = dead_man(settings)
        if limit is not None and not self._operations.limits.of(OCPP):
            await self._limit(limit.current_da, limit.fallback_da)

    async def release(self) -> None:
        """End the limit: OCPP is switched off."""
        if self._operations.limits.of(OCPP) is not None:
            await self._operations.limits.let_go(OCPP, source=OCPP)

    async def _limit(self, current_da: int | None, fallback_da: int | None) -> None:
        await self._operations.limits.hold(
            OCPP, current_da, lease_s=LEASE_S, fallback_da=fallback_da, source=OCPP
        )

    def _beside(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _pack(self, file: Path, done: Done) -> None:
        trouble = ""
        try:
            pieces: Any = self._offered.bundle()
            async with aclosing(pieces):
                kept = await asyncio.to_thread(file.open, "wb")
                try:
                    async for piece in pieces:
                        await asyncio.to_thread(kept.write, piece)
                finally:
                    await asyncio.to_thread(kept.close)
        except (EvsedError, OSError) as error:
            trouble = str(error)
        done("bundle", trouble)

    async def _install(self, file: Path, done: Done) -> None:
        trouble = ""
        try:
            size = (await asyncio.to_thread(file.stat)).st_size
            await self._offered.install(size, _pieces(file))
        except (EvsedError, OSError) as error:
            trouble = str(error)
        done("install", trouble)


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    read = await asyncio.to_thread(file.open, "rb")
    try:
        while piece := await asyncio.to_thread(read.read, _PIECE):
            yield piece
    finally:
        await asyncio.to_thread(read.close)
