"""One serial port of the board: opens it, keeps its session, opens it again when it comes back.

Source: serial.md sections 4, 6 and 7.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from evsed.board.description import SerialPort
from evsed.errors import HardwareError
from evsed.host.serial_console import console_user
from evsed.host.serial_direction import OpenPin, Wiring
from evsed.host.serial_line import DeviceMissingError, Line, OpenLine, open_line
from evsed.host.serial_port import Session
from evsed.host.serial_transport import SESSION_FAILED, SerialTransport
from evsed.settings.serial import SerialSettings

Modes = Mapping[str, Callable[[], Session]]
LineOpener = Callable[[Line], OpenLine]

#: How soon a device that appears is noticed.
_LOOK_S: Final = 1.0
_RETRY_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_CONSOLE_RETRY_S: Final = 30.0
_FIRST_ATTEMPT_S: Final = 1.0

_log = logging.getLogger(__name__)


class PortState(StrEnum):
    """How a port stands."""

    CLOSED = "closed"
    OPEN = "open"
    WAITING = "waiting"


class _ConsoleError(HardwareError):
    """The system itself uses the device."""


class ManagedPort:
    """One port of the board.

    Args:
        board: the port as the board file has it.
        modes: what makes a session, by mode.
        opener: opens a device; another one in tests.
        open_pin: what opens a direction pin; None where there are none.
    """

    def __init__(
        self,
        board: SerialPort,
        modes: Modes,
        *,
        opener: LineOpener = open_line,
        open_pin: OpenPin | None = None,
    ) -> None:
        self._board, self._modes = board, modes
        self._opener, self._open_pin = opener, open_pin
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._ending = "stopped"
        self.state = PortState.CLOSED
        #: why it waits
        self.trouble = ""

    async def start(self, group: asyncio.TaskGroup, settings: SerialSettings) -> None:
        """Open the port for its mode; wait for the first attempt, however it ends."""
        make_session = self._modes.get(settings.mode)
        if make_session is None:
            if settings.mode != "none":
                _log.warning("serial %s: nothing serves mode %s", self._board.name, settings.mode)
            return
        self._tried.clear()
        run = self._run(self._line(settings), settings.mode, make_session)
        self._task = group.create_task(run, name=f"serial {self._board.name}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_ATTEMPT_S):
                await self._tried.wait()

    async def stop(self, reason: str) -> None:
        """Close session and device."""
        task, self._task = self._task, None
        if task is None:
            return
        self._ending = reason
        task.cancel()
        await asyncio.wait({task})
        self.state, self.trouble = PortState.CLOSED, ""
        _log.info("serial %s: closed", self._board.name)

    def _line(self, settings: SerialSettings) -> Line:
        port = self._board
        wiring = Wiring(
            direction=port.direction,
            gpio=port.direction_gpio,
            active_low=port.direction_active_low,
            open_pin=self._open_pin,
        )
        return Line(
            device=port.device,
            baud_rate=settings.baud_rate,
            data_bits=settings.data_bits,
            stop_bits=settings.stop_bits,
            parity=settings.parity,
            wiring=wiring if port.type == "rs485" else None,
        )

    async def _run(self, line: Line, mode: str, make_session: Callable[[], Session]) -> None:
        self._ending = "stopped"
        failures = 0
        while True:
            opened = await self._opened(line)
            self.state, self.trouble = PortState.OPEN, ""
            _log.info("serial %s: open, %s, mode %s", self._board.name, line, mode)
            why = await self._used(opened, make_session())
            failures = failures + 1 if why == SESSION_FAILED else 0
            await self._pause(line, HardwareError(why), failures)

    async def _used(self, opened: OpenLine, session: Session) -> str:
        """Run a session until the port fails; return why it did."""
        echoes = self._board.type == "rs485"
        transport = SerialTransport(opened, session, suppress_echo=echoes)
        transport.start()
        self._tried.set()
        try:
            why = await transport.failed
        except asyncio.CancelledError:
            await _to_the_end(transport.close(self._ending))
            raise
        self._wait_for(f"{opened.line.device}: {why}")
        await _to_the_end(transport.close(why))
        return why

    async def _opened(self, line: Line) -> OpenLine:
        attempt = 0
        while True:
            try:
                return await self._attempt(line)
            except HardwareError as error:
                self._wait_for(str(error))
                self._tried.set()
                attempt = await self._pause(line, error, attempt)

    async def _attempt(self, line: Line) -> OpenLine:
        """Open the device on a worker thread; one that is opened too late is closed again."""
        opening = asyncio.ensure_future(asyncio.to_thread(self._open, line))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            await _to_the_end(_give_back(opening))
            raise

    def _open(self, line: Line) -> OpenLine:
        user = console_user(line.device)
        if user is not None:
            raise _ConsoleError(f"{line.device}: {user}")
        return self._opener(line)

    async def _pause(self, line: Line, error: HardwareError, attempt: int) -> int:
        """Wait before the next attempt, but not when the device is another one by then."""
        if isinstance(error, _ConsoleError):
            await asyncio.sleep(_CONSOLE_RETRY_S)
            return attempt
        missing = isinstance(error, DeviceMissingError)
        pause_s = _LOOK_S if missing else _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
        before = _identity(line.device)
        while pause_s > 0:
            await asyncio.sleep(min(_LOOK_S, pause_s))
            pause_s -= _LOOK_S
            if _identity(line.device) != before:
                return 0
        return 0 if missing else attempt + 1

    def _wait_for(self, trouble: str) -> None:
        if self.state is not PortState.WAITING or self.trouble != trouble:
            _log.warning("serial %s: waiting: %s", self._board.name, trouble)
        self.state, self.trouble = PortState.WAITING, trouble


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Finish some work even when cancelled: a device that is left open is lost."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _identity(device: str) -> tuple[int, int, int] | None:
    try:
        found = Path(device).stat()
    except OSError:
        return None
    return found.st_rdev, found.st_ino, found.st_ctime_ns


async def _give_back(opening: "asyncio.Future[OpenLine]") -> None:
    """Close a device nobody wants any more, as soon as its opening has ended."""
    done, _ = await asyncio.wait({opening}, timeout=_FIRST_ATTEMPT_S)
    if not done:
        opening.add_done_callback(_close_late)
    elif opening.exception() is None:
        await asyncio.to_thread(opening.result().close)


def _close_late(opening: "asyncio.Future[OpenLine]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
