"""GET /events over a real socket: web-ui.md section 4."""

import asyncio
import contextlib
import json

import aiohttp
import pytest

from evsed.services.sessions.record import SessionRecord


async def next_event(answer):
    """Return the next event of a stream: its fields, with the data read; comments are skipped."""
    fields = {}
    while True:
        line = (await asyncio.wait_for(answer.content.readline(), 5)).decode().rstrip("\n")
        if not line and "event" in fields:
            fields["data"] = json.loads(fields["data"])
            return fields
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value


async def until(answer, event, **wanted):
    while True:
        found = await next_event(answer)
        if found["event"] == event and wanted.items() <= found["data"].items():
            return found


async def test_a_stream_begins_with_hello_and_the_state(full):
    async with full.client.get("/api/v1/events") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Accel-Buffering"] == "no"
        hello = await next_event(answer)
        assert hello["event"] == "hello"
        assert hello["data"]["bootId"]
        state = await next_event(answer)
        assert state["event"] == "state"
        assert list(state["data"]) == list((await full.get("state")).json)
        assert (await next_event(answer))["event"] == "detail"


async def test_changes_arrive_by_themselves(full):
    async with full.client.get("/api/v1/events") as answer:
        await full.post("simulator", {"vehicle": "charging"})
        await until(answer, "state", state="C2")
        await until(answer, "detail", reason="charging", contactorClosed=True)


async def test_a_changed_configuration_is_announced_and_an_unchanged_one_is_not(full):
    async with full.client.get("/api/v1/events") as answer:
        await full.post("config/evse", {"requireAuth": False})
        await full.post("config/evse", {"temperatureThreshold": 70})
        first = await until(answer, "config")
        assert first["data"] == {"name": "evse"}
        number = int(first["id"].rpartition("-")[2])
    async with full.client.get(
        "/api/v1/events", headers={"Last-Event-ID": f"{full.api.events._boot_id}-{number - 1}"}
    ) as again:
        assert (await next_event(again))["data"]["resumed"] is True
        assert (await next_event(again))["event"] == "config"


async def test_the_seventeenth_stream_is_asked_to_come_later(full):
    streams = [await full.client.get("/api/v1/events") for _ in range(16)]
    refused = await full.get("events")
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.type.startswith("text/plain")
    for stream in streams:
        stream.close()


async def test_a_client_that_left_makes_room(full):
    streams = [await full.client.get("/api/v1/events") for _ in range(16)]
    streams[0].close()
    for _ in range(100):
        await full.post("state/enabled", False)
        await full.post("state/enabled", True)
        if len(full.api.events._streams) < 16:
            break
        await asyncio.sleep(0.05)
    assert len(full.api.events._streams) == 15
    for stream in streams:
        stream.close()


async def test_a_client_that_does_not_read_is_dropped(full):
    reader, writer = await asyncio.open_connection("127.0.0.1", full.http.port, limit=1024)
    writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"event: hello")
    assert len(full.api.events._streams) == 1
    for _ in range(20_000):  # each some hundred bytes: more than any socket takes
        full.api.events.config_changed("x" * 2000)
        await asyncio.sleep(0)
        if not full.api.events._streams:
            break
    assert not full.api.events._streams
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_stopping_station_says_goodbye(full):
    async with full.client.get("/api/v1/events") as answer:
        await next_event(answer)
        full.api.events.close()
        await until(answer, "bye")
        assert await answer.content.read() == b""


async def test_who_only_asks_for_the_head_opens_no_stream(full):
    assert (await full.ask("HEAD", "events")).type == "text/event-stream"
    assert not full.api.events._streams


@pytest.mark.parametrize("last_seen", ["x", "deadbeef-3", "-1"])
async def test_a_strange_last_id_begins_anew(full, last_seen):
    headers = {"Last-Event-ID": last_seen}
    async with full.client.get("/api/v1/events", headers=headers) as answer:
        assert (await next_event(answer))["data"]["resumed"] is False


async def test_a_service_that_stops_takes_its_streams_along(serve):
    async with serve() as served, aiohttp.ClientSession() as outside:
        url = f"http://127.0.0.1:{served.http.port}/api/v1/events"
        answer = await outside.get(url)
        await next_event(answer)
    answer.close()


async def test_a_session_that_has_ended_is_told(full):
    row = SessionRecord(id=7, energy_ws=3600, ended="unplugged", faults="diode_short").row()
    async with full.client.get("/api/v1/events") as answer:
        full.api.session_ended(row)
        told = (await until(answer, "session"))["data"]
        assert (told["id"], told["energy"], told["errors"]) == (7, 3600, ["diode_short"])
