"""Writes a program into a display, block by block. Source: nextion.md section 8."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from evsed.errors import DisplayError, HardwareError
from evsed.host.serial_port import Writer
from evsed.services.nextion.body import Body
from evsed.services.nextion.inbox import Inbox
from evsed.services.nextion.protocol import instruction

BLOCK: Final = 4096
#: where a program says how long it is, as four bytes, the lowest first
LENGTH_AT: Final = 0x3C

_TAKEN: Final = 0x05
_CONTINUE_AT: Final = 0x08
_UNKNOWN: Final = 0x1A
_ANSWER_S: Final = 5.0
_SETTLE_S: Final = 0.25
#: what a line may take longer than its rate says
_SLACK_S: Final = 5.0
_PREPARE: Final = instruction("dims=100") + instruction("sleep=0")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is worth disturbing the display for: its first block says so."""

    length: int
    first: bytes
    #: everything behind the first block
    body: Body


async def begin_program(body: Body, length: int) -> Program:
    """Read a program's first block, and compare what it says with its length.

    Raises:
        DisplayError: it is not a display's program, or only a part of one.
        BrokenUpload: it ended early.
    """
    first = await body.read(min(BLOCK, length))
    said = first[LENGTH_AT : LENGTH_AT + 4]
    if len(said) < 4:
        raise DisplayError("the file is too short for a program of a display")
    if (wanted := int.from_bytes(said, "little")) != length:
        raise DisplayError(f"the file says it has {wanted} bytes, {length} are sent")
    return Program(length, first, body)


class Upload:
    """One program on its way into the display.

    Args:
        writer: the port; left at whatever rate the upload has come to.
        inbox: what the display answers.
        program: what is written.
        baud_rate: the rate of the transfer.
        identified: the display has said who it is; if it does not know the newer instruction
            then, the older one is tried.
    """

    def __init__(
        self,
        writer: Writer,
        inbox: Inbox,
        program: Program,
        *,
        baud_rate: int,
        identified: bool,
    ) -> None:
        self._writer, self._inbox = writer, inbox
        self._program, self._length = program, program.length
        self._baud_rate = baud_rate
        self._session_rate = writer.baud_rate
        self._identified = identified
        self._told_percent = 0

    async def run(self) -> None:
        """Do it.

        Raises:
            DisplayError: the display refused, or did not answer.
            BrokenUpload: the file did not come to its end.
        """
        _log.info("nextion: upload of %d bytes at %d baud", self._length, self._baud_rate)
        await self._prepare()
        await self._start()
        await self._transfer(self._program.first)
        _log.info("nextion: upload done")

    async def _prepare(self) -> None:
        await self._send(_PREPARE)
        await asyncio.sleep(_SETTLE_S)
        self._forget_input()

    async def _start(self) -> None:
        answer = await self._ask(f"whmi-wris {self._length},{self._baud_rate},1")
        if answer == _UNKNOWN and self._identified:
            _log.info("nextion: an older display; without leaving out what it has already")
            await asyncio.sleep(_SETTLE_S)  # the rest of its answer
            self._forget_input()
            self._switch(self._session_rate)
            answer = await self._ask(f"whmi-wri {self._length},{self._baud_rate},0")
        if answer != _TAKEN:
            raise DisplayError(f"the display refused the upload with {answer:#04x}")

    async def _ask(self, words: str) -> int:
        await self._send(instruction(words))
        self._switch(self._baud_rate)
        return (await self._inbox.take(1, _ANSWER_S))[0]

    async def _transfer(self, block: bytes) -> None:
        position = 0
        while True:
            await self._send(block)
            position += len(block)
            offset = await self._acknowledged()
            if offset:
                position = await self._skip(position, offset)
            self._tell(position)
            if position == self._length:
                return
            block = await self._program.body.read(min(BLOCK, self._length - position))

    async def _acknowledged(self) -> int:
        """Return the offset at which the display wants to go on, 0 for the next block."""
        answer = (await self._inbox.take(1, _ANSWER_S))[0]
        if answer == _CONTINUE_AT:
            return int.from_bytes(await self._inbox.take(4, _ANSWER_S), "little")
        if answer != _TAKEN:
            raise DisplayError(f"the display answered {answer:#04x} to a block")
        return 0

    async def _skip(self, position: int, offset: int) -> int:
        if not position <= offset <= self._length:
            raise DisplayError(f"the display wants to go on at {offset}, {position} bytes are sent")
        await self._program.body.skip(offset - position)
        return offset

    async def _send(self, data: bytes) -> None:
        needed_s = len(data) * self._writer.bits_per_character / self._writer.baud_rate
        if not self._writer.write(data) or not await self._writer.drained(needed_s + _SLACK_S):
            raise DisplayError("the serial port does not take the bytes")

    def _switch(self, baud_rate: int) -> None:
        switch(self._writer, baud_rate)

    def _forget_input(self) -> None:
        self._writer.discard_input()
        self._inbox.clear()

    def _tell(self, position: int) -> None:
        percent = position * 10 // self._length * 10
        if percent > self._told_percent:
            self._told_percent = percent
            _log.info("nextion: upload %d %%", percent)


def switch(writer: Writer, baud_rate: int) -> None:
    """Put another rate in force, unless it is already.

    Raises:
        DisplayError: the port cannot do it.
    """
    if writer.baud_rate == baud_rate:
        return
    try:
        writer.set_baud_rate(baud_rate)
    except HardwareError as error:
        raise DisplayError(f"{baud_rate} baud: {error}") from error
