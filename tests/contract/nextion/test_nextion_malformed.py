"""Whatever a display sends: the session lives, keeps little, and says little."""

import asyncio
import logging
import os
import random
import tracemalloc

import pytest
from nextion_world import World, stepped
from test_nextion_vectors import VECTORS

from evsed.services.nextion.commands import SETTINGS
from evsed.services.nextion.variables import VARIABLES

COUNT = int(os.environ.get("EVSED_FUZZ", "3000"))
WORDS = VECTORS["base_state"]
END = b"\xff\xff\xff"
FLAT_BYTES = 200_000

RIGHT = [
    *(f"sub {variable.name}".encode() for variable in VARIABLES),
    *(f"unsub {variable.name}".encode() for variable in VARIABLES),
    *(f"{row.command} {row.low}".encode() for row in SETTINGS),
    *(b"unsub", b"\x24", b"\x86", b"\x87", b"\x88", b"\x1a", b"e\x00\x01\x01", b"comok 1,2,3"),
]


def _flip(frame: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(frame))
    return frame[:place] + bytes([dice.randrange(256)]) + frame[place + 1 :]


def _malformed(dice: random.Random) -> bytes:
    right = dice.choice(RIGHT)
    return dice.choice(
        [
            lambda: dice.randbytes(dice.randrange(1, 40)),
            lambda: dice.randbytes(dice.randrange(1, 600)) + END,
            lambda: _flip(right, dice) + END,
            lambda: right[: dice.randrange(len(right))] + END,
            lambda: right + dice.randbytes(3) + END,
            lambda: right + b"9" * dice.randrange(400) + END,
            lambda: right + b"\xff" * dice.randrange(8),
            lambda: END * dice.randrange(5),
        ]
    )()


async def _feed(world: World, dice: random.Random, count: int) -> int:
    """Feed malformed input in pieces of any size; return the bytes that came back."""
    answered = 0
    for _ in range(count):
        data = _malformed(dice)
        cut = dice.randrange(len(data) + 1)
        world.session.received(data[:cut])
        world.session.received(data[cut:])
        await asyncio.sleep(dice.random() * 0.02)
        answered += len(world.port.take())
        world.desk.writes.clear()
    return answered


def test_malformed_input_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "evsed")
    dice = random.Random(11)  # noqa: S311  # the same input in every run

    async def story() -> None:
        async with World(WORDS) as world:
            loop = asyncio.get_running_loop()
            await _feed(world, dice, COUNT // 4)
            began_s, _ = loop.time(), tracemalloc.start()
            answered = await _feed(world, dice, COUNT - COUNT // 4)
            grown, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert grown < FLAT_BYTES
            assert answered < (loop.time() - began_s) * 115200 / 10
            minutes = 1 + (loop.time() - 1000) / 60
            assert len(caplog.messages) <= 6 * minutes
            caplog.clear()
            world.feed(END + b"unsub" + END + b"\x87" + END)
            await asyncio.sleep(0.5)
            world.port.take()
            world.feed(b"sub maxChCur" + END)
            assert await world.sent(0.1) == b"maxChCur.val=16" + END

    stepped(story)


def test_what_is_set_by_malformed_input_is_what_could_have_been_meant() -> None:
    dice = random.Random(12)  # noqa: S311  # the same input in every run

    async def story() -> None:
        async with World(WORDS) as world:
            for _ in range(COUNT // 3):
                frame = _flip(dice.choice([b"chCur 135", b"en 1", b"uPowerLim 300"]), dice)
                world.feed(frame + END)
            await asyncio.sleep(0.5)
            current = world.desk.words["chargingCurrent"]
            assert 6 <= current <= 16
            assert world.desk.words["underPowerLimit"] <= 999
            assert world.desk.words["available"] is True

    stepped(story)
