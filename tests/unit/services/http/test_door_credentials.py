"""The one check for every door."""

import asyncio
import base64
import contextlib
import logging

import pytest
from door_world import serving

from evsed.services.http.credentials import CredentialsCheck

PERMITTED = "http://panel.lan:8123"


class FastStore:
    """Credentials without a file and without a slow hash; counts how often it was asked."""

    def __init__(self, user="", password=""):
        self.pair = (user, password)
        self.asked = self.looked = 0
        self.told = []
        self.was_asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()

    @property
    def active(self):
        return self.pair != ("", "")

    def on_change(self, told):
        self.told.append(told)

    def change(self, user, password):
        self.pair = (user, password)
        for told in self.told:
            told()

    async def look(self):
        self.looked += 1

    async def matches(self, user, password):
        self.asked += 1
        self.was_asked.set()
        pair = self.pair
        await self.may_answer.wait()
        return (user, password) == pair == self.pair


@pytest.fixture
def store():
    return FastStore("admin", "se:cret")


@contextlib.asynccontextmanager
async def guarded(store, webdav="inherit", **door):
    check = CredentialsCheck(store, webdav)
    async with serving(before=(check.check,), **door) as world:
        world.check = check
        yield world


@pytest.fixture
async def world(store):
    async with guarded(store) as world:
        yield world


def basic(pair):
    return f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}"


RIGHT = basic("admin:se:cret")
WRONG = basic("admin:other")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "BREW", "PROPFIND"])
@pytest.mark.parametrize("path", ["/state", "/dav/x", "/nothing", "/events", "/"])
async def test_without_credentials_every_door_says_401(world, method, path):
    status, headers, body = await world.ask(f"{method} {path}")
    assert (status, body) == (401, "Bad credentials")
    assert headers["www-authenticate"] == 'basic realm="users"'
    assert headers["content-type"].startswith("text/plain")


async def test_head_is_no_way_in(world):
    client = await world.client()
    client.ask("HEAD /state")
    assert b" 401 " in await client.reader.readline()


async def test_the_right_ones_open_every_door(world):
    assert (await world.ask("GET /state", RIGHT))[0] == 200
    assert (await world.ask("GET /nothing", RIGHT))[0] == 404
    assert (await world.ask("PUT /state", RIGHT))[0] == 405


@pytest.mark.parametrize(
    "header",
    [
        WRONG,
        basic("admin:se:cret "),
        basic("admin"),
        basic(":"),
        "Authorization: Bearer x",
        "Authorization: Basic",
        f"{RIGHT}\r\n{RIGHT}",
        RIGHT + "=",
    ],
)
async def test_anything_else_is_401(world, header):
    assert (await world.ask("GET /state", header))[0] == 401


async def test_a_poll_costs_one_slow_comparison(world, store):
    for _ in range(20):
        assert (await world.ask("GET /state", RIGHT))[0] == 200
    assert store.asked == 1


async def test_equal_requests_at_once_cost_one_slow_comparison(world, store):
    answers = await asyncio.gather(*(world.ask("GET /state", RIGHT) for _ in range(10)))
    assert {status for status, _, _ in answers} == {200}
    assert store.asked == 1


async def test_a_wrong_header_that_is_repeated_costs_one_as_well(world, store):
    for _ in range(4):
        assert (await world.ask("GET /state", WRONG))[0] == 401
    assert store.asked == 1


async def test_a_new_password_holds_from_the_next_request_on(world, store):
    assert (await world.ask("GET /state", RIGHT))[0] == 200
    assert (await world.ask("GET /state", WRONG))[0] == 401
    store.change("admin", "other")
    assert (await world.ask("GET /state", RIGHT))[0] == 401
    assert (await world.ask("GET /state", WRONG))[0] == 200


async def test_a_change_while_a_password_is_compared_is_noticed(world, store):
    store.may_answer.clear()
    asking = asyncio.create_task(world.ask("GET /state", WRONG))
    await asyncio.wait_for(store.was_asked.wait(), 10)
    store.change("admin", "other")
    store.may_answer.set()
    assert (await asking)[0] == 200


async def test_without_credentials_set_everything_is_open(world, store):
    store.change("", "")
    assert (await world.ask("GET /state"))[0] == 200
    assert (await world.ask("GET /state", WRONG))[0] == 200


async def test_after_five_failures_the_answers_take_a_second_but_not_for_the_right_ones(world):
    loop = asyncio.get_running_loop()
    for number in range(5):
        await world.ask("GET /state", basic(f"admin:{number}"))
    began = loop.time()
    late = [asyncio.create_task(world.ask("GET /state", basic(f"admin:x{n}"))) for n in range(3)]
    await asyncio.sleep(0.05)
    assert (await world.ask("GET /state", RIGHT))[0] == 200
    assert not any(task.done() for task in late)
    assert {status for status, _, _ in await asyncio.gather(*late)} == {401}
    assert loop.time() - began >= 0.99


