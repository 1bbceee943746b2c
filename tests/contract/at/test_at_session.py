"""One session: order, echo, pushes, long and wrong input, its own port."""

import asyncio
import gc
import os
import random
import tracemalloc

import pytest
from at_world import Client, PaperWriter

from evsed.errors import StorageError
from evsed.services.at.session import at_sessions


@pytest.fixture
async def client(tmp_path):
    client = await Client(tmp_path).start()
    client.writer.take()
    yield client
    await client.close()


async def test_commands_behind_a_scan_wait_and_pushes_go_on(client):
    await client.send(b'AT+SUB="+STATE",100\n')
    client.wifi.scanning = asyncio.Event()
    assert await client.send(b"AT+WIFIAPSCAN\nAT+ENABLE?\n") == b""
    client.timers.advance(0.1)
    assert client.writer.take() == b"\n+STATE=4\n"
    client.wifi.scanning.set()
    await client.settled()
    assert client.writer.take() == b"\nOK\n\n+ENABLE=1\n\nOK\n"


async def test_missed_periods_are_not_made_up_for(client):
    await client.send(b'AT+SUB="+STATE",1000\n')
    client.writer.take()
    client.timers.now_s += 5.3
    client.timers.advance(0)
    assert client.writer.take() == b"\n+STATE=4\n"
    client.timers.advance(0.6)
    assert client.writer.take() == b""
    client.timers.advance(0.1)
    assert client.writer.take() == b"\n+STATE=4\n"


async def test_a_hundred_subscriptions_in_a_row_leave_one_of_each_name(client):
    for _ in range(100):
        await client.send(b'AT+SUB="+STATE",1000\n')
    assert client.subscribed() == {"+STATE": 1000}
    client.timers.advance(1)
    assert client.writer.take().count(b"+STATE=4") == 1


async def test_every_command_that_reads_one_row_may_be_subscribed(client):
    for name, command in client.session.commands.items():
        answer = await client.send(f'AT+SUB="{name}",60000\n'.encode())
        assert (b"OK" in answer) is (command.read is not None), name


@pytest.mark.parametrize("name", ["+SERIALS", "+AUXINPUTS", "+CMD", "+WIFIAPSCAN", "+SUB", "E0"])
async def test_lists_scans_and_others_without_a_value_are_not_subscribed(client, name):
    assert await client.send(f'AT+SUB="{name}",1000\n'.encode()) == b"\nERROR\n"


async def test_a_push_that_finds_no_room_is_dropped_and_an_answer_waits(client):
    await client.send(b'AT+SUB="+STATE",100\n')
    client.writer.room = 12
    for _ in range(5):
        client.timers.advance(0.1)
    assert client.writer.sent == b"\n+STATE=4\n"
    client.session.received(b"AT+ENABLE?\n")
    await asyncio.sleep(0.01)
    assert client.writer.sent == b"\n+STATE=4\n"
    client.writer.room = 1000
    assert client.writer.take() == b"\n+STATE=4\n"
    await asyncio.sleep(0.01)
    assert client.writer.take() == b"\n+ENABLE=1\n\nOK\n"


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"ATE1\nAT\nATE0\nAT\n", b"\nOK\nAT\n\nOK\nATE0\n\nOK\n\nOK\n"),
        (b"ATE1\nAT+STA", b"\nOK\nAT+STA"),
        (b"ATE1\n\n\n", b"\nOK\n\n\n"),
        (b"ATE1\rAT\rATE0\rAT\r", b"\r\nOK\r\nAT\r\r\nOK\r\nATE0\r\r\nOK\r\n\r\nOK\r\n"),
        (b"ATE1\nfoo\xff\x00\n", b"\nOK\nfoo\xff\x00\n\nERROR\n"),
    ],
)
async def test_what_is_echoed_does_not_depend_on_how_it_arrives(tmp_path, sent, answered):
    for number, pieces in enumerate(([sent], [sent[at : at + 1] for at in range(len(sent))])):
        client = await Client(tmp_path / str(number)).start()
        client.writer.take()
        assert await client.send(*pieces) == answered
        await client.close()


