import asyncio
import json

import pytest

from evsed.services.rest.event_hub import MAX_BACKLOG_BYTES, MAX_STREAMS, EventHub, Topic


class World:
    """A picture that changes when a test says so, and a hub that watches it."""

    def __init__(self):
        self.picture = {"power": 0, "noise": 0}
        topic = Topic("state", lambda: dict(self.picture), restless=frozenset({"noise"}))
        self.hub = EventHub("b", {"appVersion": "v1"}, (topic,))
        self.dropped = 0

    def open(self, last_seen=None):
        return self.hub.open(last_seen, self.drop)

    def drop(self):
        self.dropped += 1


@pytest.fixture
def world():
    return World()


async def waiting(stream):
    """Return what waits in a stream, as (event, data) pairs; comments as (None, None)."""
    stream.end()
    return [read(data) async for data in stream.frames()]


def read(data):
    lines = dict(line.split(": ", 1) for line in data.decode().strip().split("\n"))
    return lines.get("event"), json.loads(lines["data"]) if "data" in lines else None


def names(events):
    return [name for name, _ in events if name]


async def test_a_stream_begins_with_greeting_and_full_picture(world):
    events = await waiting(world.open())
    assert events == [
        ("hello", {"bootId": "b", "resumed": False, "appVersion": "v1"}),
        ("state", {"power": 0, "noise": 0}),
    ]


async def test_a_change_is_sent_at_most_four_times_a_second(world):
    stream = world.open()
    for look in range(100):  # one second in steps of 10 ms, a change at each of them
        world.picture["power"] = look
        world.hub.look(look / 100)
    assert names(await waiting(stream)).count("state") == 1 + 4


async def test_the_picture_is_repeated_after_five_seconds_without_a_change(world):
    stream = world.open()
    world.hub.look(0)
    for tenth in range(1, 101):
        world.hub.look(tenth / 10)
    assert names(await waiting(stream)).count("state") == 1 + 3  # at 0, 5 and 10 s


async def test_a_restless_key_alone_is_no_news(world):
    stream = world.open()
    world.hub.look(0)
    world.picture["noise"] = 1
    world.hub.look(1)
    assert names(await waiting(stream)).count("state") == 2


async def test_a_comment_is_sent_every_fifteen_seconds(world):
    stream = world.open()
    for second in range(31):
        world.hub.look(second)
    assert [event for event in await waiting(stream) if event == (None, None)] == [(None, None)] * 3


async def test_who_resumes_hears_the_news_it_missed_and_the_present_picture(world):
    world.hub.config_changed("evse")
    world.hub.config_changed("modbus")
    events = await waiting(world.open("b-1"))
    assert names(events) == ["hello", "config", "state"]
    assert events[0][1]["resumed"] is True
    assert events[1][1] == {"name": "modbus"}


@pytest.mark.parametrize("last_seen", ["other-1", "b-99", "nonsense", ""])
async def test_an_unknown_id_begins_anew(world, last_seen):
    world.hub.config_changed("evse")
    events = await waiting(world.open(last_seen))
    assert names(events) == ["hello", "state"]
    assert events[0][1]["resumed"] is False


async def test_an_id_from_before_the_remembered_news_begins_anew(world):
    for _ in range(100):
        world.hub.config_changed("evse")
    assert (await waiting(world.open("b-1")))[0][1]["resumed"] is False
    assert len(await waiting(world.open("b-99"))) == 3


async def test_no_more_streams_are_opened_than_are_served(world):
    streams = [world.open() for _ in range(MAX_STREAMS)]
    assert all(streams)
    assert world.open() is None
    world.hub.leave(streams[0])
    assert world.open() is not None


async def test_a_client_that_does_not_read_is_dropped_after_its_backlog(world):
    stream = world.open()
    piece = b"x" * 1000
    for _ in range(MAX_BACKLOG_BYTES // len(piece) + 5):
        stream.put(piece)
    assert world.dropped == 1
    assert sum([len(data) async for data in stream.frames()]) <= MAX_BACKLOG_BYTES


async def test_goodbye_is_said_when_the_hub_is_taken_down(world):
    serving = asyncio.create_task(world.hub.serve())
    await asyncio.sleep(0)
    stream = world.open()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert names([read(data) async for data in stream.frames()])[-1] == "bye"
    assert world.open() is None


async def test_frames_are_yielded_as_they_come(world):
    stream = world.open()
    received = []

    async def listen():
        received.extend([data async for data in stream.frames()])

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    stream.put(b"late")
    stream.end()
    await listening
    assert received[-1] == b"late"
