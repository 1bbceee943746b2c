"""The process that holds the connections: what it may, what it shows, what survives its end."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest
from broker_desk import desk, until
from mqtt_world import mosquitto

SECRET = "pa55-w0rd"  # noqa: S105  # the broker lives for one test
MIB = 1024 * 1024


@pytest.fixture
def broker(tmp_path):
    with mosquitto(tmp_path / "broker", users={"anna": SECRET}) as running:
        yield running


@pytest.fixture
async def table(monkeypatch):
    monkeypatch.setattr("evsed.host.mqtt.brokers._PAUSES_S", (0.05,))
    async with desk() as made:
        yield made


async def connected(table, broker):
    number = table.client(broker.uri(who=f"anna:{SECRET}@"))
    table.brokers.subscribe(number, "in/#")
    before = broker.log.count("Sending SUBACK")
    assert await table.attempt(number) == "connected"
    await until(lambda: broker.log.count("Sending SUBACK") > before)
    return number


def pid(table):
    return table.brokers._process._process.pid


def kernel_says(process, name):
    return Path(f"/proc/{process}", name).read_text(errors="replace")


def niceness(process):
    return int(kernel_says(process, "stat").rpartition(")")[2].split()[16])


def open_files(process):
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def is_gone(process):
    return not Path(f"/proc/{process}/exe").exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_clients_outlive_the_process_that_connects_them(broker, table, how):
    number = await connected(table, broker)
    table.brokers.subscribe(number, "more")
    table.brokers.subscribe(number, "gone")
    table.brokers.unsubscribe(number, "gone")
    await until(lambda: "Sending UNSUBACK" in broker.log)
    first, subscribed = pid(table), broker.log.count("Sending SUBACK")
    os.kill(first, how)
    await until(lambda: table.brokers.state(number) == "disconnected")
    table.brokers.publish(number, "in/kept", b"in between", 1, retain=False)
    await until(lambda: table.brokers.state(number) == "connected")
    await until(lambda: broker.log.count("Sending SUBACK") > subscribed)
    assert pid(table) != first
    for topic in ("in/one", "gone", "more"):
        await asyncio.to_thread(broker.publish, topic, b"again")
    await until(lambda: (number, "more", b"again") in table.got)
    topics = [topic for _, topic, _ in table.got if topic != "in/kept"]
    assert topics == ["in/one", "more"]


async def test_asked_to_end_it_says_goodbye(broker, table):
    await connected(table, broker)
    os.kill(pid(table), signal.SIGTERM)
    await until(lambda: "Client evsed-abcdef-1 disconnected" in broker.log)


async def test_it_ends_with_the_daemon(broker, table):
    await connected(table, broker)
    process = pid(table)
    table.brokers._process._writer.close()
    table.brokers._clients.clear()
    await until(lambda: is_gone(process))
    assert "Client evsed-abcdef-1 disconnected" in broker.log


async def test_it_has_few_rights_and_shows_no_password(broker, table, caplog):
    caplog.set_level(0)
    await connected(table, broker)
    process = pid(table)
    status, limits = kernel_says(process, "status"), kernel_says(process, "limits")
    assert "NoNewPrivs:\t1" in status
    assert f"CapEff:\t{0:016x}" in status
    assert kernel_says(process, "stat").rpartition(")")[2].split()[16] == str(
        min(19, os.nice(0) + 10)
    )
    for line in ("Max core file size 0 0", "Max file size 0 0", f"Max address space {128 * MIB}"):
        assert line in " ".join(limits.split())
    environment = kernel_says(process, "environ")
    for shown in (environment, kernel_says(process, "cmdline"), caplog.text):
        assert SECRET not in shown
    told = {"LANG", "LD_LIBRARY_PATH", "MALLOC_ARENA_MAX", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE"}
    assert {word.partition("=")[0] for word in environment.split("\0") if word} <= told
    assert open_files(process) < 16


async def test_there_is_no_process_without_clients(broker, table):
    assert table.brokers._process is None
    await connected(table, broker)
    process = pid(table)
    table.brokers.close_all()
    await table.brokers.ended()
    assert is_gone(process)
    assert "Client evsed-abcdef-1 disconnected" in broker.log
    number = await connected(table, broker)
    assert number == 2


async def test_a_process_that_hangs_is_killed_and_holds_nobody_up(broker, table, monkeypatch):
    number = await connected(table, broker)
    first = table.brokers._process
    first._patient_until_s = 0
    first._heard_s -= 14
    os.kill(first._process.pid, signal.SIGSTOP)
    for _ in range(100):
        table.brokers.publish(number, "out", bytes(60_000), 1, retain=False)
    assert first.backlog_bytes < 2 * MIB
    assert any("dropped" in line for line in table.said)
    await until(lambda: first._process.returncode == -signal.SIGKILL)
    await until(lambda: table.brokers.state(number) == "connected")


async def test_a_broker_that_sends_a_message_without_end_ends_in_a_new_process(broker, table):
    async def endless(reader, writer):
        await reader.read(100)
        writer.write(b"\x20\x02\x00\x00")  # CONNACK
        writer.write(b"\x30\xff\xff\xff\x7f\x00\x02in")  # PUBLISH of 256 MiB
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(bytes(MIB))
                await writer.drain()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    good = await connected(table, broker)
    first, subscribed = table.brokers._process, broker.log.count("Sending SUBACK")
    bad = table.client(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    table.brokers.connect(bad)
    await until(lambda: table.brokers._process is not first)
    table.brokers.close(bad)
    server.close()
    await until(lambda: broker.log.count("Sending SUBACK") > subscribed)
    await asyncio.to_thread(broker.publish, "in/still", b"here")
    await until(lambda: table.got == [(good, "in/still", b"here")])


@pytest.mark.parametrize(
    "told",
    [
        {"t": "state", "c": 99, "n": 1, "s": "connected"},
        {"t": "state", "c": 1, "n": 0, "s": "connected"},
        {"t": "what"},
        {},
    ],
)
async def test_what_is_no_news_changes_nothing(broker, table, told):
    number = table.client(broker.uri())
    table.brokers.connect(number)
    await table.brokers._take(told)
    assert table.brokers.state(number) == "connecting"
