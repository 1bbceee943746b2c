"""What one connection may send, and in which order it is answered."""

import asyncio
import logging

import pytest
from door_world import HOST, serving


@pytest.fixture
async def world():
    async with serving() as world:
        yield world


@pytest.mark.parametrize("method", ["PATCH", "BREW", "get", "CONNECT", "TRACE", "M-SEARCH"])
async def test_a_method_nobody_offers_is_405_with_what_is_allowed(world, method):
    status, headers, body = await world.ask(f"{method} /state")
    assert (status, headers["allow"]) == (405, "get,head,post")
    assert body == "method not allowed here"


@pytest.mark.parametrize("method", ["GET", "POST", "BREW", "OPTIONS"])
@pytest.mark.parametrize("path", ["/nothing", "/state/", "//state", "/%0a", "http://x/nothing"])
async def test_an_unknown_path_is_404_whatever_the_method(world, method, path):
    assert (await world.ask(f"{method} {path}"))[::2] == (404, "no such resource")


async def test_the_absolute_form_is_served(world):
    assert (await world.ask("GET http://localhost/state"))[::2] == (200, "state")


async def test_pipelined_requests_are_answered_in_order(world):
    client = await world.client()
    client.send(f"GET /state HTTP/1.1\r\n{HOST}\r\nGET /no HTTP/1.1\r\n{HOST}\r\n" * 100)
    assert [await client.status() for _ in range(200)] == [200, 404] * 100


MIXED = (
    f"\r\n\r\nPOST /state HTTP/1.1\r\n{HOST}Content-Length: 7\r\n\r\n\r\n\r\nabc"
    f"POST /state HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n"
    "6\r\nx\r\n\r\nx\r\n0;ext\r\nTrailer: 1\r\n\r\n"
    f"BREW /state HTTP/1.1\r\n{HOST}\r\n\r\n"
    f"POST /state HTTP/1.1\r\n{HOST}Content-Length: 3\r\n\r\n\nxy"
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
async def test_however_the_bytes_arrive_each_request_gets_its_own_body(world, size):
    client = await world.client()
    for position in range(0, len(MIXED), size):
        client.send(MIXED[position : position + size])
        await client.writer.drain()
        await asyncio.sleep(0)
    assert [await client.status() for _ in range(4)] == [200, 200, 405, 200]
    assert world.routes.bodies == [b"\r\n\r\nabc", b"x\r\n\r\nx", b"\nxy"]


async def test_many_chunks_arrive_whole(world):
    client = await world.client()
    client.ask("POST /state", "Transfer-Encoding: chunked")
    client.send(b"2\r\n\r\n\r\n" * 5000 + b"0\r\n\r\n")
    assert (await client.answer())[::2] == (200, "10000 bytes")


MALFORMED = [
    "GET /\0 HTTP/1.1\r\n\r\n",
    f"GET / HTTP/1.1\r\n{HOST}X: a\0b\r\n\r\n",
    f"POST /state HTTP/1.1\r\n{HOST}Content-Length: -1\r\n\r\n",
    f"POST /state HTTP/1.1\r\n{HOST}Content-Length: x\r\n\r\n",
    f"POST /state HTTP/1.1\r\n{HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    f"POST /state HTTP/1.1\r\n{HOST}Content-Length: {10**30}\r\n\r\n",
    f"POST /state HTTP/1.1\r\n{HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "\x16\x03\x01\x02\x00\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/x\r\n\r\n",
    f"{'X' * 100} /state HTTP/1.1\r\n{HOST}\r\n",
]


@pytest.mark.parametrize("data", MALFORMED)
async def test_what_is_not_http_is_400_in_one_line_and_the_end(world, data):
    client = await world.client()
    client.send(data)
    status, headers, body = await client.answer()
    assert (status, headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert body == "this is not HTTP"
    assert headers["x-content-type-options"] == "nosniff"
    assert await client.ended() == b""


async def test_it_is_logged_once_however_often_it_happens(world, caplog):
    with caplog.at_level(logging.INFO):
        for _ in range(50):
            await world.ask("GET /\0")
    assert [record.message for record in caplog.records] == [
        "http: 127.0.0.1 sends what is not HTTP"
    ]


@pytest.mark.parametrize("line", ["GET /", "GET / HTTP/0.9", "GET / HTTP/2.0", "GET / HTTP/1.9"])
async def test_only_the_known_versions_are_spoken(world, line):
    client = await world.client()
    client.send(f"{line}\r\n\r\n")
    assert (await client.answer())[0] in {400, 505}


async def test_a_malformed_chunk_is_400_at_once_and_the_end(world):
    client = await world.client()
    client.ask("POST /state", "Transfer-Encoding: chunked", body="5\r\nhelloXX\r\n")
    assert (await client.answer())[::2] == (400, "the body is malformed or was cut off")
    await client.ended()
    assert world.routes.bodies == []


@pytest.mark.parametrize(
    "headers", ["X: " + "a" * 9000, "\r\n".join(["X-Y: " + "a" * 4000] * 10)], ids=["line", "all"]
)
async def test_headers_that_are_too_large_are_431(world, headers):
    client = await world.client()
    client.ask("GET /state", headers)
    assert (await client.answer())[0] == 431
    await client.ended()


async def test_a_packed_body_is_not_unpacked(world):
    status, _, _ = await world.ask(
        "POST /state", "Content-Encoding: gzip", "Content-Length: 5", body="hello"
    )
    assert status == 200
    assert world.routes.bodies == [b"hello"]


async def test_two_hosts_are_refused(world):
    assert (await world.ask("GET /state", "Host: evil.example"))[0] in {400, 403}


async def test_a_bug_is_500_without_a_traceback_for_the_client(world):
    assert (await world.ask("GET /bug"))[::2] == (500, "internal error")


async def test_a_body_is_invited_where_one_is_wanted(world):
    client = await world.client()
    client.ask("POST /state", "Expect: 100-continue", "Content-Length: 2")
    assert await client.status() == 100
    client.send("ok")
    assert (await client.answer())[::2] == (200, "2 bytes")


@pytest.mark.parametrize(
    ("line", "status"), [("POST /nothing", 404), ("PUT /state", 405), ("POST /picky", 413)]
)
async def test_a_body_is_not_invited_in_vain(world, line, status):
    client = await world.client()
    client.ask(line, "Expect: 100-continue", "Content-Length: 5")
    assert await client.status() == status


async def test_other_expectations_are_417(world):
    assert (await world.ask("POST /state", "Expect: tea", "Content-Length: 0"))[0] == 417


async def test_a_client_that_goes_in_the_middle_is_not_worth_a_log_line(world, caplog):
    client = await world.client()
    client.ask("POST /state", "Content-Length: 100", body="some")
    await asyncio.sleep(0.05)
    client.writer.transport.abort()
    assert (await world.ask("GET /state"))[0] == 200
    assert caplog.records == []


async def test_a_client_that_goes_before_its_body_is_read_is_none_either(world, caplog):
    client = await world.client()
    client.ask("POST /late", "Content-Length: 100", body="some")
    await asyncio.sleep(0.05)
    client.writer.transport.abort()
    await asyncio.sleep(0.05)
    world.routes.held.set()
    assert (await world.ask("GET /state"))[0] == 200
    assert caplog.records == []


async def test_the_same_bug_leaves_one_traceback_a_minute(world, caplog):
    for _ in range(3):
        await world.ask("GET /bug")
    assert caplog.text.count("Traceback") <= 1
