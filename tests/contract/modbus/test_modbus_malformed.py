"""Whatever comes, over TCP or a line: alive, little kept, little logged, nothing out of range.

``EVSED_FUZZ`` sets how many inputs there are.
"""

import os
import random
import tracemalloc

from modbus_world import Charger, Hours, Line, Pipe, put, settled

from evsed.services.modbus.line import sealed
from evsed.services.modbus.mbap import Frame, envelope
from evsed.services.modbus.rtu import RtuSession
from evsed.services.modbus.tcp import Connection
from evsed.settings.schema import EVSE

INPUTS = int(os.environ.get("EVSED_FUZZ", "3000"))
STATE = bytes.fromhex("010300640001")
STATE_ANSWER = bytes.fromhex("0103024332")


def pdu(dice):
    """Return a request that is nearly right, or not at all."""
    function = dice.choice((3, 3, 4, 6, 16, dice.randrange(256)))
    address = dice.choice((100, 106, 107, 200, 300, 405, 421, 900, dice.randrange(0x10000)))
    body = address.to_bytes(2, "big")
    if function in (3, 4):
        body += dice.choice((1, 2, 12, 125, 126, 0, dice.randrange(0x10000))).to_bytes(2, "big")
    elif function == 6:
        body += dice.choice((59, 161, 0xFFFF)).to_bytes(2, "big") if address == 106 else b"\xff\xff"
    elif function == 16:
        count = dice.randrange(0, 130)
        body += count.to_bytes(2, "big") + bytes((2 * count & 0xFF,)) + b"\xff" * (2 * count)
    request = bytes((function,)) + body
    if dice.random() < 0.3:
        request = request[: dice.randrange(1, len(request) + 1)]
    return request[:253]


def tcp_input(dice):
    if dice.random() < 0.15:
        return dice.randbytes(dice.randrange(1, 300))
    frame = bytearray(
        envelope(Frame(dice.randrange(0x10000), dice.choice((0, 1, 2, 255)), b""), pdu(dice))
    )
    if dice.random() < 0.3:
        frame[dice.randrange(len(frame))] ^= 1 << dice.randrange(8)
    return bytes(frame)


def line_input(dice):
    if dice.random() < 0.15:
        return dice.randbytes(dice.randrange(1, 300))
    frame = bytearray(sealed(bytes((dice.choice((0, 1, 1, 2, 255)),)) + pdu(dice)))
    if dice.random() < 0.5:
        frame[dice.randrange(len(frame))] ^= 1 << dice.randrange(8)
    return bytes(frame)


class Kept:
    """How much more memory is in use, the first part of a run aside."""

    def __enter__(self):
        tracemalloc.start()
        return self

    def begin(self):
        self.before = tracemalloc.get_traced_memory()[0]

    def more(self):
        return tracemalloc.get_traced_memory()[0] - self.before

    def __exit__(self, *_):
        tracemalloc.stop()


def check_ranges(charger):
    """Some of the requests were good ones by chance; nothing may be what REST would refuse."""
    state = charger.state()
    for wire in ("chargingCurrent", "defaultChargingCurrent"):
        assert 6 <= state[wire] <= state["maxChargingCurrent"] <= 63
    for wire, setting in EVSE.items():
        setting.check(state[wire])


async def test_malformed_requests_over_tcp_do_no_harm(tmp_path, caplog):
    dice = random.Random(1)  # noqa: S311  # seeded on purpose
    charger = Charger(tmp_path)
    pipe, connection = Pipe(), None
    with Kept() as kept:
        for number in range(INPUTS):
            if number == INPUTS // 3:
                kept.begin()
            if connection is None or pipe.closed:
                pipe, connection = Pipe(), Connection(charger.service)
                connection.connection_made(pipe)
            put(connection, tcp_input(dice))
            await settled(connection)
            pipe.sent.clear()
            if dice.random() < 0.05:
                connection.connection_lost(None)
                connection = None
        caplog.clear()
        assert kept.more() < 100_000
    check_ranges(charger)
    pipe, connection = Pipe(), Connection(charger.service)
    connection.connection_made(pipe)
    put(connection, envelope(Frame(1, 1, b""), STATE[1:]))
    assert pipe.sent == envelope(Frame(1, 1, b""), STATE_ANSWER[1:])
    charger.close()


async def test_malformed_frames_on_a_line_do_no_harm(tmp_path, caplog):
    dice = random.Random(2)  # noqa: S311  # seeded on purpose
    charger, hours = Charger(tmp_path), Hours()
    line = Line(hours.clock)
    session = RtuSession(charger.desk, clock=hours.clock, call_later=hours.call_later)
    session.opened(line)
    with Kept() as kept:
        for number in range(INPUTS):
            if number == INPUTS // 3:
                kept.begin()
            session.received(line_input(dice))
            hours.pass_s(dice.choice((0.0, 0.001, 0.3)))
            await settled(session)
            line.sent.clear()
        caplog.clear()
        assert kept.more() < 100_000
    hours.pass_s(1)
    await settled(session)
    line.sent.clear()
    check_ranges(charger)
    session.received(sealed(STATE))
    hours.pass_s(0.1)
    assert [data for _, data in line.sent] == [sealed(STATE_ANSWER)]
    charger.close()


async def test_what_is_said_about_it_is_bounded(tmp_path, caplog):
    dice = random.Random(3)  # noqa: S311  # seeded on purpose
    caplog.set_level("INFO")
    charger = Charger(tmp_path)
    for number in range(500):
        pipe = Pipe(f"10.0.{number % 256}.1")
        connection = Connection(charger.service)
        connection.connection_made(pipe)
        put(connection, tcp_input(dice))
        put(connection, envelope(Frame(1, 1, b""), bytes.fromhex("06006affff")))
        await settled(connection)
        connection.connection_lost(None)
    assert len(caplog.records) < 270
