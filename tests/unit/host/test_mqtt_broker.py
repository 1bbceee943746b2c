"""Clients of scripts at a real Mosquitto: what they send, what they get, what they survive."""

import asyncio
import itertools
import logging
import time

import pytest
from broker_desk import ALL_BYTES, desk, until
from mqtt_world import mosquitto

from evsed.errors import RejectedError


@pytest.fixture
def broker(tmp_path):
    with mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
async def table():
    async with desk() as made:
        yield made


async def test_messages_arrive_byte_by_byte(broker, table):
    number = table.client(broker.uri())
    table.brokers.subscribe(number, "in/#")
    assert await table.attempt(number) == "connected"
    await until(lambda: "SUBACK" in broker.log)
    await asyncio.to_thread(broker.publish, "in/all", ALL_BYTES)
    await asyncio.to_thread(broker.publish, "in/nothing", b"")
    await until(lambda: len(table.got) == 2)
    assert table.got == [(number, "in/all", ALL_BYTES), (number, "in/nothing", b"")]


async def test_messages_leave_byte_by_byte_and_in_order(broker, table):
    number = table.client(broker.uri())
    await table.attempt(number)
    with broker.listener("out/#") as lines:
        table.brokers.publish(number, "out/all", ALL_BYTES, 0, retain=False)
        for turn in range(60):
            table.brokers.publish(number, "out/turn", b"%d" % turn, turn % 2, retain=False)
        heard = await asyncio.to_thread(lines, 61)
    assert heard[0] == f"0 out/all {ALL_BYTES.hex()}"
    assert heard[1:] == [f"0 out/turn {(b'%d' % turn).hex()}" for turn in range(60)]


async def test_a_retained_message_waits_for_whoever_comes_later(broker, table):
    first, second = table.client(broker.uri()), table.client(broker.uri())
    await table.attempt(first)
    table.brokers.publish(first, "kept", b"here", 1, retain=True)
    table.brokers.publish(first, "not/kept", b"here", 1, retain=False)
    await until(lambda: broker.log.count("Sending PUBACK") == 2)
    await table.attempt(second)
    table.brokers.subscribe(second, "#")
    await until(lambda: table.got)
    assert table.got == [(second, "kept", b"here")]


async def test_a_client_comes_back_subscribes_again_and_delivers_what_waited(broker, table):
    number = table.client(broker.uri())
    table.brokers.subscribe(number, "in/one")
    await table.attempt(number)
    table.brokers.subscribe(number, "in/two")
    table.brokers.subscribe(number, "in/gone")
    table.brokers.unsubscribe(number, "in/gone")
    await asyncio.to_thread(broker.stop)
    await until(lambda: table.brokers.state(number) == "disconnected")
    table.brokers.publish(number, "out", b"at most once", 0, retain=True)
    table.brokers.publish(number, "out/sure", b"at least once", 2, retain=True)
    subscribed = broker.log.count("Sending SUBACK")
    await asyncio.to_thread(broker.start)
    await until(lambda: table.brokers.state(number) == "connected")
    await until(lambda: broker.log.count("Sending SUBACK") > subscribed)
    for topic in ("in/one", "in/gone", "in/two"):
        await asyncio.to_thread(broker.publish, topic, topic.encode())
    await until(lambda: len(table.got) == 2)
    assert [topic for _, topic, _ in table.got] == ["in/one", "in/two"]
    with broker.listener("out/#") as lines:
        kept = await asyncio.to_thread(lines, 1)
    assert kept == [f"1 out/sure {b'at least once'.hex()}"]


async def test_a_script_hears_at_once_that_nobody_is_there_and_is_connected_later(tmp_path):
    with mosquitto(tmp_path / "broker") as broker:
        broker.stop()
        async with desk() as table:
            number = table.client(broker.uri())
            assert await table.attempt(number) == "disconnected"
            broker.start()
            await until(lambda: table.brokers.state(number) == "connected")


