"""AT commands on one open port: echo, answers in order, pushes. Source: at.md."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from evsed.board.description import Board
from evsed.errors import EvsedError, RejectedError
from evsed.host.serial_port import Session, Writer
from evsed.operations.operations import Operations
from evsed.services.at.columns import described, written
from evsed.services.at.commands import Command, Wifi, commands_for
from evsed.services.at.protocol import (
    Form,
    Line,
    LineCutter,
    Piece,
    Request,
    find,
    message,
    parse,
    split,
)
from evsed.services.at.subscriptions import Subscriptions, Timers

_READY: Final = b"\n\nRDY\n"
_OK, _ERROR = "OK", "ERROR"
#: An answer up to this size is written in one piece, so that nothing comes between its lines.
_ONE_PIECE: Final = 4096
#: Pushes are left out while more than this waits: the next ones carry newer values.
_PUSH_BACKLOG: Final = 1024
#: How long lines are worked off before other tasks get their turn.
_TURN_S: Final = 0.002
_LOOK_FOR_ROOM_S: Final = 0.5
_LAST_ANSWER_S: Final = 0.05

_log = logging.getLogger(__name__)


def at_sessions(
    operations: Operations, board: Board, wifi: Wifi, *, read_only: bool = False
) -> Callable[[], Session]:
    """Return what makes a session for a port in mode ``at``."""
    commands = commands_for(board)
    return lambda: AtSession(operations, commands, wifi, read_only=read_only)


class AtSession:
    """One client from the opening of the port to its end.

    Args:
        operations: the charger.
        commands: by name, see ``commands_for``.
        wifi: the radio.
        read_only: refuse everything that changes something.
        timers: another clock than the event loop's, in tests.
    """

    def __init__(
        self,
        operations: Operations,
        commands: Mapping[str, Command],
        wifi: Wifi,
        *,
        read_only: bool = False,
        timers: Timers | None = None,
    ) -> None:
        self.operations, self.commands, self.wifi = operations, commands, wifi
        self._names = tuple(commands)
        self._read_only = read_only
        self._timers = timers
        self._cutter = LineCutter()
        self._arrived = asyncio.Event()
        self._echo = False
        #: what the line before was echoed with: its line feed may come later
        self._echoed = False
        self._writer: Writer | None = None
        self._subscriptions: Subscriptions | None = None
        self._worker: asyncio.Task[None] | None = None
        #: the line end of a command that is being carried out; None while there is none
        self._asking: bytes | None = None
        self._changing_ports = False

    def opened(self, writer: Writer) -> None:
        """Say that a fresh session begins."""
        self._writer = writer
        timers = self._timers or asyncio.get_running_loop()
        self._subscriptions = Subscriptions(timers, self._push)
        writer.write(_READY)
        self._worker = asyncio.create_task(self._work(), name="at")

    def received(self, data: bytes) -> None:
        """Take what arrived; it is answered in order, a slow command before the next one."""
        self._cutter.feed(data)
        self._arrived.set()

    async def closed(self, reason: str) -> None:
        """End the session; a command that closes its own port is still answered."""
        del reason
        if self._subscriptions is not None:
            self._subscriptions.stop()
        writer, end, worker = self._writer, self._asking, self._worker
        if end is not None and self._changing_ports and writer is not None:
            # The ports change because this command was accepted.
            writer.write(message(_OK, end))
        elif end is not None and worker is not None:
            await asyncio.wait({worker}, timeout=_LAST_ANSWER_S)
        self._writer = None
        if worker is not None and self._asking is None:
            worker.cancel()
            await asyncio.wait({worker})

    def echo(self, *, on: bool) -> None:
        """Send back what is received, or stop that."""
        self._echo = on

    def subscribe(self, name: str, period_ms: int) -> None:
        """Push what a command reads."""
        if self._subscriptions is not None:
            self._subscriptions.add(name, period_ms)

    def unsubscribe(self, name: str) -> None:
        """Stop pushing one, or all for an empty name."""
        if self._subscriptions is not None:
            self._subscriptions.remove(name)

    async def _work(self) -> None:
        clock = asyncio.get_running_loop().time
        turn_s = clock()
        while self._writer is not None:
            piece = self._cutter.cut()
            if piece is None:
                self._arrived.clear()
                await self._arrived.wait()
                turn_s = clock()
                continue
            await self._take(piece)
            if clock() - turn_s > _TURN_S:
                await asyncio.sleep(0)
                turn_s = clock()

    async def _take(self, piece: Piece) -> None:
        if not piece.late_end:
            self._echoed = self._echo
        if self._echoed and self._writer is not None:
            self._writer.write(piece.raw)
        if piece.line is not None and piece.line.text != b"":
            await self._answer(piece.line)

    async def _answer(self, line: Line) -> None:
        self._asking = line.end
        try:
            messages = await self._carried_out(line)
        finally:
            self._asking = None
            self._changing_ports = False
        await self._send([message(text, line.end) for text in messages])
        if self._writer is not None and self._subscriptions is not None:
            self._subscriptions.start()

    async def _carried_out(self, line: Line) -> list[str]:
        try:
            if line.text is None:
                return [_ERROR]
            return [*await self._asked(parse(line.text)), _OK]
        except (EvsedError, TimeoutError, OSError) as error:
            _log.debug("at: refused: %s", error)
        except Exception:  # noqa: BLE001  # one command must not end the session
            _log.exception("at: a command failed")
        return [_ERROR]

    async def _asked(self, request: Request) -> Sequence[str]:
        if not request.name:
            return ()
        command = self.commands[find(request.name, self._names)]
        if request.form.value not in command.forms:
            raise RejectedError(f"{command.name} has no such form")
        match request.form:
            case Form.READ:
                return command.messages(self.operations.picture())
            case Form.DESCRIBE:
                return (f"{command.name}={described(command.columns)}",)
        if self._read_only and not command.harmless:
            raise RejectedError("read-only")
        if command.run is not None:
            return await command.run(self)
        values = written(command.columns, split(request.argument))
        self._changing_ports = command.name.startswith("+SERIAL")
        if command.write is not None:
            await command.write(self, values)
        return ()

    async def _send(self, messages: Sequence[bytes]) -> None:
        whole = b"".join(messages)
        for piece in (whole,) if len(whole) <= _ONE_PIECE else messages:
            while self._writer is not None and not self._writer.write(piece):
                await self._writer.drained(_LOOK_FOR_ROOM_S)

    def _push(self, names: Sequence[str]) -> None:
        writer = self._writer
        if writer is None:
            return
        now = self.operations.picture()
        for name in names:
            if writer.pending > _PUSH_BACKLOG:
                return
            for text in self.commands[name].messages(now):
                writer.write(message(text))
