"""One TCP connection at a time: pipelining, slow and silent clients, order. No sockets."""

import asyncio

import pytest
from modbus_world import Charger, Pipe, put, settled

from evsed.services.modbus.tcp import Connection

STATE = bytes.fromhex("000100000006010300640001")
STATE_ANSWER = bytes.fromhex("0001000000050103024332")
CURRENT_8 = bytes.fromhex("0002000000060106006a0050")
CURRENT = bytes.fromhex("0003000000060103006a0001")


class Client:
    """A connection and its other side."""

    def __init__(self, charger, peer="127.0.0.1"):
        self.pipe = Pipe(peer)
        self.connection = Connection(charger.service)
        self.connection.connection_made(self.pipe)

    async def ask(self, data):
        put(self.connection, data)
        await settled(self.connection)
        answer = bytes(self.pipe.sent)
        self.pipe.sent.clear()
        return answer


@pytest.fixture
def charger(tmp_path):
    made = Charger(tmp_path)
    yield made
    made.close()


async def until_sent(client, count):
    async with asyncio.timeout(10):
        while len(client.pipe.sent) < count:  # noqa: ASYNC110  # the pipe tells nobody
            await asyncio.sleep(0.001)


async def test_a_hundred_requests_in_one_piece_are_answered_in_order(charger):
    client = Client(charger)
    requests = [number.to_bytes(2, "big") + STATE[2:] for number in range(100)]
    put(client.connection, b"".join(requests))
    await until_sent(client, 100 * len(STATE_ANSWER))
    answers = [number.to_bytes(2, "big") + STATE_ANSWER[2:] for number in range(100)]
    assert bytes(client.pipe.sent) == b"".join(answers)
    assert client.pipe.reading


async def test_others_get_their_turn_between_many_requests(charger):
    client = Client(charger)
    put(client.connection, STATE * 100)
    assert len(client.pipe.sent) == 16 * len(STATE_ANSWER)
    assert not client.pipe.reading
    await until_sent(client, 100 * len(STATE_ANSWER))


async def test_what_follows_a_write_waits_for_it(charger):
    client = Client(charger)
    put(client.connection, CURRENT + CURRENT_8 + CURRENT)
    assert not client.pipe.reading
    await until_sent(client, 11 + 12 + 11)
    assert client.pipe.sent.hex() == (
        "0003000000050103020 0a0".replace(" ", "") + CURRENT_8.hex() + "00030000000501030200 50"
    ).replace(" ", "")
    assert client.pipe.reading


async def test_a_write_is_carried_out_although_the_client_has_gone(charger):
    client = Client(charger)
    put(client.connection, CURRENT_8)
    client.connection.connection_lost(None)
    await settled(client.connection)
    assert charger.state()["chargingCurrent"] == 8.0
    assert client.pipe.sent == b""


async def test_a_station_that_does_not_answer_is_a_device_failure(charger):
    charger.station.silent = True
    client = Client(charger)
    assert (await client.ask(CURRENT_8)).hex() == "000200000003018604"
    assert charger.state()["chargingCurrent"] == 16.0
    assert (await client.ask(STATE)) == STATE_ANSWER


async def test_a_charger_in_maintenance_is_a_device_failure(charger):
    charger.station.maintenance = "the board file cannot be read"
    assert (await Client(charger).ask(CURRENT_8)).hex() == "000200000003018604"