async def test_a_line_feed_that_comes_late_is_echoed_like_its_line(client):
    assert await client.send(b"ATE1\r", b"\n", b"ATE0\r", b"\n") == (
        b"\r\nOK\r\nATE0\r\r\nOK\r\n\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        b"AT" + b"+STATE?" + b"x" * 250,
        b"AT+INSTNAME=" + b'"' + b"a" * 126 + b'"',
        b"x" * 5000,
        b'AT+INSTNAME="a\x00b"',
        b'AT+INSTNAME="\xff\xfe"',
        b"AT+ENABLE=\xc3\xa4",
        b"AT+ENABLE=1\x00",
        b"\x00AT",
        b"AT+ENABLE=1\t",
        b"AT+ENABLE=1,",
        b"AT+ENABLE=,1",
        b'AT+INSTNAME=""',
        b'AT+INSTNAME="a","b"',
        b"AT+TIME=99999999999999999999",
        b"AT+TIME=18446744073709551615",
        b"AT+SERIAL2?",
        b'AT+SERIAL1="log",-9600,3,1,0',
        b"AT+EMETERTHREEPHASE=65536",
    ],
)
async def test_a_wrong_line_is_one_error_and_the_next_one_is_served(client, line):
    assert await client.send(line + b"\nAT\n") == b"\nERROR\n\nOK\n"


async def test_text_in_utf_8_goes_in_and_comes_out(client):
    assert await client.send('AT+INSTNAME="Tür \\"1\\""\n'.encode()) == b"\nOK\n"
    answer = await client.send(b"AT+INSTNAME?\n")
    assert answer == '\n+INSTNAME="Tür \\"1\\""\n\nOK\n'.encode()


async def test_the_longest_texts_fit(client):
    password = "p" * 63
    command = f'AT+WIFISTACFG=1,"{"s" * 32}","{password}"\n'
    assert await client.send(command.encode()) == b"\nOK\n"
    assert client.shown()["wifi.password"] == password


async def test_its_own_port_is_changed_after_the_ok(client):
    order = []

    async def reopen(before, after):
        order.append(("applied", client.writer.take()))
        await client.session.closed("reconfigured")
        order.append(("closed", client.writer.take()))
        client.open()

    client.operations.on_change("serial", reopen)
    client.session.received(b'AT+SERIAL0="at",9600,3,1,0\r\n')
    await asyncio.sleep(0.2)
    assert order == [("applied", b""), ("closed", b"\r\nOK\r\n")]
    assert client.writer.take() == b"\n\nRDY\n"
    assert await client.send(b"AT\n") == b"\nOK\n"


async def test_a_change_of_its_own_port_that_is_refused_leaves_everything(client):
    assert await client.send(b'AT+SERIAL0="modbus",9600,3,1,0\n') == b"\nERROR\n"
    assert await client.send(b"AT+SERIAL0?\n") == b'\n+SERIAL0="at",115200,3,1,0\n\nOK\n'


async def test_another_port_is_changed_with_an_ordinary_ok(client):
    seen = []

    async def note(before, after):
        seen.append((before[1].mode, after[1].mode))

    client.operations.on_change("serial", note)
    assert await client.send(b'AT+SERIAL1="log",9600,3,1,0\n') == b"\nOK\n"
    assert seen == [("modbus", "log")]


async def test_what_cannot_be_saved_is_an_error(client):
    async def refuse(before, after):
        raise StorageError("the disk is full")

    client.operations.on_change("discovery", refuse)
    assert await client.send(b'AT+HOSTNAME="other"\n') == b"\nERROR\n"
    assert client.shown()["hostname"] == "evse"


async def test_a_bug_in_a_command_is_an_error_and_a_line_in_the_log(client, caplog):
    client.operations.picture = None
    assert await client.send(b"AT+STATE?\n") == b"\nERROR\n"
    assert "a command failed" in caplog.text
    assert await client.send(b"AT\n") == b"\nOK\n"


