"""Many clients, and slow ones: whoever makes the service wait makes room for the others."""

import asyncio

import pytest
from door_world import HOST, serving

from evsed.services.http.connection import Waits


async def eventually(condition):
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("did not come true")


def patience(**seconds):
    return {Waits[name]: value for name, value in seconds.items()}


async def test_among_many_idle_connections_a_new_client_is_answered():
    async with serving(most=16) as world:
        idle = [await world.client() for _ in range(50)]
        assert (await world.ask("GET /state"))[0] == 200
        assert world.http._connections.count <= 16
        assert await idle[0].ended() == b""


@pytest.mark.parametrize(
    "beginning",
    [
        "GET /state HT",
        f"POST /state HTTP/1.1\r\n{HOST}Content-Length: 9\r\n\r\nabc",
        f"POST /state HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n",
        f"GET /large HTTP/1.1\r\n{HOST}\r\n",
    ],
    ids=["head", "body", "chunks", "reader"],
)
async def test_clients_that_stall_make_room_as_well(beginning):
    async with serving(most=4) as world:
        for _ in range(12):
            client = await world.client()
            client.writer.transport.pause_reading()
            client.send(beginning)
            await asyncio.sleep(0.01)
        assert (await world.ask("GET /state"))[0] == 200


async def test_handlers_at_work_are_left_alone():
    async with serving(most=2) as world:
        working = [await world.client() for _ in range(2)]
        for client in working:
            client.ask("GET /held")
        await eventually(lambda: waiting(world, Waits.US) == 2)
        late = await world.client()
        assert await late.ended() == b""
        world.routes.held.set()
        assert [await client.status() for client in working] == [200, 200]


def waiting(world, what):
    return sum(one.waits_for() is what for one in world.http._connections._open)


async def test_who_waits_longest_goes_first():
    async with serving(most=2) as world:
        first, second = await world.client(), await world.client()
        await eventually(lambda: world.http._connections.count == 2)
        first.ask("GET /state")
        assert await first.status() == 200
        await world.client()
        assert await second.ended() == b""
        first.ask("GET /state")
        assert await first.status() == 200


async def test_headers_that_do_not_come_are_408():
    async with serving(patience_s=patience(HEAD=0.1)) as world:
        client = await world.client()
        client.send("GET /state HTTP/1.1\r\nX-Slow: ")
        assert (await client.answer())[::2] == (408, "the headers did not arrive in time")
        assert await client.ended() == b""


async def test_headers_that_trickle_in_are_cut_off_as_well():
    async with serving(patience_s=patience(HEAD=0.2)) as world:
        client = await world.client()
        ended = asyncio.create_task(client.ended())
        while not ended.done():
            client.send("\r\n")
            await asyncio.wait({ended}, timeout=0.01)
        assert (await ended)[:12] in {b"HTTP/1.1 408", b""}  # nothing, where the reset is faster


@pytest.mark.parametrize(
    ("beginning", "limit"),
    [
        ("", "REQUEST"),
        (f"POST /state HTTP/1.1\r\n{HOST}Content-Length: 9\r\n\r\nabc", "BODY"),
        (f"POST /state HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\r\n", "BODY"),
    ],
)
async def test_who_says_nothing_for_too_long_is_disconnected(beginning, limit):
    async with serving(patience_s=patience(**{limit: 0.1})) as world:
        client = await world.client()
        client.send(beginning)
        assert await client.ended() == b""


async def test_who_does_not_read_is_disconnected():
    async with serving(patience_s=patience(READER=0.1)) as world:
        client = await world.client()
        client.writer.transport.pause_reading()
        client.ask("GET /large")
        await eventually(lambda: waiting(world, Waits.READER) == 1)
        await eventually(lambda: world.http._connections.count == 0)


async def test_a_slow_reader_who_goes_on_reading_gets_everything():
    async with serving(patience_s=patience(READER=1.5)) as world:
        client = await world.client()
        client.ask("GET /large")
        await client.reader.readuntil(b"\r\n\r\n")
        left = 20_000_000
        for _ in range(25):
            left -= len(await client.reader.readexactly(500_000))
            await asyncio.sleep(0.1)
        assert len(await client.reader.readexactly(left)) == left


async def test_a_flood_of_pipelined_requests_leaves_room_for_others():
    async with serving() as world:
        flood = await world.client()
        flood.send(f"GET /state HTTP/1.1\r\n{HOST}\r\n" * 5000)
        assert (await world.ask("GET /state"))[0] == 200
        assert [await flood.status() for _ in range(5000)] == [200] * 5000


async def test_what_is_sent_ahead_of_its_turn_waits_in_the_socket():
    async with serving() as world:
        client = await world.client()
        client.ask("GET /held")
        client.send(b"x" * 20_000_000)
        await eventually(lambda: waiting(world, Waits.US) == 1)
        await asyncio.sleep(0.2)
        (connection,) = world.http._connections._open
        assert len(connection._arrived) < 1_000_000
        world.routes.held.set()
        assert await client.status() == 200


async def test_event_streams_can_be_ended():
    async with serving() as world:
        listening, other = await world.client(), await world.client()
        listening.ask("GET /events")
        other.ask("GET /held")
        await listening.reader.readuntil(b": hello")
        world.http.close_streams()
        await listening.ended()
        world.routes.held.set()
        assert await other.status() == 200
