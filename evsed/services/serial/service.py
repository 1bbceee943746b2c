"""All serial ports of the board: one session each, changed only where the settings change.

Source: serial.md sections 1 and 4.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from evsed.board.description import SerialPort
from evsed.host.serial_direction import OpenPin
from evsed.host.serial_line import open_line
from evsed.services.serial.managed_port import LineOpener, ManagedPort, Modes, PortState
from evsed.settings.serial import SerialSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PortReport:
    """How a port stands, for people; ``trouble`` says why it waits."""

    name: str
    mode: str
    state: PortState
    trouble: str


class SerialService:
    """The manager of the ports.

    Args:
        ports: as the board file has them.
        settings: one entry per port.
        modes: what makes a session, by mode; a mode that is missing leaves its port closed.
        opener: opens a device; another one in tests.
        open_pin: what opens a direction pin of an RS-485 port; None where there are none.
    """

    def __init__(
        self,
        ports: Sequence[SerialPort],
        settings: Sequence[SerialSettings],
        modes: Modes,
        *,
        opener: LineOpener = open_line,
        open_pin: OpenPin | None = None,
    ) -> None:
        self._board = tuple(ports)
        self._settings = tuple(settings)
        self._ports = [ManagedPort(port, modes, opener=opener, open_pin=open_pin) for port in ports]
        self._group: asyncio.TaskGroup | None = None
        self._changing = asyncio.Lock()

    async def serve(self) -> None:
        """Serve until cancelled; then every port is closed, within a second."""
        async with asyncio.TaskGroup() as group:
            try:
                async with self._changing:
                    self._group = group
                    await self._start(range(len(self._ports)))
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None

    async def apply(
        self, before: Sequence[SerialSettings], after: Sequence[SerialSettings]
    ) -> None:
        """Put new settings in force; ports whose entry is the same are not touched.

        A device that cannot be opened now is not an error. Ports are closed before others are
        opened, so that two may exchange their modes.
        """
        del before
        async with self._changing:
            pairs = zip(self._settings, after, strict=True)
            changed = [place for place, (was, will_be) in enumerate(pairs) if was != will_be]
            self._settings = tuple(after)
            if self._group is None:
                return
            await asyncio.gather(*(self._ports[place].stop("reconfigured") for place in changed))
            await self._start(changed)

    @property
    def reports(self) -> tuple[PortReport, ...]:
        """How every port stands."""
        three = zip(self._board, self._settings, self._ports, strict=True)
        return tuple(
            PortReport(name=board.name, mode=one.mode, state=port.state, trouble=port.trouble)
            for board, one, port in three
        )

    async def _start(self, places: Sequence[int]) -> None:
        group = self._group
        if group is not None:
            starting = (self._ports[place].start(group, self._settings[place]) for place in places)
            await asyncio.gather(*starting)
