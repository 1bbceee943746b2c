"""A display at work: bursts, refusals, sleep, and how much goes out."""

import asyncio
import logging
import random

import pytest
from nextion_world import Port, World, stepped
from test_nextion_vectors import VECTORS

from evsed.errors import StorageError
from evsed.hardware.simulator.display_pages import STOCK_PAGES

WORDS = VECTORS["base_state"]
END = b"\xff\xff\xff"


def said(*commands: str) -> bytes:
    return b"".join(command.encode() + END for command in commands)


def test_a_burst_of_a_slider_is_one_write_with_its_newest_value() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            for tenths in range(60, 161):
                world.feed(said(f"chCur {tenths}"))
            world.feed(said("consumLim 25000", "chCur 145"))
            await asyncio.sleep(0.2)
            assert world.desk.writes == [
                [("consumptionLimit", 90000000), ("chargingCurrent", 14.5)]
            ]

    stepped(story)


def test_a_burst_of_several_reads_is_one_write() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            for tenths in range(100, 140):
                world.feed(said(f"chCur {tenths}"))
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.2)
            assert world.desk.writes == [[("chargingCurrent", 13.9)]]

    stepped(story)


def test_a_setting_shown_before_it_is_confirmed_is_not_shown_twice() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(said("sub chCur"))
            world.port.take()
            world.desk.pass_s = 0.2
            world.feed(said("chCur 100"))
            await asyncio.sleep(0.1)
            world.desk.words["chargingCurrent"] = 10.0
            assert await world.sent(0.5) == b"chCur.val=100" + END

    stepped(story)


def test_a_refused_setting_does_not_take_the_others_with_it() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(said("sub chCur", "sub en"))
            world.port.take()
            world.feed(said("en 0", "chCur 320", "uPowerLim 300"))
            sent = await world.sent(0.3)
            assert world.desk.effects == {"enabled": False, "underPowerLimit": 300}
            assert sent == b"en.val=0" + END + b"chCur.val=160" + END

    stepped(story)


@pytest.mark.parametrize("error", [TimeoutError(), StorageError("disk full")])
def test_a_station_that_does_not_take_a_setting_corrects_the_slider(error: Exception) -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.desk.fails = error
            world.feed(said("sub chCur"))
            world.port.take()
            world.feed(said("chCur 100"))
            assert await world.sent(0.2) == b"chCur.val=160" + END
            world.desk.fails = None
            world.feed(said("chCur 100"))
            assert await world.sent(0.2) == b"chCur.val=100" + END

    stepped(story)


@pytest.mark.parametrize(
    "number", ["", "on", "-60", "100x", "1.5", " 100", "20", "999999", "\u0661"]
)
def test_whatever_is_wrong_with_a_number_the_slider_is_corrected(number: str) -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(said("sub chCur"))
            world.port.take()
            world.feed(said(f"chCur {number}"))
            corrected = b"" if not number.isascii() else b"chCur.val=160" + END
            assert await world.sent(0.2) == corrected
            assert world.desk.writes == []

    stepped(story)


def test_read_only_means_shown_and_never_obeyed() -> None:
    async def story() -> None:
        async with World(WORDS, read_only=True) as world:
            world.feed(said("sub chCur", "sub en"))
            world.port.take()
            world.feed(said("chCur 100", "en 0", "avail 0", "auth", "reboot"))
            assert await world.sent(0.3) == b"en.val=1" + END + b"chCur.val=160" + END
            assert world.desk.effects == {}

    stepped(story)


def test_a_changed_value_goes_out_with_the_next_tick() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(said("sub state", "sub chCur"))
            await world.sent(0.3)
            for state in ("B1", "C1", "E"):
                world.desk.words["state"] = state
                assert await world.sent(0.06) == f'state.txt="{state}"'.encode() + END

    stepped(story)


def test_a_value_that_never_rests_goes_out_five_times_a_second() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(said("sub power", "sub curL1", "sub sesTime"))
            world.port.take()
            for step in range(200):
                world.desk.words |= {"power": 3680 + step, "current": [step, 0, 0]}
                await asyncio.sleep(0.01)
            sent = world.port.take()
            assert 9 <= sent.count(b"power.val=") <= 10
            assert 9 <= sent.count(b"curL1.val=") <= 10

    stepped(story)


def test_a_question_is_answered_from_the_present() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(said("sub en"))
            world.desk.words |= {"enabled": False, "chargingCurrent": 6.0}
            world.feed(said("sub en", "sub chCur"))
            sent = b"en.val=1" + END + b"en.val=0" + END + b"chCur.val=60" + END
            assert await world.sent(0.2) == sent

    stepped(story)


def test_the_order_within_a_tick_is_that_of_the_table() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(said("sub chCur", "sub en", "sub state"))
            world.port.take()
            world.desk.words |= {"chargingCurrent": 6.0, "enabled": False, "state": "B1"}
            sent = await world.sent(0.06)
            assert sent == b'state.txt="B1"' + END + b"en.val=0" + END + b"chCur.val=60" + END

    stepped(story)


async def _busy_seconds(world: World, seconds: int) -> list[int]:
    """Return the bytes of each of some seconds in which everything measured moves."""
    chance = random.Random(7)  # noqa: S311  # to be repeated
    counted = []
    for second in range(seconds):
        for _ in range(50):
            world.desk.words |= {
                "power": chance.randint(10_900, 11_100),
                "sessionTime": 40_000 + second,
                "chargingTime": 39_000 + second,
                "consumption": 40_000_000 + 11_040 * second,
                "totalConsumption": 12_345_678_900 + 11_040 * second,
            }
            await asyncio.sleep(0.02)
        counted.append(len(world.port.take()))
    return counted


