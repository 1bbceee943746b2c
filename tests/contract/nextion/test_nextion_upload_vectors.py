"""Recorded uploads: what goes to the display, at which rate, and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nextion_world import BEGIN, World, program, stepped

from evsed.errors import BrokenUpload, DisplayError

VECTORS = json.loads((Path(__file__).parent / "nextion.json").read_text(encoding="utf-8"))
#: the others are answered before the display is asked; they are put to the running daemon
ON_THE_PORT = [case for case in VECTORS["upload"] if case["script"]]
DEFAULT_RATE = 921600
BLOCK = 4096
PATIENCE_S = 1.0


def _name(case: dict[str, Any]) -> str:
    return str(case["name"])


class Client:
    """Sends the body of a request, and goes away when told."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.held_after: int | None = None
        self.gone = asyncio.Event()

    async def pieces(self) -> AsyncIterator[bytes]:
        sent = 0
        for begin in range(0, len(self._body), 1000):
            if self.held_after is not None and begin >= self.held_after:
                await self.gone.wait()
                raise ConnectionResetError("connection lost")
            yield self._body[begin : begin + 1000]
            sent += 1000


class Display:
    """Plays the display's side of a script."""

    def __init__(self, world: World, body: bytes, *, cut: bool) -> None:
        self._world, self._body, self._cut = world, body, cut
        self._position = 0

    async def play(self, entry: dict[str, Any]) -> None:
        if "tx_hex" in entry:
            await self._expect(bytes.fromhex(entry["tx_hex"]))
        elif "tx_bytes" in entry:
            begin, self._position = entry["tx_bytes"]
            await self._expect(self._body[begin : self._position])
        elif "set_baud" in entry:
            await self._until_something()
            assert self._world.port.events.pop(0) == entry["set_baud"]
        elif "rx_hex" in entry:
            self._world.feed(bytes.fromhex(entry["rx_hex"]), cut=self._cut)
        elif "repeat" in entry:
            await self._to_the_end()
        else:
            await self._wait(entry["wait_ms"] / 1000)

    async def _to_the_end(self) -> None:
        while self._position < len(self._body):
            begin, self._position = self._position, min(self._position + BLOCK, len(self._body))
            await self._expect(self._body[begin : self._position])
            self._world.feed(b"\x05")

    async def _wait(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s - 0.05)
        assert self._world.port.events == []

    async def _expect(self, data: bytes) -> None:
        events = self._world.port.events
        await self._until_something()
        sent = events[0]
        assert isinstance(sent, bytes), sent
        assert sent[: len(data)] == data
        if len(sent) > len(data):
            events[0] = sent[len(data) :]
        else:
            events.pop(0)

    async def _until_something(self) -> None:
        give_up_s = asyncio.get_running_loop().time() + PATIENCE_S
        while not self._world.port.events:
            assert asyncio.get_running_loop().time() < give_up_s, "nothing was sent"
            await asyncio.sleep(0.001)


def _status(upload: "asyncio.Task[None]") -> int:
    match upload.exception():
        case None:
            return 200
        case DisplayError():
            return 531
        case BrokenUpload():
            return 532
        case other:
            raise AssertionError(other)


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("case", ON_THE_PORT, ids=_name)
def test_an_upload_goes_as_recorded(case: dict[str, Any], cut: bool) -> None:
    length = case["content_length"]
    rate = int(case["query"].removeprefix("baud-rate=") or DEFAULT_RATE)

    async def story() -> None:
        async with World(VECTORS["base_state"]) as world:
            body = program(length)
            client, display = Client(body), Display(world, body, cut=cut)
            if any("event" in entry for entry in case["script"]):
                client.held_after = 5000
            upload = asyncio.ensure_future(world.display.upload(length, rate, client.pieces()))
            for entry in case["script"]:
                if "event" in entry:
                    client.gone.set()
                else:
                    await display.play(entry)
            await asyncio.wait({upload}, timeout=PATIENCE_S)
            assert _status(upload) == case["result"]["status"]
            assert (world.port.events, world.port.baud_rate) == ([], 115200)

    stepped(story)


def test_a_second_upload_does_not_disturb_the_first() -> None:
    async def story() -> None:
        async with World(VECTORS["base_state"]) as world:
            body = program(1000)
            first = asyncio.ensure_future(world.display.upload(1000, 115200, Client(body).pieces()))
            await asyncio.sleep(0.3)
            with pytest.raises(DisplayError, match="another upload"):
                await world.display.upload(1000, 115200, Client(body).pieces())
            sent = len(world.port.events[0])
            assert await world.display.info() is None
            assert len(world.port.events[0]) == sent
            world.feed(b"\x05")
            await asyncio.sleep(0.2)
            world.feed(b"\x05")
            await first
            assert world.port.take().endswith(body + BEGIN)

    stepped(story)


def test_without_a_port_there_is_no_display() -> None:
    async def story() -> None:
        world = World(VECTORS["base_state"])
        with pytest.raises(DisplayError, match="no serial port"):
            await world.display.upload(1000, 115200, Client(program(1000)).pieces())
        assert await world.display.info() is None

    stepped(story)
