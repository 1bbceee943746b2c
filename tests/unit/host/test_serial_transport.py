"""Bytes through an open port: in pieces, bounded, switched, and a device that goes away."""

import asyncio
import fcntl
import os
import select
import struct
import termios
import time

import pytest
from pty_peer import PtyPeer

from evsed.host.serial_direction import Wiring
from evsed.host.serial_line import Line, open_line
from evsed.host.serial_transport import QUEUE_BYTES, SESSION_FAILED, SerialTransport


class Listener:
    """A session that notes what happens to it."""

    def __init__(self, *, greeting=b"", farewell=b"", fails=False):
        self.greeting, self.farewell, self.fails = greeting, farewell, fails
        self.bytes = bytearray()
        self.ended = []

    def opened(self, writer):
        self.writer = writer
        writer.write(self.greeting)

    def received(self, data):
        if self.fails:
            raise ZeroDivisionError
        self.bytes += data

    async def closed(self, reason):
        self.ended.append(reason)
        self.writer.write(self.farewell)

    async def until(self, wanted):
        give_up = time.monotonic() + 10
        while wanted not in self.bytes:
            assert time.monotonic() < give_up, self.bytes
            await asyncio.sleep(0.002)


@pytest.fixture
def peer(tmp_path):
    peer = PtyPeer(tmp_path / "tty")
    yield peer
    peer.unplug()


def _started(peer, session, **options):
    line = open_line(Line(device=str(peer.link), baud_rate=9600))
    transport = SerialTransport(line, session, **options)
    transport.start()
    return transport


async def test_bytes_go_both_ways(peer):
    session = Listener(greeting=b"hello\n")
    transport = _started(peer, session)
    await peer.until(b"hello\n")
    everything = bytes(range(256))
    peer.send(everything)
    await session.until(everything)
    assert session.writer.write(everything)
    await peer.until(everything)
    await transport.close("stopped")
    assert session.ended == ["stopped"]


async def test_a_session_may_say_goodbye(peer):
    transport = _started(peer, Listener(farewell=b"bye\n"))
    await transport.close("stopped")
    assert peer.take() == b"bye\n"


async def test_what_was_said_last_can_be_read_after_the_closing(peer):
    for _ in range(20):
        transport = _started(peer, Listener(farewell=b"bye\n"))
        await transport.close("stopped")
        await asyncio.sleep(0.01)
        assert peer.take() == b"bye\n"


async def test_a_session_that_does_not_end_is_left_behind(peer, caplog):
    class Stubborn(Listener):
        async def closed(self, reason):
            await asyncio.sleep(60 if reason else 0)

    transport = _started(peer, Stubborn())
    began = time.monotonic()
    await transport.close("stopped")
    assert time.monotonic() - began < 0.6
    assert "ends late" in caplog.text


async def test_the_queue_is_bounded_and_nothing_is_taken_in_part(peer):
    session = Listener()
    transport = _started(peer, session)
    block, taken = b"x" * 1000, 0
    while session.writer.write(block):
        taken += len(block)
    assert QUEUE_BYTES - len(block) < session.writer.pending <= QUEUE_BYTES
    assert not session.writer.write(block)
    await asyncio.sleep(0.05)
    assert not await session.writer.drained(0.05)
    received = b""
    while len(received) < taken:
        received += peer.take()
        await asyncio.sleep(0.001)
    assert received == b"x" * taken
    assert await session.writer.drained(1)
    assert session.writer.pending == 0
    await transport.close("stopped")


async def test_a_blocked_line_does_not_hold_the_closing(peer):
    session = Listener()
    transport = _started(peer, session)
    while session.writer.write(b"x" * 1000):
        pass
    began = time.monotonic()
    await transport.close("stopped")
    assert time.monotonic() - began < 1.0
    assert not session.writer.write(b"late")


async def test_a_device_that_goes_away_costs_no_time(peer):
    session = Listener()
    transport = _started(peer, session)
    peer.unplug()
    async with asyncio.timeout(5):
        assert await transport.failed in {"unplugged", "Input/output error"}
    before = time.process_time()
    await asyncio.sleep(0.5)
    assert time.process_time() - before < 0.2
    assert not session.writer.write(b"x")
    await transport.close("unplugged")
    assert session.ended == ["unplugged"]


async def test_writing_to_a_dead_device_is_noticed(peer):
    session = Listener()
    transport = _started(peer, session)
    asyncio.get_running_loop().remove_reader(transport._line.fd)
    peer.unplug()
    session.writer.write(b"x")
    async with asyncio.timeout(5):
        assert await transport.failed == "Input/output error"
    await transport.close("unplugged")