def test_the_main_page_needs_a_third_of_the_slowest_line() -> None:
    async def story() -> None:
        async with World(WORDS, rate=9600) as world:
            world.feed(said("unsub", *(f"sub {name}" for name in STOCK_PAGES["main"])))
            await asyncio.sleep(0.5)
            world.port.take()
            counted = await _busy_seconds(world, 20)
            assert sum(counted) / len(counted) < 320
            assert max(counted) < 400

    stepped(story)


def test_on_a_line_that_is_too_slow_the_newest_values_win() -> None:
    async def story() -> None:
        async with World(WORDS, rate=300) as world:
            await asyncio.sleep(1)
            world.feed(said(*(f"sub {name}" for name in STOCK_PAGES["main"])))
            await asyncio.sleep(20)
            world.port.take()
            for step in range(1000):
                world.desk.words |= {"power": step, "sessionTime": step // 50}
                await asyncio.sleep(0.02)
            sent = world.port.take()
            assert len(sent) <= 30 * 20 + 300  # what the wire takes, and one tick on top
            last = int(sent.split(b"power.val=")[-1].split(END)[0])
            assert last > 1000 - 500

    stepped(story)


def test_while_the_port_is_stuck_nothing_is_queued() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(said("sub state"))
            world.port.take()
            world.port.pending = 10
            for state in ("B1", "C1", "A"):
                world.desk.words["state"] = state
                assert await world.sent(1) == b""
            world.port.pending = 0
            assert await world.sent(0.06) == b'state.txt="A"' + END

    stepped(story)


def test_more_questions_than_the_line_can_answer_are_answered_later() -> None:
    async def story() -> None:
        async with World(WORDS, rate=9600) as world:
            world.feed(said(*("sub en" for _ in range(500))))
            assert len(world.port.take()) <= 1024
            assert await world.sent(3) in {b"", b"en.val=1" + END}

    stepped(story)


def test_after_an_overflow_what_was_sent_in_the_last_second_is_sent_again() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(said("sub chCur"))
            await asyncio.sleep(1.2)
            world.feed(said("sub en", "sub maxChCur"))
            world.port.take()
            world.feed(b"\x24" + END)
            assert await world.sent(0.249) == b""
            assert await world.sent(0.06) == b"en.val=1" + END + b"maxChCur.val=16" + END

    stepped(story)


def test_what_is_subscribed_while_the_display_is_overrun_is_answered_later() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(b"\x24" + END + said("sub en"))
            assert await world.sent(0.24) == b""
            assert await world.sent(0.1) == b"en.val=1" + END

    stepped(story)


def test_an_overrun_display_is_not_woken_before_it_has_recovered() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(b"\x86" + END + b"\x24" + END)
            world.desk.words["state"] = "B1"
            assert await world.sent(0.24) == b""
            assert await world.sent(0.1) == b"sleep=0" + END

    stepped(story)


def test_a_display_that_subscribes_is_awake() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(b"\x86" + END + said("sub en"))
            world.port.take()
            world.desk.words |= {"enabled": False, "state": "B1"}
            assert await world.sent(0.1) == b"en.val=0" + END

    stepped(story)


def test_a_name_is_not_sent_again_when_it_changes() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(said("sub devName", "sub appVer"))
            world.port.take()
            world.desk.words |= {"deviceName": "another", "appVersion": "v9.9.9"}
            assert await world.sent(3) == b""
            world.feed(said("sub devName"))
            assert await world.sent(0.1) == b'devName.txt="another"' + END

    stepped(story)


def test_an_answer_waits_when_too_much_is_queued_before_it() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.port.pending = 1020
            world.feed(said("sub en"))
            assert world.port.take() == b""
            world.port.pending = 0
            assert await world.sent(0.1) == b"en.val=1" + END

    stepped(story)


def test_a_sleeping_display_is_woken_once_in_each_sleep() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            for _ in range(2):
                world.feed(b"\x86" + END)
                for state in ("B1", "C2", "B1"):
                    world.desk.words["state"] = state
                    await asyncio.sleep(0.2)
                assert world.port.take() == b"sleep=0" + END
                world.feed(b"\x87" + END)
                world.desk.words["state"] = "C2"
                assert await world.sent(0.2) == b""

    stepped(story)


@pytest.mark.parametrize("cut", [False, True])
def test_more_ff_than_needed_do_not_matter(cut: bool) -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            world.feed(b"\xffsub en" + END + b"\xff" + b"sub chCur\xff" + END + END, cut=cut)
            assert await world.sent(0.1) == b"en.val=1" + END + b"chCur.val=160" + END

    stepped(story)


def test_nonsense_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "evsed.services.nextion")

    async def story() -> None:
        async with World(WORDS) as world:
            for index in range(300):
                world.feed(said(f"nonsense {index}", f"sub nothing{index}", "chCur 1", "chCur x"))
                await asyncio.sleep(0.5)

    stepped(story)
    assert len(caplog.messages) == 6  # two kinds, at the beginning and after one and two minutes
    assert "more like this" in caplog.messages[-1]


def test_touches_and_numbers_of_the_display_are_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "evsed.services.nextion")

    async def story() -> None:
        async with World(WORDS) as world:
            for frame in (b"e012", b"f1", b"g12345", b"q1234", b"ptext", b"\x1a", b"\xfe"):
                world.feed(frame + END)

    stepped(story)
    assert caplog.messages == []


def test_the_display_is_where_it_was_opened_last() -> None:
    async def story() -> None:
        async with World(WORDS) as world:
            moved, port = world.display.session(), Port()
            moved.opened(port)
            await world.session.closed("moved to another port")
            port.take()
            assert await world.display.info() is None
            assert port.take() == b"connect" + END
            await moved.closed("the end")

    stepped(story)
