"""The port: opened and closed by the user, kept by those who use it; and the watchdog."""

import asyncio
import contextlib
import socket
from ipaddress import ip_network

import pytest
from modbus_world import Charger

from evsed.errors import HardwareError
from evsed.services.modbus import service as module
from evsed.services.modbus.service import listening_socket

STATE = bytes.fromhex("000100000006010300640001")
STATE_ANSWER = bytes.fromhex("0001000000050103024332")


@contextlib.asynccontextmanager
async def serving(charger):
    task = asyncio.create_task(charger.service.serve())
    try:
        yield charger
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        charger.close()


async def switch(charger, on):
    await charger.operations.change("modbus", {"tcpEnabled": on}, source="modbus test")


class Client:
    """A socket."""

    def __init__(self, streams):
        self.reader, self.writer = streams

    async def ask(self, data=STATE):
        """Return the answer; empty when the connection was ended."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            async with asyncio.timeout(10):
                return await self.reader.read(1000)
        return b""

    def close(self):
        self.writer.close()


async def client_of(charger):
    return Client(await asyncio.open_connection("127.0.0.1", charger.service.port))


@contextlib.asynccontextmanager
async def clients_of(charger, count):
    clients = [await client_of(charger) for _ in range(count)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()
            with contextlib.suppress(ConnectionError):
                await client.writer.wait_closed()


async def eventually(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # sockets tell nobody
            await asyncio.sleep(0.005)


async def test_nothing_listens_before_it_is_switched_on(tmp_path):
    async with serving(Charger(tmp_path)) as charger:
        await asyncio.sleep(0.05)
        assert not charger.service.listening
        await switch(charger, True)
        async with clients_of(charger, 1) as (client,):
            assert await client.ask() == STATE_ANSWER
            assert charger.desk.clients == 1


async def test_the_port_is_opened_once_however_many_ask(tmp_path, caplog):
    caplog.set_level("INFO")
    charger = Charger(tmp_path)
    await charger.store.change("modbus", {"tcpEnabled": True})
    settings = charger.store.settings.modbus
    async with serving(charger):
        await asyncio.gather(*(charger.service.apply(settings, settings) for _ in range(5)))
        assert len([text for text in caplog.messages if "listening on" in text]) == 1


async def test_switching_it_off_ends_every_connection_within_a_second(tmp_path):
    async with serving(Charger(tmp_path)) as charger:
        await switch(charger, True)
        port = charger.service.port
        async with clients_of(charger, 3) as clients:
            assert await clients[0].ask() == STATE_ANSWER
            await switch(charger, False)
            async with asyncio.timeout(1):
                assert [await client.ask(b"") for client in clients] == [b""] * 3
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)
        await eventually(lambda: charger.desk.clients == 0)


async def test_another_unit_id_leaves_connections_alone(tmp_path):
    async with serving(Charger(tmp_path)) as charger:
        await switch(charger, True)
        async with clients_of(charger, 1) as (client,):
            assert await client.ask() == STATE_ANSWER
            await charger.operations.change("modbus", {"unitId": 17}, source="modbus test")
            answer = await client.ask(STATE + bytes.fromhex("000100000006110300640001"))
            assert answer.hex() == "0001000000051103024332"


async def test_a_port_that_is_taken_is_refused_and_nothing_is_stored(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with serving(Charger(tmp_path, port=taken.getsockname()[1])) as charger:
            with pytest.raises(HardwareError, match="cannot listen on 127"):
                await switch(charger, True)
            assert charger.store.settings.modbus.tcp_enabled is False
            assert charger.store.shown("modbus") == {"tcpEnabled": False, "unitId": 1}


async def test_at_start_a_port_that_is_taken_is_tried_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "_LOOK_S", 0.01)
    monkeypatch.setattr(module, "_AGAIN_S", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        charger = Charger(tmp_path, port=taken.getsockname()[1])
        await charger.store.change("modbus", {"tcpEnabled": True})
        async with serving(charger):
            await asyncio.sleep(0.2)
            assert len([text for text in caplog.messages if "cannot listen" in text]) == 1
            taken.close()
            await eventually(lambda: charger.service.listening)
            async with clients_of(charger, 1) as (client,):
                assert await client.ask() == STATE_ANSWER


async def test_more_clients_than_permitted_are_sent_away(tmp_path):
    async with serving(Charger(tmp_path, max_connections=3)) as charger:
        await switch(charger, True)
        async with clients_of(charger, 3) as clients, clients_of(charger, 2) as more:
            assert [await client.ask() for client in more] == [b"", b""]
            assert [await client.ask() for client in clients] == [STATE_ANSWER] * 3
            assert charger.desk.clients == 3


async def test_the_client_idle_for_longest_makes_room(tmp_path):
    async with serving(Charger(tmp_path, max_connections=3)) as charger:
        await switch(charger, True)
        async with clients_of(charger, 3) as clients:
            await eventually(lambda: charger.desk.clients == 3)
            for connection in charger.service._connections:
                connection.used_s -= 30
            assert await clients[0].ask() == STATE_ANSWER
            assert await clients[2].ask() == STATE_ANSWER
            async with clients_of(charger, 1) as (newest,):
                assert await newest.ask() == STATE_ANSWER
            assert await clients[1].ask() == b""
            assert await clients[0].ask() == STATE_ANSWER


async def test_a_client_from_elsewhere_is_sent_away(tmp_path, caplog):
    access = {"allow": (ip_network("192.168.0.0/16"), ip_network("::1/128"))}
    async with serving(Charger(tmp_path, **access)) as charger:
        await switch(charger, True)
        for _ in range(20):
            async with clients_of(charger, 1) as (client,):
                assert await client.ask() == b""
        assert len([text for text in caplog.messages if "turned away" in text]) == 1
        assert charger.desk.clients == 0


async def test_sixteen_half_open_connections_do_not_stop_a_poll(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_S", 0.01)
    monkeypatch.setattr("evsed.services.modbus.tcp._UNFINISHED_S", 0.3)
    async with serving(Charger(tmp_path)) as charger:
        await switch(charger, True)
        async with clients_of(charger, 1) as (poller,), clients_of(charger, 16) as half_open:
            for client in half_open:
                client.writer.write(STATE[:7])
            for _ in range(50):
                assert await poller.ask() == STATE_ANSWER
            await eventually(lambda: charger.desk.clients == 1)
            async with clients_of(charger, 1) as (newcomer,):
                assert await newcomer.ask() == STATE_ANSWER


async def test_a_client_that_says_no_more_still_gets_its_answers(tmp_path):
    async with serving(Charger(tmp_path)) as charger:
        await switch(charger, True)
        async with clients_of(charger, 1) as (client,):
            client.writer.write(STATE + bytes.fromhex("0002000000060106006a0050") + STATE)
            client.writer.write_eof()
            async with asyncio.timeout(10):
                sent = await client.reader.read()
        assert sent == STATE_ANSWER + bytes.fromhex("0002000000060106006a0050") + STATE_ANSWER
        await eventually(lambda: charger.desk.clients == 0)


async def flooded(port, block):
    """Return a socket that has asked until nothing more went out, and has read nothing."""
    greedy = socket.socket()
    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    greedy.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(greedy, ("127.0.0.1", port))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            while True:
                async with asyncio.timeout(0.5):
                    await loop.sock_sendall(greedy, block * 100)
    return greedy


async def test_a_client_that_never_reads_costs_no_memory_and_no_service(tmp_path):
    async with serving(Charger(tmp_path)) as charger:
        await switch(charger, True)
        greedy = await flooded(charger.service.port, bytes.fromhex("000100000006010301900015"))
        stuck = next(iter(charger.service._connections))
        # Kernels make room for a while.
        await eventually(lambda: stuck._unread_since is not None)
        assert stuck._transport.get_write_buffer_size() < 65536
        async with clients_of(charger, 1) as (modest,):
            assert await modest.ask() == STATE_ANSWER
            later_s = asyncio.get_running_loop().time() + 30
            await eventually(lambda: stuck.look_after(later_s) or charger.desk.clients == 1)
        greedy.close()


async def test_the_watchdog_lowers_the_current_while_nobody_writes(tmp_path):
    async with serving(Charger(tmp_path, silence_s=60, fallback_da=70)) as charger:
        charger.station.pass_s(59)
        assert charger.state()["chargingCurrent"] == 16.0
        charger.station.pass_s(1)
        assert charger.state()["chargingCurrent"] == 7.0
        await charger.operations.write([("chargingCurrent", 16)], source="modbus test")
        assert charger.state()["chargingCurrent"] == 7.0
        assert charger.operations.limits.of("modbus")["lapsed"]


async def test_a_write_over_modbus_satisfies_the_watchdog(tmp_path):
    async with serving(Charger(tmp_path, silence_s=60, fallback_da=70)) as charger:
        await switch(charger, True)
        charger.station.pass_s(60)
        assert charger.state()["chargingCurrent"] == 7.0
        async with clients_of(charger, 1) as (client,):
            await client.ask(bytes.fromhex("0001000000060106006a00a1"))  # refused: does not count
            assert charger.operations.limits.of("modbus")["lapsed"]
            await client.ask(bytes.fromhex("0001000000060106006a0078"))
        charger.station.pass_s(59)
        assert charger.state()["chargingCurrent"] == 12.0


@pytest.mark.parametrize(
    "write",
    [
        pytest.param("000100000006010600700001", id="authorize"),
        pytest.param("000100000006010601300010", id="a setting as it was"),
        pytest.param("0001000000060106006d0000", id="half a value, refused"),
    ],
)
async def test_every_accepted_write_is_a_sign_of_life(tmp_path, write):
    async with serving(Charger(tmp_path, silence_s=60, fallback_da=70)) as charger:
        await switch(charger, True)
        charger.station.pass_s(50)
        async with clients_of(charger, 1) as (client,):
            answer = await client.ask(bytes.fromhex(write))
        charger.station.pass_s(50)
        refused = answer[7] & 0x80
        assert charger.operations.limits.of("modbus")["lapsed"] is bool(refused)


async def test_without_a_watchdog_nothing_is_lowered(tmp_path):
    async with serving(Charger(tmp_path)) as charger:
        charger.station.pass_s(100_000)
        assert charger.state()["chargingCurrent"] == 16.0
        assert charger.operations.limits.of("modbus") is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::"])
def test_every_kind_of_address_can_be_listened_on(address):
    with listening_socket(address, 0) as door:
        assert door.getsockname()[1]


def test_every_address_is_of_both_versions(monkeypatch):
    if socket.has_dualstack_ipv6():
        with listening_socket("::", 0) as door:
            socket.create_connection(("127.0.0.1", door.getsockname()[1])).close()
            socket.create_connection(("::1", door.getsockname()[1])).close()
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with listening_socket("::", 0) as door:
        assert door.family == socket.AF_INET
