"""Whom a client trusts, and what happens when a broker is not what it should be."""

import asyncio
import time

import pytest
from broker_desk import ALL_BYTES, desk, until
from mqtt_world import Certificates, mosquitto

# When a handshake fails paho leaves it to Python to close the socket, which it does at once.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <s:ResourceWarning")

#: long beside what a busy machine takes for a turn of the event loop
GIVEN_UP_S = 3


@pytest.mark.parametrize("scheme", ["mqtts", "wss"])
async def test_a_broker_with_a_certificate_the_system_trusts(tmp_path, monkeypatch, scheme):
    certificates = Certificates(tmp_path / "certificates")
    with mosquitto(tmp_path / "broker", tls=certificates, web=scheme == "wss") as broker:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
        async with desk() as table:
            number = table.client(broker.uri(scheme))
            table.brokers.subscribe(number, "secret")
            assert await table.attempt(number) == "connected"
            table.brokers.publish(number, "secret", ALL_BYTES, 1, retain=False)
            await until(lambda: table.got)
            assert table.got == [(number, "secret", ALL_BYTES)]


async def test_a_certificate_nobody_vouches_for_is_refused(tmp_path):
    certificates = Certificates(tmp_path / "certificates")
    with mosquitto(tmp_path / "broker", tls=certificates) as broker:
        async with desk() as table:
            assert await table.attempt(table.client(broker.uri("mqtts"))) == "disconnected"


async def test_a_certificate_of_another_host_is_refused(tmp_path, monkeypatch):
    certificates = Certificates(tmp_path / "certificates", host="other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    with mosquitto(tmp_path / "broker", tls=certificates) as broker:
        async with desk() as table:
            assert await table.attempt(table.client(broker.uri("mqtts"))) == "disconnected"


@pytest.mark.parametrize("scheme", ["mqtt", "mqtts", "ws"])
async def test_whoever_accepts_and_says_nothing_is_given_up_and_holds_nobody_up(scheme):
    waiting = []
    server = await asyncio.start_server(lambda _, one: waiting.append(one), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    latest_s = 0.0
    async with desk(connect_s=GIVEN_UP_S, retry_s=(60,)) as table:
        number = table.client(f"{scheme}://127.0.0.1:{port}")
        began = before = time.monotonic()
        table.brokers.connect(number)
        while table.brokers.state(number) == "connecting":
            await asyncio.sleep(0.01)
            latest_s = max(latest_s, time.monotonic() - before)
            before = time.monotonic()
        assert time.monotonic() - began >= GIVEN_UP_S
        assert table.brokers.state(number) == "disconnected"
        for writer in waiting:  # whoever still hopes for an answer gets one: the end
            writer.transport.abort()
    server.close()
    assert latest_s < GIVEN_UP_S / 2
