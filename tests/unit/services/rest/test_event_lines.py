"""Log lines on event streams: asked for, numbered, never more than a client can take."""

import json

import pytest

from evsed.services.log.ring import LogRing
from evsed.services.rest.event_hub import MAX_BACKLOG_BYTES, EventHub


class World:
    def __init__(self, capacity=2000):
        self.ring = LogRing(capacity)
        self.hub = EventHub("b", {}, (), {"log": self.ring})
        self.dropped = 0

    def open(self, *lines):
        return self.hub.open(None, self.drop, lines)

    def drop(self):
        self.dropped += 1

    def look(self):
        self.hub.look(0.0)


def taken_by(stream):
    """Take what waits; return the numbered lines in it."""
    found = []
    while stream._frames:
        data = stream._frames.popleft()
        stream._size -= len(data)
        fields = dict(line.split(": ", 1) for line in data.decode().strip().split("\n"))
        if fields.get("event") == "log":
            found += [(line["n"], line["line"]) for line in json.loads(fields["data"])]
    return found


@pytest.fixture
def world():
    return World()


async def test_a_client_that_asks_gets_the_log_and_then_each_new_line(world):
    world.ring.append("old")
    stream = world.open("log")
    world.look()
    assert taken_by(stream) == [(0, "old")]
    world.ring.append("new")
    world.look()
    assert taken_by(stream) == [(1, "new")]
    world.look()
    assert taken_by(stream) == []


async def test_a_client_that_does_not_ask_gets_no_lines(world):
    world.ring.append("old")
    stream = world.open()
    world.look()
    assert taken_by(stream) == []


async def test_a_whole_log_of_long_lines_is_fed_as_fast_as_it_is_read(world):
    for number in range(2000):
        world.ring.append(f"{number} " + "ü" * 2000)
    stream = world.open("log")
    found = []
    for _ in range(4000):
        world.look()
        assert stream._size <= MAX_BACKLOG_BYTES
        found += taken_by(stream)
    assert [number for number, _ in found] == list(range(2000))
    assert world.dropped == 0


async def test_a_client_that_does_not_read_is_not_filled_up_with_lines(world):
    stream = world.open("log")
    for number in range(10_000):
        world.ring.append(f"{number} " + "x" * 500)
        if number % 10 == 0:
            world.look()
    assert world.dropped == 0
    before = taken_by(stream)
    world.look()
    after = taken_by(stream)
    assert after[0][0] > before[-1][0] + 1  # the loss shows in the numbers
