"""``python -m evsed.hardware.simulator.display``: a touch display without a display.

It makes a serial device, behaves like a display with the stock program on it, prints what it
shows and takes orders line by line.
"""

import argparse
import asyncio
import dataclasses
import os
import signal
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from evsed.hardware.simulator.display_device import EmulatedDisplay, Shown
from evsed.hardware.simulator.display_faults import DisplayFaults
from evsed.hardware.simulator.display_pages import STOCK_PAGES
from evsed.hardware.simulator.display_port import DisplayPort

_HELP: Final = f"""\
page NAME    open a page: {", ".join(STOCK_PAGES)}
press WORDS  send a command, as a button does: press chCur 100
show         print what the page shows
sleep        fall asleep
touch        wake by a touch
overflow     say that the input buffer ran over
power        switch off and on
fault NAME VALUE  {", ".join(field.name for field in dataclasses.fields(DisplayFaults))};
             VALUE: on, off or a number
quit
"""


class Console:
    """Orders for a display, line by line.

    Args:
        display: the display.
        say: prints a line.
    """

    def __init__(self, display: EmulatedDisplay, say: Callable[[str], None]) -> None:
        self._display = display
        self._say = say
        self._orders: Mapping[str, Callable[[str], None]] = {
            "page": self._page,
            "press": display.press,
            "show": self._show,
            "sleep": lambda _: display.fall_asleep(),
            "touch": lambda _: display.touch(),
            "overflow": lambda _: display.overflow(),
            "power": lambda _: display.power_up(),
            "fault": self._fault,
            "help": lambda _: say(_HELP),
        }
        display.on_change = self._changed

    def obey(self, line: str) -> bool:
        """Do what a line says; False when it was the last one."""
        word, _, rest = line.strip().partition(" ")
        if word == "quit":
            return False
        order = self._orders.get(word)
        if order is not None:
            order(rest)
        elif word:
            self._say("help?")
        return True

    def _page(self, name: str) -> None:
        if name in STOCK_PAGES:
            self._display.open_page(name)
        else:
            self._say(f"pages: {', '.join(STOCK_PAGES)}")

    def _show(self, _: str) -> None:
        self._say(f"page {self._display.page}{', asleep' if self._display.asleep else ''}")
        for name, value in self._display.shown.items():
            self._changed(name, value)

    def _fault(self, words: str) -> None:
        name, _, value = words.partition(" ")
        faults = self._display.faults
        if name not in {field.name for field in dataclasses.fields(faults)}:
            self._say("help?")
        elif value.isdecimal():
            setattr(faults, name, int(value))
        else:
            usual = getattr(DisplayFaults(), name)
            setattr(faults, name, True if value == "on" and usual is False else usual)

    def _changed(self, name: str, value: Shown) -> None:
        self._say(f"  {name} = {value}")


async def serve(link: Path | None) -> None:
    """Be a display until SIGTERM, SIGINT or the end of standard input."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    async with DisplayPort(link) as port:
        console = Console(port.display, _print)
        _print(f"a display at {port.device if link is None else link}; help lists the orders")
        orders = asyncio.create_task(_take_orders(console, end), name="display-orders")
        await end.wait()
        orders.cancel()
        await asyncio.gather(orders, return_exceptions=True)


async def _take_orders(console: Console, end: asyncio.Event) -> None:
    kind = os.fstat(sys.stdin.fileno()).st_mode
    if not (sys.stdin.isatty() or stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
        return  # nobody is there to give orders
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while line := await reader.readline():
            if not console.obey(line.decode(errors="replace")):
                break
        end.set()
    finally:
        transport.close()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the display."""
    parser = argparse.ArgumentParser(
        prog="python -m evsed.hardware.simulator.display",
        description="An emulated touch display on a pseudo terminal.",
    )
    parser.add_argument("--link", type=Path, help="where the serial device is to appear")
    options = parser.parse_args()
    asyncio.run(serve(options.link))
    return 0


if __name__ == "__main__":
    sys.exit(main())