async def test_no_credentials_at_all_are_no_failure(world):
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(12):
        assert (await world.ask("GET /state"))[0] == 401
    assert loop.time() - began < 5
    assert not world.check._failures._known


async def test_a_body_is_not_invited_from_strangers(world):
    client = await world.client()
    client.ask("POST /state", "Expect: 100-continue", "Content-Length: 5", WRONG)
    assert await client.status() == 401
    assert world.routes.bodies == []


async def test_failures_leave_one_line_and_never_the_password(world, caplog):
    with caplog.at_level(logging.DEBUG):
        for number in range(5):
            await world.ask("GET /state", basic(f"admin:guess{number}"))
    lines = [record.message for record in caplog.records if "127.0.0.1" in record.message]
    assert lines == ["credentials: wrong ones from 127.0.0.1"]
    assert "guess" not in caplog.text


@pytest.mark.parametrize(
    ("policy", "request_line", "status"),
    [
        ("inherit", "GET /dav/x", 401),
        ("none", "GET /dav/x", 200),
        ("none", "PUT /dav/x", 200),
        ("none", "GET /davx", 401),
        ("none", "GET /state", 401),
        ("none", "GET /dav/../state", 200),
        ("none", "GET /state/../dav/x", 401),
        ("required", "GET /dav/x", 401),
    ],
)
async def test_files_may_be_left_open_by_the_administrator(store, policy, request_line, status):
    async with guarded(store, policy) as world:
        answer = await world.ask(request_line, "Content-Length: 0")
        assert answer[0] == status
        assert request_line != "GET /dav/../state" or answer[2] == "state"


@pytest.mark.parametrize(
    ("line", "status"), [("PUT /dav/x", 401), ("GET /dav/x", 200), ("POST /state", 200)]
)
async def test_required_refuses_changes_of_files_until_there_are_credentials(line, status):
    async with guarded(FastStore(), "required") as world:
        assert (await world.ask(line, "Content-Length: 0"))[0] == status


@pytest.mark.parametrize(("policy", "lines"), [("none", 1), ("inherit", 0)])
async def test_open_files_beside_credentials_are_warned_about(store, policy, lines, caplog):
    CredentialsCheck(store, policy)
    assert caplog.text.count("webdav.auth") == lines


async def test_host_matters_only_while_there_are_no_credentials(world, store):
    client = await world.client()
    strange = f"GET /state HTTP/1.1\r\nHost: rebound.example\r\n{RIGHT}\r\n\r\n"
    client.send(strange)
    assert await client.status() == 200
    store.change("", "")
    client.send(strange)
    status, _, body = await client.answer()
    assert status == 403
    assert "http.allowedHosts" in body


async def test_the_cross_site_guard_stands_behind_the_credentials(world):
    evil = "Origin: http://evil.example"
    assert (await world.ask("POST /state", evil, "Content-Length: 0"))[0] == 401
    assert (await world.ask("POST /state", evil, RIGHT, "Content-Length: 0"))[0] == 403


async def test_a_permitted_page_asks_beforehand_without_credentials(store):
    async with guarded(store, cors_origins=[PERMITTED]) as world:
        asks = "Access-Control-Request-Method: POST"
        status, headers, _ = await world.ask("OPTIONS /state", f"Origin: {PERMITTED}", asks)
        assert status == 204
        assert headers["access-control-allow-origin"] == PERMITTED
        assert "authorization" in headers["access-control-allow-headers"]
        assert (await world.ask("OPTIONS /state", "Origin: http://evil.example", asks))[0] == 401
        assert (await world.ask("POST /state", f"Origin: {PERMITTED}"))[0] == 401


async def test_a_permitted_page_may_write_and_read_the_answer(store):
    async with guarded(store, cors_origins=[PERMITTED]) as world:
        origin = f"Origin: {PERMITTED}"
        site = "Sec-Fetch-Site: cross-site"
        status, headers, _ = await world.ask(
            "POST /state", origin, site, RIGHT, "Content-Length: 0"
        )
        assert status == 200
        assert headers["access-control-allow-origin"] == PERMITTED
        assert headers["vary"] == "origin"
        assert (await world.ask("GET /nothing", origin, RIGHT))[1]["vary"] == "origin"


async def test_without_permission_no_answer_is_readable_elsewhere(world):
    for line in ("GET /state", "OPTIONS /state"):
        _, headers, _ = await world.ask(line, f"Origin: {PERMITTED}", RIGHT)
        assert not any(name.startswith("access-control") for name in headers)