async def test_pauses_between_attempts_grow(caplog):
    caplog.set_level(logging.WARNING)
    came = []

    def slam(_, writer):
        came.append(time.monotonic())
        writer.close()

    server = await asyncio.start_server(slam, "127.0.0.1", 0)
    async with desk(retry_s=(0.05, 0.4)) as table:
        number = table.client(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await table.attempt(number)
        await until(lambda: len(came) >= 4)
    server.close()
    pauses = [later - sooner for sooner, later in itertools.pairwise(came)]
    assert pauses[0] >= 0.05
    assert min(pauses[1:3]) >= 0.4
    assert caplog.text.count("the connection was lost") == 1


async def test_a_wrong_password_is_refused_and_never_logged(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with mosquitto(tmp_path / "broker", users={"anna": "s3cr/t"}) as broker:
        async with desk() as table:
            wrong = table.client(broker.uri(who="anna:wrong-w0rd@"))
            assert await table.attempt(wrong) == "disconnected"
            right = table.client(broker.uri(who="anna:s3cr%2Ft@"))
            assert await table.attempt(right) == "connected"
            beside = table.client(broker.uri(who="anna:no@"), password="s3cr/t")
            assert await table.attempt(beside) == "connected"
    assert "not authorized" in caplog.text or "bad user name or password" in caplog.text
    assert "wrong-w0rd" not in caplog.text
    assert "s3cr/t" not in caplog.text


async def test_a_broker_behind_a_web_server(tmp_path):
    with mosquitto(tmp_path / "broker", web=True) as broker:
        async with desk() as table:
            number = table.client(broker.uri("ws"))
            table.brokers.subscribe(number, "web")
            assert await table.attempt(number) == "connected"
            table.brokers.publish(number, "web", ALL_BYTES, 0, retain=False)
            await until(lambda: table.got)
            assert table.got == [(number, "web", ALL_BYTES)]


async def test_disconnect_is_immediate_and_connect_may_follow(broker, table):
    number = table.client(broker.uri())
    await table.attempt(number)
    table.brokers.disconnect(number)
    assert table.brokers.state(number) == "disconnected"
    assert await table.attempt(number) == "connected"
    table.brokers.disconnect(number)
    table.brokers.connect(number)
    table.brokers.disconnect(number)
    await until(lambda: broker.log.count("disconnected.") >= 2)
    await asyncio.sleep(0.3)
    assert table.brokers.state(number) == "disconnected"


async def test_what_is_published_just_before_a_disconnect_still_leaves(broker, table):
    number = table.client(broker.uri())
    await table.attempt(number)
    with broker.listener("last") as lines:
        table.brokers.publish(number, "last", b"words", 1, retain=False)
        table.brokers.disconnect(number)
        assert await asyncio.to_thread(lines, 1) == [f"0 last {b'words'.hex()}"]


async def test_four_clients_of_one_charger_have_names_of_their_own(broker, table):
    numbers = [table.client(broker.uri(), f"component {place}") for place in range(4)]
    assert numbers == [1, 2, 3, 4]
    with pytest.raises(RejectedError, match="too many mqtt clients"):
        table.client(broker.uri())
    for number in numbers:
        assert await table.attempt(number) == "connected"
    table.brokers.release("component 1")
    again = table.client(broker.uri(), "component 1")
    assert again == 5
    assert await table.attempt(again) == "connected"
    assert [table.brokers.state(number) for number in (1, 2, 3)] == [
        "connected",
        "disconnected",
        "connected",
    ]
    for place in range(1, 5):
        assert f"as evsed-abcdef-{place} " in broker.log


async def test_a_closed_client_said_goodbye_and_takes_no_more_orders(broker, table):
    number = table.client(broker.uri())
    await table.attempt(number)
    table.brokers.close(number)
    table.brokers.close(number)
    await until(lambda: "Client evsed-abcdef-1 disconnected" in broker.log)
    for order in ("connect", "disconnect"):
        with pytest.raises(RejectedError, match="closed"):
            getattr(table.brokers, order)(number)
    with pytest.raises(RejectedError, match="closed"):
        table.brokers.publish(number, "t", b"", 0, retain=False)


async def test_limits_of_a_client(broker, table):
    number = table.client(broker.uri())
    await table.attempt(number)
    for place in range(32):
        table.brokers.subscribe(number, f"f/{place}")
    table.brokers.subscribe(number, "f/0")
    with pytest.raises(RejectedError, match="too many subscriptions"):
        table.brokers.subscribe(number, "f/32")
    with pytest.raises(RejectedError, match="longer than 65536"):
        table.brokers.publish(number, "f/0", bytes(65537), 1, retain=False)
    table.brokers.publish(number, "f/0", bytes(65536), 1, retain=False)
    await until(lambda: table.got)
    assert table.got == [(number, "f/0", bytes(65536))]
    assert table.said == []


async def test_a_busy_script_gets_what_was_on_the_way_the_newest_hundred_and_one_line(
    broker, table
):
    number = table.client(broker.uri())
    table.brokers.subscribe(number, "flood")
    await table.attempt(number)
    table.room = False
    for turn in range(150):
        table.brokers.publish(number, "flood", b"%d" % turn, 1, retain=False)
        await asyncio.sleep(0.002)
    await until(lambda: broker.log.count("Sending PUBLISH to evsed") == 150)
    await asyncio.sleep(0.2)
    assert table.got == []
    table.room = True
    await until(lambda: len(table.got) >= 120)
    assert [int(data) for _, _, data in table.got] == [*range(20), *range(50, 150)]
    assert len(table.said) == 1
    assert "evsed-abcdef-1" in table.said[0]


async def test_messages_published_while_nobody_is_there_have_a_limit(tmp_path):
    with mosquitto(tmp_path / "broker") as broker:
        broker.stop()
        async with desk() as table:
            number = table.client(broker.uri())
            for turn in range(130):
                table.brokers.publish(number, "later", b"%d" % turn, 1, retain=False)
            assert len(table.said) == 1
            broker.start()
            with broker.listener("later") as lines:
                table.brokers.connect(number)
                heard = await asyncio.to_thread(lines, 100)
    assert heard == [f"0 later {(b'%d' % turn).hex()}" for turn in range(30, 130)]
