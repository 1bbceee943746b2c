"""The serial mode ``log`` on a pretended line, in time the test moves."""

import pytest

from evsed.host.serial_port import Session
from evsed.services.log.ring import LogRing
from evsed.services.log.session import LogSession


class Line:
    """A ``Writer`` with a bounded queue that the test empties."""

    baud_rate, bits_per_character, usb, pending = 9600, 10, False, 0

    def __init__(self):
        self.room = 8192
        self.sent = bytearray()

    def write(self, data):
        if len(data) > self.room:
            return False
        self.room -= len(data)
        self.sent += data
        return True

    def drain(self):
        self.room = 8192

    def lines(self):
        text = self.sent.decode()
        assert text.endswith("\n") or not text
        return text.splitlines()


class Time:
    """Calls what was asked for when the test moves on."""

    def __init__(self):
        self.calls = []

    def __call__(self, delay_s, act):
        assert delay_s <= 0.25
        call = Call(act)
        self.calls.append(call)
        return call

    def move_on(self):
        calls, self.calls = self.calls, []
        for call in calls:
            call.run()


class Call:
    def __init__(self, act):
        self.act = act

    def cancel(self):
        self.act = None

    def run(self):
        if self.act:
            self.act()


@pytest.fixture
def ring():
    return LogRing(100)


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def session(ring, time):
    made: Session = LogSession(ring, time)
    return made


def test_a_port_that_opens_gets_the_whole_log(ring, session, line):
    ring.append("one")
    ring.append("two\nthree")
    session.opened(line)
    assert line.lines() == ["one", "two", "  three"]


def test_new_lines_follow(ring, session, line, time):
    session.opened(line)
    ring.append("one")
    time.move_on()
    ring.append("two")
    time.move_on()
    assert line.sent == b"one\ntwo\n"


def test_what_is_received_is_ignored(ring, session, line, time):
    session.opened(line)
    session.received(b"AT\r\n" * 1000)
    time.move_on()
    assert line.sent == b""


def test_a_slow_line_gets_whole_lines_in_order(ring, session, line, time):
    for number in range(90):
        ring.append(f"{number} " + "x" * 500)
    session.opened(line)
    for _ in range(20):
        time.move_on()
        line.drain()
    assert [text.split()[0] for text in line.lines()] == [str(number) for number in range(90)]


def test_a_line_too_slow_loses_the_oldest_and_says_how_many(ring, session, line, time):
    line.room = 0
    session.opened(line)
    for number in range(100_000):
        ring.append(str(number))
    for _ in range(20):
        line.drain()
        time.move_on()
    first, *rest = line.lines()
    assert first == f"[... {100_000 - len(rest)} lines dropped ...]"
    assert rest == [str(number) for number in range(100_000 - len(rest), 100_000)]
    assert len(session._waiting) == 0


async def test_a_closed_session_is_silent_for_good(ring, session, line, time):
    session.opened(line)
    await session.closed("mode changed")
    ring.append("late")
    time.move_on()
    assert line.sent == b""
    assert time.calls == []
