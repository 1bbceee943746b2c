"""What nobody should send: the daemon stays alive, small, quiet, and on time.

The generator makes the same requests for the same seed; ``EVSED_FUZZ=100000`` sends as many.
"""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from daemon_world import Daemon, pair
from hostile_requests import hostile_requests

COUNT = int(os.environ.get("EVSED_FUZZ", "0")) or 600
SEED = 20261122
WARM_UP = min(COUNT, 5000)
AT_ONCE = 16
#: what a client waits for an answer before it goes
WAIT_S = 0.05
PATIENCE_S = 30

LIMIT = 51200
JSON = "Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def daemon():
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name, pair(Path(name)) as (_, daemon):
        yield daemon


def resident_bytes(daemon: Daemon) -> int:
    status = Path(f"/proc/{daemon.popen.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def settled_bytes(daemon: Daemon) -> int:
    """Return the memory after the next collection of garbage; the daemon does one every 5 s."""
    sizes = []
    until_s = time.monotonic() + 6
    while time.monotonic() < until_s:
        time.sleep(0.2)
        sizes.append(resident_bytes(daemon))
    return min(sizes)


async def send(port: int, data: bytes) -> None:
    """Send, read for a moment, go."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while await reader.read(65536):
                    pass
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def send_all(port: int, requests: Iterable[bytes]) -> None:
    waiting = iter(requests)

    async def worker() -> None:
        for data in waiting:
            await send(port, data)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


def test_malformed_requests_leave_the_daemon_alive_small_quiet_and_on_time(daemon, figure):
    asyncio.run(send_all(daemon.port, hostile_requests(SEED + 1, WARM_UP)))  # until it has its size
    lines, size = len(daemon.log.splitlines()), settled_bytes(daemon)
    before = daemon.get("/reason")["lateness"]
    asyncio.run(send_all(daemon.port, hostile_requests(SEED, COUNT)))
    after = daemon.get("/reason")["lateness"]
    said = daemon.log.splitlines()[lines:]
    growth = settled_bytes(daemon) - size
    passes = after["passes"] - before["passes"]
    late = after["over20ms"] - before["over20ms"]
    figure("requests", COUNT)
    figure("passes meanwhile", passes)
    figure("of these more than 5 ms late", after["over5ms"] - before["over5ms"])
    figure("of these more than 20 ms late", late)
    figure("worst since the start, us", (before["worst"], after["worst"]))
    figure("growth, bytes", growth)
    figure("log lines", len(said))
    assert daemon.get("/state")["errors"] is None
    assert late <= passes / 100
    assert growth < 5_000_000
    assert len(said) < 30 + passes / 50 / 60 * 12, said[-30:]
    assert "Traceback" not in "\n".join(said), said


async def answer(port: int, data: bytes | Iterable[bytes]) -> int:
    """Return the status of the answer, which may come before everything has been sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    pieces = [data] if isinstance(data, bytes) else data
    try:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        line = await asyncio.wait_for(reader.readline(), PATIENCE_S)
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return int(line.split()[1])


def post(body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return (
        f"POST /api/v1/state HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: {size}\r\n\r\n"
    ).encode() + body


def chunked(body: bytes) -> bytes:
    head = f"POST /api/v1/state HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n"
    pieces = (body[at : at + 4000] for at in range(0, len(body), 4000))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head.encode() + b"\r\n" + chunks + b"0\r\n\r\n"


def padded(size: int) -> bytes:
    return b'{"enabled":true}'.ljust(size)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(padded(LIMIT - 1)), 200),
        (post(padded(LIMIT)), 200),
        (post(padded(LIMIT + 1)), 413),
        (post(padded(10_000_000)), 413),
        (chunked(padded(LIMIT - 1)), 200),
        (chunked(padded(LIMIT)), 200),
        (chunked(padded(LIMIT + 1)), 413),
        (chunked(padded(1_000_000)), 413),
        (post(b"[" + b"1," * 100_000 + b"1]"), 413),
        (post(b"[" + b"1," * 25_000 + b"1]"), 400),
        (post(b"[" * 10_000 + b"]" * 10_000), 400),
        (post(b'{"a":' * 10_000), 400),
        (post(b"[" + b"{}," * 17_000 + b"{}]"), 400),
    ],
    ids=[
        "50 KiB - 1", "50 KiB", "50 KiB + 1", "10 MB", "chunked 50 KiB - 1", "chunked 50 KiB",
        "chunked 50 KiB + 1", "chunked 1 MB", "10^5 entries", "25000 entries", "nesting 10^4",
        "objects nested 10^4", "17000 objects",
    ],
)  # fmt: skip
def test_bodies_at_and_beyond_the_limit(daemon, request_bytes, status):
    assert asyncio.run(answer(daemon.port, request_bytes)) == status


async def crowd(port: int, beginning: bytes, count: int = 500) -> list[int]:
    """Open connections that begin and stall; then ask for state and page like anybody else."""
    opened = []
    try:
        for _ in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            opened.append(writer)
            writer.write(beginning)
        asked = [
            b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path
            for path in (b"/", b"/api/v1/state")
        ]
        return [await answer(port, line) for line in asked]
    finally:
        for writer in opened:
            writer.transport.abort()
        for writer in opened:
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET / HT", post(b"{", 1000), b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ids=["idle", "half a head", "half a body", "event streams"],
)
def test_500_clients_that_wait_keep_nobody_from_page_and_interface(daemon, beginning):
    assert asyncio.run(crowd(daemon.port, beginning)) == [200, 200]
