"""The ports of a board: their sessions, changes of settings, devices that come and go."""

import asyncio
import contextlib
import fcntl
import os
import random
import time
from dataclasses import replace

import pytest
from pty_peer import PtyPeer

from evsed.board.description import SerialPort
from evsed.host.serial_line import open_line
from evsed.services.serial import managed_port
from evsed.services.serial.managed_port import PortState
from evsed.services.serial.service import SerialService
from evsed.settings.serial import SerialSettings, patched_serial, wire_serial


class Greeting:
    """A session that says which one it is and repeats what it hears."""

    def __init__(self, mode, world):
        self.mode, self.world = mode, world

    def opened(self, writer):
        self.writer = writer
        self.world.events.append((self.mode, "opened"))
        writer.write(f"<{self.mode}>".encode())

    def received(self, data):
        if data == b"break":
            raise ZeroDivisionError
        self.writer.write(data.upper())

    async def closed(self, reason):
        self.world.events.append((self.mode, reason))


class World:
    """Two ports with a peer each, and the service that manages them."""

    modes = ("at", "log", "nextion", "modbus", "script")

    def __init__(self, folder):
        self.peers = [PtyPeer(folder / name) for name in ("tty0", "tty1")]
        self.ports = tuple(
            SerialPort(type="uart", name=peer.link.name, device=str(peer.link))
            for peer in self.peers
        )
        self.settings = (SerialSettings(), SerialSettings())
        self.events = []
        self.opener = open_line
        self.service = None

    def build(self, *modes):
        self.settings = tuple(SerialSettings(mode=mode) for mode in modes)
        makers = {mode: lambda mode=mode: Greeting(mode, self) for mode in self.modes}
        self.service = SerialService(self.ports, self.settings, makers, opener=self._open)
        return self.service

    def _open(self, line):
        return self.opener(line)

    @contextlib.asynccontextmanager
    async def serving(self, *modes):
        service = self.build(*modes)
        serving = asyncio.create_task(service.serve())
        await asyncio.sleep(0)
        try:
            yield service
        finally:
            serving.cancel()
            await asyncio.wait({serving})

    async def change(self, patch):
        after = patched_serial(self.settings, patch)
        before, self.settings = self.settings, after
        await self.service.apply(before, after)

    async def state(self, place, wanted, within_s=5):
        give_up = time.monotonic() + within_s
        while self.service.reports[place].state is not wanted:
            assert time.monotonic() < give_up, self.service.reports
            await asyncio.sleep(0.01)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    for peer in world.peers:
        peer.unplug()


async def test_each_port_has_the_session_of_its_mode(world):
    async with world.serving("at", "log"):
        await world.peers[0].until(b"<at>")
        await world.peers[1].until(b"<log>")
        world.peers[0].send(b"abc")
        await world.peers[0].until(b"ABC")
        assert world.peers[1].take() == b""
    assert set(world.events[2:]) == {("at", "stopped"), ("log", "stopped")}


async def test_ports_without_a_mode_are_not_opened(world):
    async with world.serving("none", "none"):
        await asyncio.sleep(0.05)
        assert [one.state for one in world.service.reports] == [PortState.CLOSED] * 2
        other = os.open(world.peers[0].link, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)


async def test_what_was_shown_may_be_written_back_without_a_restart(world):
    async with world.serving("at", "log"):
        await world.peers[0].until(b"<at>")
        await world.change(wire_serial(world.settings))
        assert len(world.events) == 2


async def test_only_the_port_that_changes_is_touched(world):
    async with world.serving("at", "log"):
        await world.peers[1].until(b"<log>")
        await world.change([{}, {"baudRate": 9600}])
        assert world.events[2:] == [("log", "reconfigured"), ("log", "opened")]
        await world.peers[1].until(b"<log>")


async def test_two_ports_exchange_their_modes(world):
    async with world.serving("at", "modbus"):
        await world.peers[1].until(b"<modbus>")
        await world.change([{"mode": "modbus"}, {"mode": "at"}])
        await world.peers[0].until(b"<modbus>")
        await world.peers[1].until(b"<at>")
        closed = {("at", "reconfigured"), ("modbus", "reconfigured")}
        assert set(world.events[2:4]) == closed
        assert set(world.events[4:]) == {("at", "opened"), ("modbus", "opened")}


async def test_a_mode_of_none_gives_the_device_back(world):
    async with world.serving("at", "none"):
        await world.peers[0].until(b"<at>")
        other = os.open(world.peers[0].link, os.O_RDWR | os.O_NOCTTY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        await world.change([{"mode": "none"}, {}])
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)


async def test_a_device_that_is_missing_at_start_is_opened_when_it_appears(world, caplog):
    world.peers[0].unplug()
    async with world.serving("at", "none"):
        await world.state(0, PortState.WAITING)
        assert "is missing" in world.service.reports[0].trouble
        await asyncio.sleep(1.2)
        world.peers[0].plug()
        await world.peers[0].until(b"<at>", 3)
        assert caplog.text.count("waiting") == 1


@pytest.mark.parametrize("mode", World.modes)
async def test_an_unplugged_adapter_comes_back_with_a_new_session(world, mode):
    async with world.serving(mode, "none"):
        await world.peers[0].until(f"<{mode}>".encode())
        world.peers[0].unplug()
        await world.state(0, PortState.WAITING)
        before = time.process_time()
        await asyncio.sleep(0.3)
        assert time.process_time() - before < 0.15
        world.peers[0].plug()
        await world.peers[0].until(f"<{mode}>".encode(), 5)
        assert world.events[1][0] == mode