async def test_read_only_refuses_every_change_and_nothing_else(tmp_path):
    client = await Client(tmp_path, read_only=True).start()
    client.writer.take()
    before = client.shown()
    for line in (b"AT+ENABLE=0", b"AT+AUTH", b"AT+RST", b"AT+TIME=5", b"AT+WIFIAPCFG=1"):
        assert await client.send(line + b"\n") == b"\nERROR\n", line
    assert client.shown() == before
    for line in (b"AT+CMD", b"AT+WIFIAPSCAN", b"ATE1", b"ATE0", b"AT+ENABLE?", b'AT+UNSUB=""'):
        assert b"OK" in await client.send(line + b"\n"), line
    assert (await client.send(b'AT+SUB="+STATE",1000\n')).startswith(b"\nOK\n")
    await client.close()


async def test_a_session_that_is_closed_is_silent(client):
    await client.send(b'AT+SUB="+STATE",100\n')
    await client.close()
    client.timers.advance(5)
    client.session.received(b"AT\n")
    await asyncio.sleep(0.01)
    assert client.writer.take() == b""


async def test_closing_while_an_answer_waits_for_room_ends_at_once(client):
    client.writer.room = 0
    client.session.received(b"AT\n")
    await asyncio.sleep(0.01)
    async with asyncio.timeout(0.3):
        await client.close()


async def test_sessions_of_a_port_are_independent(client):
    make = at_sessions(client.operations, client.board, client.wifi)
    first, second = make(), make()
    writers = PaperWriter(), PaperWriter()
    first.opened(writers[0])
    second.opened(writers[1])
    first.received(b'ATE1\nAT+SUB="+STATE",100\n')
    second.received(b"AT\n")
    await asyncio.sleep(0.05)
    assert writers[1].take() == b"\n\nRDY\n\nOK\n"
    await first.closed("stopped")
    await second.closed("stopped")


async def test_a_flood_behind_a_slow_command_takes_no_memory(client):
    client.wifi.scanning = asyncio.Event()
    client.session.received(b"AT+WIFIAPSCAN\n")
    await asyncio.sleep(0)
    for _ in range(5000):
        client.session.received(b"AT+ENABLE=0\nAT+ENABLE=1\n" * 20)
    assert len(client.session._cutter._waiting) < 257 * 1024
    client.session.received(b"AT\n")
    client.wifi.scanning.set()
    while not client.idle:
        await asyncio.sleep(0.01)
        client.writer.take()
    assert await client.send(b"\nAT\n") == b"\nOK\n"


_ALPHABET = [b"AT", b"at+", b"+", b"=", b"?", b",", b'"', b"\\", b"\n", b"\r", b"\x00", b"1", b"E1"]


def _malformed(dice, names):
    kind = dice.random()
    if kind < 0.3:
        return dice.randbytes(dice.randrange(1, 60)) + b"\n"
    if kind < 0.6:
        return b"".join(dice.choices([*_ALPHABET, *names], k=dice.randrange(1, 12))) + b"\r"
    name = dice.choice(names)
    value = b"".join(dice.choices([*_ALPHABET, b"99999999999", b"-1"], k=dice.randrange(0, 6)))
    return b"AT" + name + dice.choice([b"?", b"=", b"=?", b"", b"x"]) + value + b"\n"


async def test_malformed_input_leaves_a_session_alive_small_and_quiet(client, caplog):
    count = int(os.environ.get("EVSED_FUZZ", "2000"))
    dice = random.Random(5)  # noqa: S311  # the same input in every run
    wild = {"+RST", "+TIME", "+TZ"}  # may be written by chance, with effects outside
    names = [name.encode() for name in client.session.commands if name not in wild]
    tracemalloc.start()
    for number in range(count):
        client.session.received(_malformed(dice, names))
        await client.settled()
        client.writer.take()
        if number == count // 2:
            gc.collect()
            half = tracemalloc.get_traced_memory()[0]
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - half
    tracemalloc.stop()
    assert grown < 200_000
    assert (
        len([record for record in caplog.records if record.name.startswith("evsed.services")]) == 0
    )
    client.session.received(b'\n"\nATE0\nAT+UNSUB=""\n')
    await client.settled()
    client.writer.take()
    assert await client.send(b"AT\n") == b"\nOK\n"
