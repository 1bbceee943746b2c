"""A touch display with the stock program: bytes in, bytes out, and what it shows. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from evsed.hardware.simulator.display_faults import DisplayFaults
from evsed.hardware.simulator.display_pages import MAIN, STOCK_PAGES
from evsed.hardware.simulator.display_receiver import TAKEN, Receiver

END: Final = b"\xff\xff\xff"
#: what a real display answers to ``connect``
COMOK: Final = "comok 1,30614-0,NX4832T035_011R,130,61488,E46690B3C74D3E22,16777216"
DEFAULT_RATE: Final = 115200

_STARTED: Final = b"\x00\x00\x00"
_INVALID: Final = b"\x00"
_NO_COMPONENT: Final = b"\x1a"
_OVERFLOW: Final = b"\x24"
_FELL_ASLEEP: Final = b"\x86"
_WOKE: Final = b"\x87"
_READY: Final = b"\x88"
#: an instruction longer than this never gets an end
_LONGEST: Final = 1024

_ASSIGNMENT: Final = re.compile(rb'(\w+)\.(?:val=(-?\d+)|txt="((?:[^"\\]|\\.)*)")', re.DOTALL)
_UPLOAD: Final = re.compile(rb"whmi-wri(s?) (\d+),(\d+),\d")

Shown = int | str


class EmulatedDisplay:
    """The display. Its owner carries the bytes.

    Args:
        say: takes what the display sends.
        pages: variables each page subscribes to when it opens.
        comok: the answer to ``connect``.
    """

    def __init__(
        self,
        say: Callable[[bytes], None],
        *,
        pages: Mapping[str, tuple[str, ...]] = STOCK_PAGES,
        comok: str = COMOK,
    ) -> None:
        self._say = say
        self._pages = pages
        self._comok = comok
        self._begun = bytearray()
        self.faults = DisplayFaults()
        self.page = MAIN
        #: what the open page shows
        self.shown: dict[str, Shown] = {}
        self.asleep = False
        self.restarts = 0
        #: assignments that named nothing on the page
        self.lost = 0
        #: the upload that runs, and the one that was completed last
        self.receiver: Receiver | None = None
        self.received: Receiver | None = None
        #: called with name and value when something shown changes
        self.on_change: Callable[[str, Shown], None] = lambda *_: None

    def power_up(self) -> None:
        """Start: say so, then open the main page."""
        self.restarts += 1
        self.asleep, self.receiver = False, None
        self._begun.clear()
        self._send(_STARTED + END + _READY + END)
        self.open_page(MAIN)

    def open_page(self, name: str) -> None:
        """Show another page, which subscribes to what it shows."""
        self.page = name
        self.shown = {}
        commands = ["unsub", *(f"sub {variable}" for variable in self._pages[name])]
        self._send(b"".join(command.encode() + END for command in commands))

    def press(self, words: str) -> None:
        """Send a command, as a button or slider of the page does."""
        self._send(words.encode() + END)

    def fall_asleep(self) -> None:
        """Go to sleep, as after a while without a touch."""
        self.asleep = True
        self._send(_FELL_ASLEEP + END)

    def touch(self) -> None:
        """Wake by a touch."""
        self.asleep = False
        self._send(_WOKE + END)

    def overflow(self) -> None:
        """Say that bytes were lost because too many came."""
        self._send(_OVERFLOW + END)

    def take(self, data: bytes) -> None:
        """Take what the controller sent."""
        if self.faults.silent:
            return
        if self.receiver is not None:
            self._take_program(self.receiver, data)
            return
        self._begun += data
        while (end := self._begun.find(END)) >= 0:
            words = bytes(self._begun[:end])
            del self._begun[: end + len(END)]
            self._obey(words)  # an upload forgets what followed its instruction
        del self._begun[:-_LONGEST]

    def _take_program(self, receiver: Receiver, data: bytes) -> None:
        self._send(receiver.take(data))
        if receiver.done:
            self.received = receiver
            self.power_up()

    def _obey(self, words: bytes) -> None:
        if found := _ASSIGNMENT.fullmatch(words):
            self._assign(found[1].decode(), found[2], found[3])
        elif found := _UPLOAD.fullmatch(words):
            self._begin_upload(bool(found[1]), int(found[2]), int(found[3]))
        elif words == b"rest":
            self.power_up()
        elif words == b"connect":
            self._send(self._comok.encode() + END)
        elif words == b"sleep=0":
            if self.asleep:
                self.asleep = False
                self.open_page(self.page)  # a page that shows again subscribes again
        elif words and not words.startswith((b"dims=", b"DRAK")):
            self._send(_INVALID + END)

    def _assign(self, name: str, digits: bytes | None, text: bytes | None) -> None:
        if name not in self._pages[self.page]:
            self.lost += 1
            self._send(_NO_COMPONENT + END)
            return
        value: Shown = int(digits) if digits is not None else _unescaped(text or b"")
        if self.shown.get(name) != value:
            self.shown[name] = value
            self.on_change(name, value)

    def _begin_upload(self, newer: bool, length: int, baud_rate: int) -> None:
        if self.faults.refuse or (newer and self.faults.old):
            self._send(_NO_COMPONENT + END)
            return
        self.receiver = Receiver(length, baud_rate, self.faults, may_skip=newer)
        self._begun.clear()
        self._send(TAKEN)

    def _send(self, data: bytes) -> None:
        if not self.faults.silent and data:
            self._say(data)


def _unescaped(text: bytes) -> str:
    return re.sub(rb"\\(.)", rb"\1", text, flags=re.DOTALL).decode("utf-8", errors="replace")
