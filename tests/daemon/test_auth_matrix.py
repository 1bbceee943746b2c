"""Every path, every method: nobody without credentials, nobody with wrong ones.

The paths come from the running daemon's own description and from the folder of pages, so that what
is added later is tested without a change here. Requests that might change something say that they
come from a foreign page: what the credentials let pass, the guard behind them answers 403.
"""

import asyncio
import base64
import contextlib
import itertools
import re
import tempfile
from pathlib import Path

import pytest
from daemon_world import ROOT, Daemon, pair

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "LOCK", "BREW")
READING = ("GET", "HEAD", "OPTIONS", "PROPFIND")
USER, PASSWORD = "admin", "se:cret"
BESIDES = ("/", "/nothing", "/api", "/api/v1", "/api/v1/nothing", "/api/v2/state", "//", "/..%2f")
FILES = ("/dav", "/dav/", "/dav/usr/", "/dav/usr/lua/init.lua", "/dav/../api/v1/state")

#: At most five failures from one address are answered at once: each request has its own.
_sources = (f"127.1.{a}.{b}" for a, b in itertools.product(range(256), range(1, 255)))


def basic(user, password):
    return f"Authorization: Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.fixture(scope="module")
def daemon():
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name, pair(Path(name)) as (_, daemon):
        yield daemon


def paths(daemon: Daemon) -> list[str]:
    api = [
        re.sub("{[^}]*}", "any", f"/api/v1{path.removeprefix('/api/v1')}")
        for path in daemon.get("/openapi.json")["paths"]
    ]
    assert len(api) > 10
    web = ROOT / "evsed" / "web"
    pages = [f"/{file.relative_to(web).as_posix()}" for file in web.rglob("*") if file.is_file()]
    assert pages
    return [*BESIDES, *FILES, *api, *pages]


async def status(port: int, method: str, path: str, *headers: str) -> int:
    """Return the status of one answer; whatever follows it is not waited for."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(next(_sources), 0)
    )
    foreign = () if method in READING else ("Origin: http://evil.example",)
    lines = (f"{method} {path} HTTP/1.1", "Host: localhost", *headers, *foreign, "", "")
    try:
        writer.write("\r\n".join(lines).encode())
        line = await asyncio.wait_for(reader.readline(), 30)
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return int(line.split()[1])


def answers(port: int, all_paths: list[str], *headers: str) -> dict[tuple[str, str], int]:
    """Return the status of every method of every path."""
    asked = list(itertools.product(METHODS, all_paths))
    limit = asyncio.Semaphore(16)

    async def ask(method: str, path: str) -> int:
        async with limit:
            return await status(port, method, path, *headers)

    async def ask_all() -> list[int]:
        return await asyncio.gather(*(ask(*one) for one in asked))

    return dict(zip(asked, asyncio.run(ask_all()), strict=True))


def passed(found: dict[tuple[str, str], int]) -> None:
    """Check that the credentials have let everything pass, to the guard or beyond it."""
    for (method, path), code in found.items():
        if method in READING:
            refused = code == 401 or (code == 403 and ".." not in path)
            assert not refused, (method, path, code)
        else:
            assert code == 403, (method, path, code)
    assert found["GET", "/api/v1/state"] == found["GET", "/"] == 200
    assert found["GET", "/api/v1/nothing"] == 404


@pytest.fixture(scope="module")
def matrix(daemon):
    """Ask everything in all four situations."""
    port, everything = daemon.port, paths(daemon)
    found = {"disabled": answers(port, everything)}
    daemon.post("/credentials", {"user": USER, "password": PASSWORD})
    found["none"] = answers(port, everything)
    found["wrong"] = answers(port, everything, basic(USER, "se"))
    found["right"] = answers(port, everything, basic(USER, PASSWORD))
    return found


@pytest.mark.parametrize("situation", ["none", "wrong"])
def test_nothing_is_answered_but_401(matrix, situation):
    others = {asked: code for asked, code in matrix[situation].items() if code != 401}
    assert others == {}


@pytest.mark.parametrize("situation", ["right", "disabled"])
def test_the_credentials_stop_nobody_else(matrix, situation):
    passed(matrix[situation])


def test_the_daemon_is_as_well_as_before(matrix, daemon):
    assert matrix
    assert asyncio.run(status(daemon.port, "GET", "/api/v1/reason", basic(USER, PASSWORD))) == 200
    assert "Traceback" not in daemon.log
    assert PASSWORD not in daemon.log
