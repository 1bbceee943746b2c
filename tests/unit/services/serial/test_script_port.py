"""The port scripts read and write: raw bytes, the newest kept, gone when the mode changes."""

import pytest

from evsed.errors import HardwareError
from evsed.services.serial.script_port import KEPT_BYTES, ScriptPort


class Wire:
    def __init__(self):
        self.sent = b""

    def write(self, data):
        self.sent += data
        return True

    async def drained(self, timeout_s):
        return timeout_s > 0


@pytest.fixture
def port():
    return ScriptPort()


def _opened(port):
    session = port.session()
    session.opened(Wire())
    return session


def test_there_is_none_before_the_port_is_open(port):
    assert port.open() is None
    port.session()
    assert port.open() is None


def test_one_at_a_time_may_have_it(port):
    _opened(port)
    first = port.open()
    assert first is not None
    assert port.open() is None
    first.release()
    assert port.open() is first


def test_bytes_are_read_in_pieces_oldest_first(port):
    session = _opened(port)
    session.received(bytes(range(256)) + b"more")
    opened = port.open()
    assert opened.read() == bytes(range(256))
    assert opened.read() == b"more"
    assert opened.read() == b""


def test_the_newest_bytes_are_kept(port):
    session = _opened(port)
    session.received(b"a" * KEPT_BYTES)
    session.received(b"bcd")
    opened = port.open()
    read = b""
    while piece := opened.read():
        read += piece
    assert read == b"a" * (KEPT_BYTES - 3) + b"bcd"


async def test_bytes_are_written_as_they_are(port):
    _opened(port)
    opened = port.open()
    assert opened.write(b"\x00\xff")
    assert await opened.flush(1)
    assert opened._writer.sent == b"\x00\xff"


async def test_it_is_gone_when_the_mode_changes(port):
    session = _opened(port)
    opened = port.open()
    await session.closed("reconfigured")
    for use in (opened.read, lambda: opened.write(b"x")):
        with pytest.raises(HardwareError, match="no longer open"):
            use()
    with pytest.raises(HardwareError):
        await opened.flush(1)
    assert port.open() is None
    _opened(port)
    assert port.open() is not opened
