"""Files that are sent: streamed, limited in size and time, refused with the API's own codes."""

import asyncio

import pytest
from rest_services import Screen, Updates

from evsed.errors import DisplayError, UpdateError
from evsed.services.rest.display import MAX_PROGRAM_BYTES
from evsed.services.rest.firmware import MAX_PACKAGE_BYTES
from evsed.services.rest.uploads import PIECE_BYTES

FORM = "application/x-www-form-urlencoded"
FIRMWARE, DISPLAY = "firmware/upload", "nextion/upload"


@pytest.fixture
async def taking(serve):
    updates, screen = Updates(), Screen()
    async with serve(updater=updates, display=screen, upload_idle_s=0.5) as served:
        served.takers = {FIRMWARE: updates, DISPLAY: screen}
        yield served


async def send(served, path, data=b"x", kind="application/octet-stream", **more):
    headers = {"Content-Type": kind, **more}
    return await served.ask("POST", path, data=data, headers=headers)


async def dribble(served, path, head, body=b"", ending=True):
    """Send bytes as they are; return what comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.http.port)
    start = f"POST /api/v1/{path} HTTP/1.1\r\nHost: x\r\n{head}\r\n"
    writer.write(start.encode() + body)
    await writer.drain()
    if ending:
        await asyncio.sleep(0.1)
        writer.close()
        await writer.wait_closed()
        return b""
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("path", [FIRMWARE, DISPLAY])
@pytest.mark.parametrize("kind", ["application/octet-stream", FORM, "application/json"])
async def test_a_file_arrives_whole_and_in_pieces(taking, path, kind):
    data = bytes(range(256)) * 4000
    answer = await send(taking, path, data, kind)
    assert (answer.status, answer.text) == (200, "OK")
    taker = taking.takers[path]
    assert (taker.taken, taker.announced) == (data, len(data))
    assert max(len(piece) for piece in taker.pieces) <= PIECE_BYTES


@pytest.mark.parametrize("path", [FIRMWARE, DISPLAY])
async def test_a_form_is_no_file(taking, path):
    answer = await send(taking, path, b"x", "Multipart/Form-Data; boundary=x")
    assert (answer.status, taking.takers[path].pieces) == (415, [])


@pytest.mark.parametrize("path", [FIRMWARE, DISPLAY])
async def test_a_compressed_file_is_refused(taking, path):
    head = "Content-Length: 1\r\nContent-Encoding: gzip\r\n"
    assert b" 415 " in await dribble(taking, path, head, b"x", ending=False)


@pytest.mark.parametrize(
    ("path", "limit"), [(FIRMWARE, MAX_PACKAGE_BYTES), (DISPLAY, MAX_PROGRAM_BYTES)]
)
async def test_a_file_that_is_announced_too_large_is_not_read(taking, path, limit):
    head = f"Content-Length: {limit + 1}\r\n"
    assert b" 413 " in await dribble(taking, path, head, b"x", ending=False)
    assert taking.takers[path].pieces == []


async def test_a_package_need_not_be_announced(taking):
    async def pieces():
        yield b"some"
        yield b"thing"

    answer = await send(taking, FIRMWARE, pieces())
    assert (answer.status, taking.takers[FIRMWARE].announced) == (200, None)
    assert taking.takers[FIRMWARE].taken == b"something"


async def test_a_display_wants_to_know_the_length_first(taking):
    async def pieces():
        yield b"tft"

    assert (await send(taking, DISPLAY, pieces())).status == 411
    assert taking.takers[DISPLAY].pieces == []


@pytest.mark.parametrize(("path", "code"), [(FIRMWARE, 522), (DISPLAY, 532)])
async def test_an_upload_that_breaks_off_is_logged_with_its_code(taking, caplog, path, code):
    await dribble(taking, path, "Content-Length: 1000\r\n", b"x" * 300)
    for _ in range(100):
        await asyncio.sleep(0.02)
        if caplog.records:
            break
    assert f"{code}: the upload broke off after 300 of 1000 bytes" in caplog.text


@pytest.mark.parametrize("path", [FIRMWARE, DISPLAY])
async def test_an_upload_that_stalls_is_given_up(taking, path):
    answer = await dribble(taking, path, "Content-Length: 9\r\n", b"x", ending=False)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    ("path", "refusal", "line"),
    [
        (FIRMWARE, UpdateError(521, "disk full"), "521 Failed To Upgrade Firmware"),
        (FIRMWARE, UpdateError(523, "not ours"), "523 Invalid Firmware File"),
        (DISPLAY, DisplayError("no answer"), "531 Failed To Write Program"),
    ],
)
async def test_a_refusal_has_the_phrase_of_its_code(serve, path, refusal, line):
    takers = {"updater": Updates(refusal), "display": Screen(refusal)}
    async with serve(**takers) as served:
        answer = await dribble(served, path, "Content-Length: 1\r\n", b"x", ending=False)
        assert answer.startswith(f"HTTP/1.1 {line}\r\n".encode())
        shown = await send(served, path)
        assert (shown.status, shown.text) == (int(line[:3]), str(refusal))


@pytest.mark.parametrize(
    ("query", "rate"),
    [("", 921600), ("?baud-rate=2400", 2400), ("?baud-rate=115200", 115200)],
)
async def test_the_display_is_written_at_the_rate_that_is_asked_for(taking, query, rate):
    assert (await send(taking, f"{DISPLAY}{query}", b"tft")).status == 200
    assert taking.takers[DISPLAY].baud_rate == rate


@pytest.mark.parametrize(
    "rate", ["abc", "", "2399", "921601", "-9600", "9600.0", "%D9%A1", "9" * 5000, "1e5"]
)
async def test_a_rate_the_display_cannot_do_is_refused(taking, rate):
    answer = await send(taking, f"{DISPLAY}?baud-rate={rate}", b"tft")
    assert (answer.status, "baud-rate" in answer.text) == (400, True)


async def test_the_display_says_what_it_is(taking):
    assert (await taking.get("nextion/info")).json == {
        "model": "NX4832T035_011R",
        "touch": True,
        "flashSize": 16777216,
    }


async def test_a_version_that_cannot_be_looked_up_is_a_404_and_a_520(taking):
    assert (await taking.get("firmware/check-update")).status == 404
    answer = await taking.post("firmware/update")
    assert (answer.status, answer.text) == (520, "the server is down")


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("Content-Length: 3\r\n", b"HTTP/1.1 100 Continue"),
        ("Content-Length: 999999999\r\n", b"HTTP/1.1 413 "),
        ("Content-Length: 3\r\nContent-Type: multipart/form-data\r\n", b"HTTP/1.1 415 "),
    ],
)
@pytest.mark.parametrize("path", [FIRMWARE, DISPLAY])
async def test_a_client_that_asks_first_is_told_before_it_sends(taking, path, head, line):
    asking = f"{head}Expect: 100-continue\r\n"
    assert (await dribble(taking, path, asking, ending=False)).startswith(line)