async def test_a_disk_that_refuses_is_a_device_failure(charger, tmp_path, monkeypatch):
    def refuse(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(charger.store, "_write", refuse)
    client = Client(charger)
    assert (await client.ask(bytes.fromhex("000200000006010601300014"))).hex()[-4:] == "8604"
    assert charger.state()["maxChargingCurrent"] == 16


async def test_a_write_that_changes_nothing_does_not_touch_the_disk(charger, monkeypatch):
    monkeypatch.setattr(charger.store, "_write", None)
    client = Client(charger)
    request = bytes.fromhex("000200000006010601300010")
    assert await client.ask(request) == request


async def test_an_idle_client_is_let_go_after_five_minutes(charger):
    client = Client(charger)
    now_s = asyncio.get_running_loop().time()
    client.connection.look_after(now_s + 299)
    assert not client.pipe.closed
    client.connection.look_after(now_s + 301)
    assert client.pipe.closed


async def test_each_complete_request_starts_the_five_minutes_anew(charger):
    client = Client(charger)
    client.connection.used_s -= 299
    await client.ask(STATE)
    client.connection.look_after(asyncio.get_running_loop().time() + 290)
    assert not client.pipe.closed


async def test_an_unfinished_request_is_waited_for_five_seconds(charger):
    client = Client(charger)
    assert await client.ask(STATE[:5]) == b""
    now_s = asyncio.get_running_loop().time()
    client.connection.look_after(now_s + 4.9)
    assert not client.pipe.closed
    assert await client.ask(STATE[5:8]) == b""
    client.connection.look_after(now_s + 5.1)
    assert client.pipe.closed


async def test_a_finished_request_is_no_longer_unfinished(charger):
    client = Client(charger)
    await client.ask(STATE[:5])
    client.connection._unfinished_since -= 4
    assert await client.ask(STATE[5:]) == STATE_ANSWER
    client.connection.look_after(asyncio.get_running_loop().time() + 2)
    assert not client.pipe.closed
    await client.ask(STATE + STATE[:5])
    client.connection.look_after(asyncio.get_running_loop().time() + 4)
    assert not client.pipe.closed


async def test_a_client_that_does_not_read_is_answered_no_further_and_let_go(charger):
    client = Client(charger)
    assert client.pipe.limits == (None, 0)
    client.connection.pause_writing()
    assert await client.ask(STATE) == b""
    now_s = asyncio.get_running_loop().time()
    client.connection.look_after(now_s + 9.9)
    assert not client.pipe.closed
    client.connection.look_after(now_s + 10.1)
    assert client.pipe.closed


async def test_a_client_that_reads_again_gets_its_answers(charger):
    client = Client(charger)
    client.connection.pause_writing()
    await client.ask(STATE + STATE)
    client.connection.resume_writing()
    await asyncio.sleep(0)
    assert client.pipe.sent == STATE_ANSWER * 2


async def test_answers_before_a_broken_frame_still_leave(charger):
    client = Client(charger)
    assert await client.ask(STATE + bytes.fromhex("000200000000")) == STATE_ANSWER
    assert client.pipe.closed


async def test_a_read_only_charger_refuses_every_write(tmp_path):
    client = Client(Charger(tmp_path, read_only=True))
    assert (await client.ask(CURRENT_8)).hex() == "000200000003018602"
    assert await client.ask(STATE) == STATE_ANSWER


async def test_with_locked_settings_charging_can_still_be_steered(tmp_path):
    client = Client(Charger(tmp_path, lock_settings=True))
    assert await client.ask(CURRENT_8) == CURRENT_8
    for write in ("0106012f0001", "010601a50001"):
        refused = await client.ask(bytes.fromhex("000200000006" + write))
        assert refused.hex() == "000200000003018602"


async def test_the_first_write_of_each_peer_is_logged(charger, caplog):
    caplog.set_level("INFO")
    for peer in ("192.168.1.5", "192.168.1.5", "::ffff:192.168.1.5", "192.168.1.6"):
        await Client(charger, peer).ask(CURRENT_8)
    said = [text for text in caplog.messages if "first write" in text]
    assert said == [f"modbus: first write from 192.168.1.{number}" for number in (5, 6)]


async def test_an_error_of_ours_is_logged_once_a_minute_and_answered(charger, caplog, monkeypatch):
    def fail(_):
        raise ZeroDivisionError

    monkeypatch.setattr(charger.desk._registers, "block", lambda *_: fail)
    client = Client(charger)
    for _ in range(50):
        assert (await client.ask(STATE)).hex() == "000100000003018304"
    assert len(caplog.records) == 1


async def test_one_request_is_of_one_moment(charger):
    """A value of two registers can never be half old and half new."""
    looks = []
    picture = charger.operations.picture
    charger.operations.picture = lambda: looks.append(1) or picture()
    await Client(charger).ask(bytes.fromhex("00010000000601030064000c"))
    assert len(looks) == 1
