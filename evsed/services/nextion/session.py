"""A display at work on an open port. Source: nextion.md sections 1 and 5 to 8."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final, assert_never

from evsed.errors import DisplayError
from evsed.host.repeat_limiter import RepeatLimiter
from evsed.host.serial_port import Writer
from evsed.operations.operations import Operations
from evsed.operations.picture import Picture
from evsed.services.nextion.body import Body
from evsed.services.nextion.commands import (
    Act,
    Command,
    Refused,
    Subscribe,
    Unsubscribe,
    Write,
    command_in,
)
from evsed.services.nextion.feed import Feed
from evsed.services.nextion.inbox import Inbox
from evsed.services.nextion.line import Line
from evsed.services.nextion.model import ANSWER, ANSWER_BYTES, DisplayInfo, display_info
from evsed.services.nextion.protocol import CONNECT, START, WAKE, Code, FrameCutter, is_words
from evsed.services.nextion.steering import TICK_S, Steering
from evsed.services.nextion.upload import Upload, begin_program, switch
from evsed.services.nextion.variables import assignment

_INFO_S: Final = 0.25
_INFO_USB_S: Final = 1.0
#: what the port may need to get rid of the bytes of a broken upload
_LEFTOVERS_S: Final = 1.0

_log = logging.getLogger(__name__)


class NextionSession:
    """One open port with, perhaps, a display on it.

    All methods belong to the event loop. Times come from the running loop's clock.

    Args:
        operations: what is shown, and who is asked.
        read_only: settings and actions of the display are ignored.
        noticed: told this session, and True when it begins, False when it ends.
    """

    def __init__(
        self,
        operations: Operations,
        *,
        read_only: bool = False,
        noticed: "Callable[[NextionSession, bool], None]" = lambda *_: None,
    ) -> None:
        self._operations = operations
        self._read_only = read_only
        self._noticed = noticed
        self._loop = asyncio.get_running_loop()
        self._limiter = RepeatLimiter(clock=self._loop.time)
        self._cutter = FrameCutter()
        self._feed = Feed()
        self._steering = Steering(operations, self._settled, self._limiter)
        self._writer: Writer | None = None
        self._line: Line | None = None
        self._work: asyncio.Task[None] | None = None
        self._inbox: Inbox | None = None
        self._upload: asyncio.Task[None] | None = None
        self._question: asyncio.Future[bytes] | None = None
        self._asking = asyncio.Lock()
        self._identified = False
        #: what the frames of one read are answered from
        self._picture: Picture | None = None

    def opened(self, writer: Writer) -> None:
        """Restart the display, and serve it from now on."""
        self._writer = writer
        self._work = self._loop.create_task(self._serve(), name="nextion")
        self._work.add_done_callback(_report)
        self._begin(writer)
        self._noticed(self, True)

    def received(self, data: bytes) -> None:
        """Take what the display sent."""
        if self._inbox is not None:
            self._inbox.feed(data)
            return
        self._picture = None
        for frame in self._cutter.feed(data):
            self._take(frame)

    async def closed(self, reason: str) -> None:
        """End everything; a running upload fails."""
        self._writer = self._line = None
        self._noticed(self, False)
        tasks = [task for task in (self._work, self._upload) if task is not None]
        for task in tasks:
            task.cancel(reason)
        if self._question is not None and not self._question.done():
            self._question.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=0.1)

    async def info(self) -> DisplayInfo | None:
        """Ask the display who it is; None without a usable answer, or during an upload."""
        async with self._asking:
            writer, line = self._writer, self._line
            if writer is None or line is None or self._upload is not None:
                return None
            info = display_info(await self._ask(writer, line))
            self._identified = self._identified or info is not None
            return info

    async def upload(self, length: int, baud_rate: int, chunks: AsyncIterator[bytes]) -> None:
        """Write a program into the display; the session begins anew afterwards in any case.

        Raises:
            DisplayError: another upload runs, the display refused, or the port was closed.
            BrokenUpload: the program did not come to its end.
        """
        writer = self._writer
        if writer is None or self._upload is not None:
            raise DisplayError("another upload runs" if writer else "the port is closed")
        self._upload = self._loop.create_task(
            self._write_program(writer, length, baud_rate, Body(chunks)), name="nextion-upload"
        )
        try:
            await self._upload
        except asyncio.CancelledError:
            if self._writer is None:
                raise DisplayError("the port was closed") from None
            raise
        finally:
            self._upload = None

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._steering.run(), name="nextion-steering")
            tasks.create_task(self._push(), name="nextion-push")

    async def _push(self) -> None:
        next_s = self._loop.time()
        while True:
            next_s = max(next_s + TICK_S, self._loop.time())
            await asyncio.sleep(next_s - self._loop.time())
            line = self._line
            if line is not None and not (self._paused or self._feed.idle or line.busy):
                self._tick(line)

    def _tick(self, line: Line) -> None:
        now, now_s = self._operations.picture(), self._loop.time()
        if self._feed.wakes(now, now_s):
            line.send(WAKE)
        values = self._feed.values(now, now_s)
        if values and line.send(b"".join(assignment(*value) for value in values)):
            self._feed.sent(values, now_s)

    @property
    def _paused(self) -> bool:
        return self._question is not None or self._inbox is not None

    def _begin(self, writer: Writer) -> None:
        self._cutter.reset()
        self._feed = Feed()
        self._line = Line(writer, self._loop.time)
        self._line.send(START)

    def _take(self, frame: bytes) -> None:
        # Arriving one by one, the first of a longer run of ff would be the end: treat both alike.
        frame = frame.rstrip(b"\xff")
        command = command_in(frame)
        if command is not None:
            self._obey(command)
        elif self._question is not None and frame.startswith(ANSWER):
            if not self._question.done():
                self._question.set_result(frame)
        elif len(frame) == 1:
            self._hear(frame[0])
        elif is_words(frame):
            self._ignore("unknown", "nextion: not understood: %.40r", frame)

    def _obey(self, command: Command) -> None:
        match command:
            case Subscribe(name):
                self._subscribe(name)
            case Unsubscribe(name):
                self._feed.unsubscribe(name)
            case Refused(name):
                self._ignore("refused", "nextion: refused: %s out of range", name)
                self._settled(name, self._loop.time())
            case Write() | Act():
                self._steer(command)
            case _:
                assert_never(command)

    def _subscribe(self, name: str) -> None:
        if not self._feed.subscribe(name):
            self._ignore("unknown", "nextion: no variable %.40r", name)
            return
        if self._paused or self._line is None:
            return
        self._picture = now = self._picture or self._operations.picture()
        now_s = self._loop.time()
        for variable, value in self._feed.answer(name, now, now_s):
            data = assignment(variable, value)
            if self._line.room_for(data) and self._line.send(data):
                self._feed.sent([(variable, value)], now_s)

    def _steer(self, wish: Write | Act) -> None:
        if not self._read_only:
            self._steering.ask(wish)
            return
        word = wish.command if isinstance(wish, Write) else wish.action
        self._ignore("read-only", "nextion: %s ignored, the serial ports are read-only", word)
        self._settled(word, self._loop.time())

    def _settled(self, command: str, since_s: float) -> None:
        self._feed.correct(command, since_s)

    def _hear(self, code: int) -> None:
        match code:
            case Code.OVERFLOW:
                self._limiter.log(_log, logging.INFO, code, "nextion: the display is overrun")
                self._feed.overflowed(self._loop.time())
            case Code.FELL_ASLEEP:
                self._feed.fell_asleep(self._operations.picture().snapshot.state)
            case Code.WOKE | Code.READY:
                self._feed.woke()
            case code if code < Code.OVERFLOW:
                self._limiter.log(_log, logging.DEBUG, "code", "nextion: code %#04x", code)

    def _ignore(self, kind: str, message: str, *args: object) -> None:
        self._limiter.log(_log, logging.INFO, kind, message, *args)

    async def _ask(self, writer: Writer, line: Line) -> bytes:
        """Return the frame that answers ``connect``, empty without one."""
        limit_s = _INFO_USB_S if writer.usb else _INFO_S
        limit_s += line.seconds(len(CONNECT) + ANSWER_BYTES)
        self._question = self._loop.create_future()
        try:
            await writer.drained(limit_s)
            writer.discard_input()
            self._cutter.reset()
            line.send(CONNECT)
            async with asyncio.timeout(limit_s):
                return await self._question
        except TimeoutError:
            return b""
        except asyncio.CancelledError:
            if self._writer is None:
                return b""  # the port was closed
            raise
        finally:
            self._question = None

    async def _write_program(self, writer: Writer, length: int, baud_rate: int, body: Body) -> None:
        program = await begin_program(body, length)
        async with self._asking:
            self._inbox = inbox = Inbox()
        rate, identified = writer.baud_rate, self._identified
        try:
            await Upload(writer, inbox, program, baud_rate=baud_rate, identified=identified).run()
        finally:
            if self._writer is not None:
                await writer.drained(_LEFTOVERS_S)
            self._inbox = None
            if self._writer is not None:  # else the port is closed, and will open anew by itself
                switch(writer, rate)
                self._begin(writer)


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("nextion: the session failed", exc_info=error)
