"""Through a real socket: the short ways must look exactly like the long one."""

import asyncio
import base64

import pytest
from aiohttp import web

from evsed.services.http.credentials import CredentialsCheck
from evsed.services.http.service import Door, HttpService
from evsed.services.rest.repeated import RepeatedAnswer
from evsed.settings.credentials import CredentialStore

ASK = b"GET /api/v1/state HTTP/1.1\r\nHost: 127.0.0.1\r\n"


class World:
    """A resource about one object, behind the door, and one raw connection to it."""

    def __init__(self, folder):
        self.thing = ["first"]
        self.encoded = self.handled = 0
        answers = RepeatedAnswer(lambda: self.thing, self.encode)

        async def get(_request):
            self.handled += 1
            return answers.response()

        self.credentials = CredentialStore(folder)
        check = CredentialsCheck(self.credentials)
        route = web.get("/api/v1/state", get)
        self.http = HttpService(Door(address="127.0.0.1", port=0), [route], before=(check.check,))
        self.credentials.on_change(self.http.close_streams)

    def encode(self, thing):
        self.encoded += 1
        return thing[0].encode()

    async def ask(self, more=b"", ask=ASK, *, body=True):
        """Return status line, headers and body of one answer."""
        self.writer.write(ask + more + b"\r\n")
        async with asyncio.timeout(5):
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")[:-2]
            headers = dict(line.split(": ", 1) for line in lines)
            length = int(headers["Content-Length"]) if body else 0
            return first, headers, await self.reader.readexactly(length)


def undated(answer):
    first, headers, body = answer
    return first, {**headers, "Date": ""}, body


@pytest.fixture
async def world(tmp_path):
    made = World(tmp_path)
    serving = asyncio.create_task(made.http.serve())
    await asyncio.wait_for(made.http.ready.wait(), 5)
    made.reader, made.writer = await asyncio.open_connection("127.0.0.1", made.http.port)
    yield made
    made.writer.close()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_every_way_gives_the_same_answer(world):
    answers = [await world.ask() for _ in range(50)]
    assert world.encoded == 1
    assert world.handled < 50  # the others were answered by the connection
    assert all(undated(answer) == undated(answers[0]) for answer in answers)
    first, headers, body = answers[0]
    assert (first, body) == ("HTTP/1.1 200 OK", b"first")
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"
    assert {"Content-Security-Policy", "X-Content-Type-Options", "Date"} <= set(headers)


async def test_another_connection_gets_the_bytes_that_were_made_already(world):
    expected = await world.ask()
    world.writer.close()
    world.reader, world.writer = await asyncio.open_connection("127.0.0.1", world.http.port)
    assert undated(await world.ask()) == undated(expected)
    assert (world.encoded, world.handled) == (1, 2)


async def test_a_change_is_seen_by_the_next_request(world):
    for word in ("second", "third", "a much longer fourth"):
        await world.ask()
        world.thing = [word]
        first, headers, body = await world.ask()
        assert (first, body) == ("HTTP/1.1 200 OK", word.encode())
        assert int(headers["Content-Length"]) == len(word)


async def test_credentials_that_are_set_meanwhile_are_asked_for_at_once(world):
    for _ in range(3):
        await world.ask()
    await world.credentials.save("admin", "secret")
    assert (await world.ask())[0] == "HTTP/1.1 401 Unauthorized"
    pair = base64.b64encode(b"admin:secret")
    login = b"Authorization: Basic " + pair + b"\r\n"
    for _ in range(3):
        assert (await world.ask(login))[0] == "HTTP/1.1 200 OK"
    await world.credentials.save("admin", "another")
    assert (await world.ask(login))[0] == "HTTP/1.1 401 Unauthorized"


async def test_an_accepted_request_does_not_open_the_door_to_others(world):
    await world.credentials.save("admin", "secret")
    login = b"Authorization: Basic " + base64.b64encode(b"admin:secret") + b"\r\n"
    for _ in range(3):
        assert (await world.ask(login))[0] == "HTTP/1.1 200 OK"
        assert (await world.ask())[0] == "HTTP/1.1 401 Unauthorized"


async def test_head_has_no_body_and_a_foreign_origin_is_not_given_the_short_way(world):
    full = await world.ask()
    head = await world.ask(ask=ASK.replace(b"GET", b"HEAD"), body=False)
    assert head[1]["Content-Length"] == "5"
    assert (await world.ask(b"Origin: http://elsewhere\r\n"))[2] == b"first"
    assert undated(await world.ask()) == undated(full)


async def test_an_old_client_is_told_that_the_connection_ends(world):
    await world.ask()
    first, _, body = await world.ask(ask=ASK.replace(b"1.1", b"1.0", 1))
    assert (first, body) == ("HTTP/1.0 200 OK", b"first")
    assert await asyncio.wait_for(world.reader.read(), 5) == b""


async def test_requests_sent_ahead_are_answered_in_order(world):
    await world.ask()
    world.writer.write((ASK + b"\r\n") * 3 + ASK)
    assert (await world.ask(ask=b""))[2] == b"first"
    async with asyncio.timeout(5):
        for _ in range(3):
            head = await world.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert await world.reader.readexactly(5) == b"first"
