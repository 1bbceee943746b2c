"""An emulated display on a pseudo terminal, living on a thread of its own beside a test."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from daemon_world import BOARD

from evsed.hardware.simulator.display_device import EmulatedDisplay
from evsed.hardware.simulator.display_port import DisplayPort

T = TypeVar("T")

UART = {"baudRate": 115200, "dataBits": "8", "stopBits": "1", "parity": "disable"}
OTHER = UART | {"mode": "none"}


def board_with(device: Path, folder: Path) -> Path:
    """Return the simulated charger's board file, its first serial port being a device."""
    board = yaml.safe_load(BOARD.read_text(encoding="utf-8"))
    board["serials"][0]["device"] = str(device)
    file = folder / "board.yaml"
    file.write_text(yaml.safe_dump(board), encoding="utf-8")
    return file


class LivingDisplay:
    """The display; what is asked of it is done on its own thread."""

    def __init__(self, link: Path) -> None:
        self._port = DisplayPort(link)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="display")

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._port.__aenter__(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        leaving = self._port.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(leaving, self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, what: Callable[[EmulatedDisplay], T]) -> T:
        """Return what something says that is done with the display."""

        async def done() -> T:
            return what(self._port.display)

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.do(lambda display: display._say(data))

    @property
    def shown(self) -> dict[str, Any]:
        return self.do(lambda display: dict(display.shown))

    @property
    def heard_bytes(self) -> int:
        return self.do(lambda _: self._port.heard_bytes)

    @property
    def line_rate(self) -> int:
        return self.do(lambda _: self._port.baud_rate)
