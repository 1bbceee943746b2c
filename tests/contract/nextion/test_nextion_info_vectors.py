"""Recorded answers of displays that are asked who they are."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from nextion_world import World, stepped

VECTORS = json.loads((Path(__file__).parent / "nextion.json").read_text(encoding="utf-8"))
CONNECT = b"connect\xff\xff\xff"


def _name(case: dict[str, Any]) -> str:
    return str(case["name"])


def _cuts(answer: bytes, size: int) -> list[bytes]:
    return [answer[begin : begin + size] for begin in range(0, len(answer), size)]


async def _answer(world: World, answer: bytes, size: int) -> None:
    await asyncio.sleep(0.02)
    for piece in _cuts(answer, size):
        world.session.received(piece)
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("size", [1000, 1, 40], ids=["whole", "byte by byte", "in two parts"])
@pytest.mark.parametrize("case", VECTORS["info"], ids=_name)
def test_a_display_is_recognized_as_recorded(case: dict[str, Any], size: int) -> None:
    async def story() -> None:
        async with World(VECTORS["base_state"]) as world:
            asked = asyncio.ensure_future(world.display.info())
            await _answer(world, bytes.fromhex(case["rx_hex"]), size)
            assert world.port.take() == bytes.fromhex(case["tx_hex"]) == CONNECT
            info = await asked
            shown = info and {
                "model": info.model,
                "touch": info.touch,
                "flashSize": info.flash_size,
            }
            assert shown == case["json"]

    stepped(story)


@pytest.mark.parametrize(("usb", "low_s", "high_s"), [(False, 0.25, 0.3), (True, 1.0, 1.05)])
def test_a_silent_display_is_waited_for_longer_behind_an_adapter(
    usb: bool, low_s: float, high_s: float
) -> None:
    async def story() -> None:
        async with World(VECTORS["base_state"]) as world:
            world.port.usb = usb
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            assert await world.display.info() is None
            assert low_s <= loop.time() - began_s <= high_s

    stepped(story)


def test_pushes_stop_for_the_question_and_go_on_afterwards() -> None:
    async def story() -> None:
        async with World(VECTORS["base_state"]) as world:
            world.feed(b"sub chCur\xff\xff\xff")
            assert await world.sent(0.1) == b"chCur.val=160\xff\xff\xff"
            asked = asyncio.ensure_future(world.display.info())
            await asyncio.sleep(0)
            world.desk.words["chargingCurrent"] = 10.0
            world.feed(b"sub en\xff\xff\xff")
            assert await world.sent(0.2) == CONNECT
            assert await asked is None
            assert await world.sent(0.1) == b"en.val=1\xff\xff\xffchCur.val=100\xff\xff\xff"

    stepped(story)


def test_a_question_ends_when_the_port_closes() -> None:
    async def story() -> None:
        async with World(VECTORS["base_state"]) as world:
            asked = asyncio.ensure_future(world.display.info())
            await asyncio.sleep(0.01)
            began_s = asyncio.get_running_loop().time()
            await world.session.closed("unplugged")
            assert await asked is None
            assert asyncio.get_running_loop().time() - began_s < 0.01
            assert await world.display.info() is None

    stepped(story)


def test_half_a_frame_before_the_question_does_not_spoil_the_answer() -> None:
    async def story() -> None:
        async with World(VECTORS["base_state"]) as world:
            world.feed(b"half a frame")
            asked = asyncio.ensure_future(world.display.info())
            await _answer(world, bytes.fromhex(VECTORS["info"][0]["rx_hex"]), 1000)
            assert await asked is not None

    stepped(story)
