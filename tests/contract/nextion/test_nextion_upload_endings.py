"""Uploads that end otherwise: the display, the client or the port is not what it should be."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from nextion_world import BEGIN, World, pieces, program, stepped
from test_nextion_vectors import VECTORS

from evsed.errors import BrokenUpload, DisplayError

WORDS = VECTORS["base_state"]
RATE = 115200
COMOK = b"comok 1,101,NX4024T032_011R,52,61488,D264B8204F0E1828,16777216\xff\xff\xff"


async def _refused(world: World, length: int, body: bytes, match: str) -> None:
    with pytest.raises(DisplayError, match=match):
        await world.display.upload(length, RATE, pieces(body))


def test_a_file_that_says_another_length_does_not_touch_the_display() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            await _refused(world, 5000, program(6000)[:5000], "says it has 6000 bytes")
            await _refused(world, 50, bytes(50), "too short")
            await _refused(world, 0, b"", "too short")
            assert world.port.events == []

    stepped(story)


@pytest.mark.parametrize("offset", [1, 4095, 8193, 2**32 - 1])
def test_an_offset_behind_or_beyond_the_rest_is_refused(offset: int) -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            upload = asyncio.ensure_future(world.display.upload(8192, RATE, pieces(program(8192))))
            await asyncio.sleep(0.4)
            world.feed(b"\x05")
            await asyncio.sleep(0.5)
            world.feed(b"\x08" + offset.to_bytes(4, "little"))
            with pytest.raises(DisplayError, match=f"go on at {offset}"):
                await upload

    stepped(story)


@pytest.mark.parametrize("answer", [0x00, 0x06, 0x1A, 0xFF])
@pytest.mark.parametrize("block", [0, 1, 2])
def test_a_wrong_answer_ends_an_upload(answer: int, block: int) -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            upload = asyncio.ensure_future(world.display.upload(8192, RATE, pieces(program(8192))))
            for _ in range(block):
                await asyncio.sleep(0.5)
                world.feed(b"\x05")
            await asyncio.sleep(0.5)
            world.feed(bytes([answer]))
            with pytest.raises(DisplayError, match=f"{answer:#04x}"):
                await upload
            assert world.port.take().endswith(BEGIN)

    stepped(story)


def test_a_display_that_babbles_during_an_upload_costs_no_memory() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            upload = asyncio.ensure_future(world.display.upload(8192, RATE, pieces(program(8192))))
            await asyncio.sleep(0.1)
            for _ in range(1000):
                world.feed(b"x" * 4096)
            assert len(world.session._inbox._bytes) <= 64
            upload.cancel()
            await asyncio.wait({upload})

    stepped(story)


def test_what_the_display_said_before_does_not_count_as_an_answer() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            upload = asyncio.ensure_future(world.display.upload(1000, RATE, pieces(program(1000))))
            await asyncio.sleep(0.2)
            world.feed(b"\x1a\xff\xff\xff")
            await asyncio.sleep(0.2)
            world.feed(b"\x05")
            await asyncio.sleep(0.2)
            world.feed(b"\x05")
            await upload

    stepped(story)


def test_the_display_goes_on_until_the_first_block_is_there() -> None:
    async def slow() -> AsyncIterator[bytes]:
        await asyncio.sleep(10)
        yield program(1000)

    async def story() -> None:
        async with World(WORDS) as world:
            upload = asyncio.ensure_future(world.display.upload(1000, RATE, slow()))
            await asyncio.sleep(1)
            world.feed(b"sub en\xff\xff\xff")
            assert await world.sent(0.1) == b"en.val=1\xff\xff\xff"
            upload.cancel()
            await asyncio.wait({upload})
            assert world.port.events == []

    stepped(story)


def test_a_client_that_stalls_is_taken_for_gone() -> None:
    async def stalling() -> AsyncIterator[bytes]:
        yield program(9000)[:4096]
        await asyncio.sleep(1000)

    async def story() -> None:
        async with World(WORDS) as world:
            upload = asyncio.ensure_future(world.display.upload(9000, RATE, stalling()))
            await asyncio.sleep(0.4)
            world.feed(b"\x05")
            await asyncio.sleep(0.5)
            world.feed(b"\x05")
            with pytest.raises(BrokenUpload, match="30 s"):
                await upload
            assert world.port.take().endswith(BEGIN)

    stepped(story)


def test_a_file_that_ends_early_is_broken_off() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            upload = asyncio.ensure_future(
                world.display.upload(9000, RATE, pieces(program(9000)[:6000]))
            )
            await asyncio.sleep(0.4)
            world.feed(b"\x05")
            await asyncio.sleep(0.5)
            world.feed(b"\x05")
            with pytest.raises(BrokenUpload, match="ended early"):
                await upload

    stepped(story)


def test_a_known_display_that_refuses_gets_the_older_instruction() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            asked = asyncio.ensure_future(world.display.info())
            await asyncio.sleep(0.01)
            world.feed(COMOK)
            assert await asked is not None
            world.port.take()
            upload = asyncio.ensure_future(
                world.display.upload(1000, 921600, pieces(program(1000)))
            )
            await asyncio.sleep(0.4)
            world.feed(b"\x1a\xff\xff\xff")
            await asyncio.sleep(0.4)
            older = b"whmi-wri 1000,921600,0\xff\xff\xff"
            assert world.port.events[1:] == [921600, 115200, older, 921600]
            world.port.events.clear()
            world.feed(b"\x05")
            await asyncio.sleep(0.1)
            world.feed(b"\x05")
            await upload
            assert world.port.events == [program(1000), 115200, BEGIN]

    stepped(story)


def test_a_cancelled_upload_leaves_the_port_as_it_was() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            upload = asyncio.ensure_future(
                world.display.upload(1000, 921600, pieces(program(1000)))
            )
            await asyncio.sleep(0.4)
            upload.cancel()
            await asyncio.wait({upload})
            assert upload.cancelled()
            assert world.port.events[-2:] == [115200, BEGIN]
            world.port.events.clear()
            world.feed(b"sub en\xff\xff\xff")
            assert await world.sent(0.1) == b"en.val=1\xff\xff\xff"

    stepped(story)


def test_the_rate_goes_back_when_the_last_block_is_out() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            upload = asyncio.ensure_future(
                world.display.upload(8192, 921600, pieces(program(8192)))
            )
            await asyncio.sleep(0.4)
            world.feed(b"\x05")
            await asyncio.sleep(0.01)
            upload.cancel()
            await asyncio.wait({upload})
            assert world.port.baud_rate == 115200
            assert not world.port.cut_off

    stepped(story)


def test_after_an_upload_the_new_program_subscribes_for_itself() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(b"sub power\xff\xff\xffsub en\xff\xff\xff")
            upload = asyncio.ensure_future(world.display.upload(1000, RATE, pieces(program(1000))))
            for _ in range(2):
                await asyncio.sleep(0.4)
                world.feed(b"\x05")
            await upload
            world.port.take()
            world.desk.words |= {"power": 1, "enabled": False}
            assert await world.sent(3) == b""
            world.feed(b"sub en\xff\xff\xff")
            assert await world.sent(0.1) == b"en.val=0\xff\xff\xff"

    stepped(story)


@pytest.mark.parametrize("waiting_for", ["the display", "the client"])
def test_closing_the_port_ends_an_upload(waiting_for: str) -> None:
    async def never() -> AsyncIterator[bytes]:
        await asyncio.sleep(1000)
        yield b""

    async def story() -> None:
        world = World(WORDS)
        world.session.opened(world.port)
        body = never() if waiting_for == "the client" else pieces(program(1000))
        upload = asyncio.ensure_future(world.display.upload(1000, RATE, body))
        await asyncio.sleep(1)
        began_s = asyncio.get_running_loop().time()
        await world.session.closed("the port was configured anew")
        with pytest.raises(DisplayError, match="closed"):
            await upload
        assert asyncio.get_running_loop().time() - began_s < 0.1
        assert BEGIN not in world.port.take()[len(BEGIN) :]

    stepped(story)


def test_a_port_that_takes_nothing_ends_an_upload() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.port.blocked = True
            await _refused(world, 1000, program(1000), "does not take")

    stepped(story)


def test_progress_goes_to_the_log_in_tenths(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "evsed.services.nextion")
    length = 40 * 4096

    async def story() -> None:
        async with World(WORDS) as world:
            upload = asyncio.ensure_future(
                world.display.upload(length, 921600, pieces(program(length)))
            )
            while not upload.done():
                await asyncio.sleep(0.3)
                world.feed(b"\x05")

    stepped(story)
    told = [line for line in caplog.messages if line.endswith("%")]
    assert told == [f"nextion: upload {percent} %" for percent in range(10, 101, 10)]


def test_while_a_file_passes_only_pieces_of_it_are_held() -> None:
    held: list[int] = []

    class Counted(bytes):
        alive = 0

        def __init__(self, *_: object) -> None:
            Counted.alive += 1

        def __del__(self) -> None:
            Counted.alive -= 1

    async def counted(body: bytes) -> AsyncIterator[bytes]:
        for begin in range(0, len(body), 4096):
            held.append(Counted.alive)
            yield Counted(body[begin : begin + 4096])

    async def story() -> None:
        async with World(WORDS) as world:
            length = 100 * 4096
            upload = asyncio.ensure_future(
                world.display.upload(length, 921600, counted(program(length)))
            )
            while not upload.done():
                await asyncio.sleep(0.3)
                world.feed(b"\x05")

    stepped(story)
    assert len(held) == 100
    assert max(held) <= 2