async def test_a_read_that_brings_nothing_is_not_the_end(peer):
    session = Listener()
    transport = _started(peer, session)
    transport._readable()
    transport._readable()
    peer.send(b"still here")
    await session.until(b"still here")
    await transport.close("stopped")


async def test_a_session_that_fails_ends_only_its_port(peer, caplog):
    transport = _started(peer, Listener(fails=True))
    peer.send(b"x")
    async with asyncio.timeout(5):
        assert await transport.failed == SESSION_FAILED
    await transport.close("failed")
    assert "ZeroDivisionError" in caplog.text


async def test_the_rate_changes_at_once(peer):
    session = Listener()
    transport = _started(peer, session)
    session.writer.set_baud_rate(115200)
    assert session.writer.baud_rate == 115200
    assert peer.attributes()[5] == termios.B115200
    assert session.writer.bits_per_character == 10
    await transport.close("stopped")


async def test_received_bytes_can_be_forgotten(peer):
    session = Listener()
    transport = _started(peer, session)
    peer.send(b"old")
    select.select([transport._line.fd], [], [], 5)  # the loop has no chance to read it
    session.writer.discard_input()
    peer.send(b"new")
    await session.until(b"new")
    assert session.bytes == b"new"
    await transport.close("stopped")


async def test_our_own_bytes_are_not_heard(peer):
    session = Listener()
    transport = _started(peer, session, suppress_echo=True)
    for _ in range(3):
        session.writer.write(b"answer")
        peer.send(await peer.until(b"answer"))
        await asyncio.sleep(0.03)
    peer.send(b"request")
    await session.until(b"request")
    assert session.bytes == b"request"
    await transport.close("stopped")


async def test_what_only_began_like_an_echo_is_delivered_late(peer):
    session = Listener()
    transport = _started(peer, session, suppress_echo=True)
    began = time.monotonic()
    session.writer.write(b"answer")
    peer.send(b"ans")
    await session.until(b"ans")
    assert time.monotonic() - began > 0.02
    await transport.close("stopped")


class ModemLines:
    """The ioctls of a UART whose RTS line is noted, with the bytes still to be sent."""

    def __init__(self):
        self.switched, self.unsent = [], 0
        self.released = asyncio.Event()

    def forget(self):
        self.switched.clear()
        self.released.clear()

    async def listening(self):
        await asyncio.wait_for(self.released.wait(), 5)

    def __call__(self, fd, request, argument):
        if request in {termios.TIOCMBIS, termios.TIOCMBIC}:
            self.switched.append((request == termios.TIOCMBIS, time.monotonic()))
            if request == termios.TIOCMBIC:
                self.released.set()
            return argument
        if request == termios.TIOCOUTQ:
            self.unsent = max(0, self.unsent - 1)
            return struct.pack("=i", self.unsent)
        return fcntl.ioctl(fd, request, argument)


async def test_the_transceiver_sends_exactly_as_long_as_the_bytes_take(peer):
    modem = ModemLines()
    wiring = Wiring(direction="rts")
    line = open_line(Line(device=str(peer.link), baud_rate=9600, wiring=wiring), modem)
    session = Listener()
    transport = SerialTransport(line, session)
    transport.start()
    modem.forget()
    session.writer.write(b"x" * 48)
    session.writer.write(b"x" * 48)
    await peer.until(b"x" * 96)
    await modem.listening()
    sent_s = modem.switched[-1][1] - modem.switched[0][1]
    assert modem.switched[0][0]
    assert 0.099 <= sent_s < 1.0  # 96 characters of 10 bits at 9600
    await transport.close("stopped")


async def test_the_transceiver_waits_for_what_the_driver_has_not_sent(peer):
    modem = ModemLines()
    wiring = Wiring(direction="rts")
    line = open_line(Line(device=str(peer.link), wiring=wiring), modem)
    session = Listener()
    transport = SerialTransport(line, session)
    transport.start()
    modem.forget()
    modem.unsent = 5
    session.writer.write(b"x")
    await modem.listening()
    assert modem.unsent == 0
    await transport.close("stopped")


async def test_opening_and_closing_leaves_nothing_behind(peer):
    before = len(list(os.scandir("/proc/self/fd")))
    for _ in range(10):
        transport = _started(peer, Listener())
        await transport.close("stopped")
    assert len(list(os.scandir("/proc/self/fd"))) == before
    assert len(asyncio.all_tasks()) == 1