async def test_a_device_in_use_is_taken_when_it_is_free(world, caplog):
    holder = os.open(world.peers[0].link, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    async with world.serving("at", "none"):
        await world.state(0, PortState.WAITING)
        await asyncio.sleep(1.2)
        os.close(holder)
        await world.peers[0].until(b"<at>", 8)
        assert caplog.text.count("in use by another program") == 1


async def test_a_device_that_cannot_be_opened_does_not_refuse_the_change(world):
    world.peers[1].unplug()
    async with world.serving("at", "none"):
        await world.change([{}, {"mode": "log"}])
        assert world.service.reports[1].state is PortState.WAITING
        await world.change([{}, {"mode": "none"}])
        assert world.service.reports[1].state is PortState.CLOSED


async def test_a_session_that_fails_is_started_again_and_others_do_not_notice(world, caplog):
    async with world.serving("at", "log"):
        await world.peers[0].until(b"<at>")
        world.peers[0].send(b"break")
        await world.peers[0].until(b"<at>", 8)
        assert "ZeroDivisionError" in caplog.text
        world.peers[1].send(b"x")
        await world.peers[1].until(b"X")
        assert world.events.count(("log", "opened")) == 1


async def test_settings_changed_before_it_serves_are_those_it_serves_with(world):
    world.build("at", "none")
    await world.change([{"mode": "none"}, {"mode": "log"}])
    serving = asyncio.create_task(world.service.serve())
    await world.peers[1].until(b"<log>")
    assert world.events == [("log", "opened")]
    serving.cancel()
    await asyncio.wait({serving})


async def test_shutdown_takes_less_than_a_second_with_lines_that_are_stuck(world):
    async with world.serving("at", "log"):
        await world.peers[1].until(b"<log>")
        for port in world.service._ports:
            assert port.state is PortState.OPEN
        for peer in world.peers:
            peer.send(b"x" * 3000)
        await asyncio.sleep(0.1)
        began = time.monotonic()
    assert time.monotonic() - began < 1.2


async def test_a_device_that_opens_too_late_is_closed_again(world):
    opened = []

    def slowly(line):
        time.sleep(0.3)
        opened.append(open_line(line))
        return opened[-1]

    world.opener = slowly
    async with world.serving("at", "none"):
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.6)
    assert len(opened) == 1
    assert not opened[0].port.is_open
    assert world.events == []


async def test_the_systems_console_is_left_alone_until_it_is_none(world, monkeypatch, caplog):
    users = ["it is the system's console"]
    monkeypatch.setattr(managed_port, "console_user", lambda _: users[0] if users else None)
    monkeypatch.setattr(managed_port, "_CONSOLE_RETRY_S", 0.05)
    async with world.serving("at", "none"):
        await world.state(0, PortState.WAITING)
        await asyncio.sleep(0.2)
        assert caplog.text.count("it is the system's console") == 1
        assert world.peers[0].take() == b""
        users.clear()
        await world.peers[0].until(b"<at>")


async def test_a_device_that_takes_too_long_to_open_is_closed_when_it_has(world, monkeypatch):
    monkeypatch.setattr(managed_port, "_FIRST_ATTEMPT_S", 0.05)
    opened = []

    def very_slowly(line):
        time.sleep(0.4)
        opened.append(open_line(line))
        return opened[-1]

    world.opener = very_slowly
    async with world.serving("at", "none"):
        await asyncio.sleep(0.01)
    assert opened == []
    await asyncio.sleep(0.7)
    assert not opened[0].port.is_open


async def test_a_hundred_changes_leave_nothing_behind(world):
    dice = random.Random(3)  # noqa: S311  # the same changes in every run
    async with world.serving("none", "none"):
        await asyncio.sleep(0.05)
        await world.change([{"mode": "log"}, {"mode": "log"}])
        await world.change([{"mode": "none"}, {"mode": "none"}])
        files, tasks = len(list(os.scandir("/proc/self/fd"))), len(asyncio.all_tasks())
        for _ in range(100):
            one, other = dice.sample(["none", "log", "at", "modbus"], 2)
            rate = dice.choice([9600, 115200, 31250])
            await world.change([{"mode": one, "baudRate": rate}, {"mode": other}])
        await world.change([{"mode": "none"}, {"mode": "none"}])
        assert len(list(os.scandir("/proc/self/fd"))) == files
        assert len(asyncio.all_tasks()) == tasks


async def test_a_mode_nobody_serves_leaves_the_port_closed(world, caplog):
    world.modes = ("at",)
    async with world.serving("nextion", "at"):
        await world.peers[1].until(b"<at>")
        assert world.service.reports[0].state is PortState.CLOSED
        assert "nothing serves mode nextion" in caplog.text


async def test_a_board_without_ports_is_served_as_well():
    service = SerialService((), (), {})
    serving = asyncio.create_task(service.serve())
    await asyncio.sleep(0.01)
    await service.apply((), ())
    assert service.reports == ()
    serving.cancel()
    await asyncio.wait({serving})
    assert serving.cancelled()


async def test_an_rs485_port_does_not_answer_itself(world):
    world.ports = (replace(world.ports[0], type="rs485"), world.ports[1])
    async with world.serving("modbus", "none"):
        for _ in range(3):
            said = await world.peers[0].until(b">")
            world.peers[0].send(said)
            await asyncio.sleep(0.05)
            assert world.peers[0].take() == b""
            world.peers[0].send(b"q")
            world.peers[0].send(await world.peers[0].until(b"Q"))
            await asyncio.sleep(0.05)
            world.peers[0].send(b"r>")
