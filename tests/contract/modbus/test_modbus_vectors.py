"""Every recorded exchange, fed whole, byte by byte, and among others."""

import pytest
from modbus_world import VECTORS, Charger, Hours, Line, Pipe, put, settled

from evsed.services.modbus.line import sealed
from evsed.services.modbus.rtu import RtuSession
from evsed.services.modbus.tcp import Connection

TCP = [vector for vector in VECTORS["vectors"] if vector["transport"] == "tcp"]
RTU = [vector for vector in VECTORS["vectors"] if vector["transport"] == "rtu"]

#: reads the limits' registers of the clock: the same in every vector but two
PROBE = bytes.fromhex("777700000006ff0301940001")
PROBED = bytes.fromhex("777700000005ff03020001")


def named(vectors):
    return pytest.mark.parametrize("vector", vectors, ids=[one["name"] for one in vectors])


@pytest.fixture
def charger(tmp_path, vector):
    made = []

    def make():
        made.append(Charger(tmp_path, vector["preconditions"]))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def exchanged(charger, pieces):
    """Return what a connection sent, and whether it was closed."""
    pipe, connection = Pipe(), Connection(charger.service)
    connection.connection_made(pipe)
    for piece in pieces:
        if pipe.closed:
            break
        put(connection, piece)
        await settled(connection)
    await settled(connection)
    return bytes(pipe.sent), pipe.closed


def check_effects(charger, before, vector):
    expected = before | vector.get("effects", {})
    after = charger.state()
    assert {key: after[key] for key in expected} == expected


@named(TCP)
@pytest.mark.parametrize("cut", ["whole", "bytes", "segments"])
async def test_a_tcp_exchange_is_as_recorded(charger, vector, cut):
    station = charger()
    before = station.state()
    request = bytes.fromhex(vector["request_hex"])
    pieces = {
        "whole": [request],
        "bytes": [request[at : at + 1] for at in range(len(request))],
        "segments": [bytes.fromhex(one) for one in vector.get("segments_hex", [])] or [request],
    }[cut]
    sent, closed = await exchanged(station, pieces)
    assert sent.hex() == vector["response_hex"]
    assert closed is ("connection" in vector)
    check_effects(station, before, vector)


@named(TCP)
async def test_a_tcp_exchange_among_others_is_as_recorded(charger, vector):
    station = charger()
    before = station.state()
    request, answer = bytes.fromhex(vector["request_hex"]), bytes.fromhex(vector["response_hex"])
    ends = "connection" in vector
    complete = not ends and not vector["name"].startswith("incomplete")
    pieces = [PROBE + request + (PROBE if complete else b"")]
    sent, closed = await exchanged(station, pieces)
    assert sent.hex() == (PROBED + answer + (PROBED if complete else b"")).hex()
    assert closed is ends
    check_effects(station, before, vector)


async def on_the_line(charger, pieces, pause_s=0.0005):
    """Return what a station on a serial line sent."""
    hours = Hours()
    line = Line(hours.clock)
    session = RtuSession(charger.desk, clock=hours.clock, call_later=hours.call_later)
    session.opened(line)
    for piece in pieces:
        session.received(piece)
        hours.pass_s(pause_s)
    for _ in range(20):
        hours.pass_s(0.005)
        await settled(session)
    await session.closed("test")
    return b"".join(data for _, data in line.sent)


@named(RTU)
@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_an_exchange_on_the_line_is_as_recorded(charger, vector, cut):
    station = charger()
    before = station.state()
    request = bytes.fromhex(vector["request_hex"])
    pieces = [request] if cut == "whole" else [request[at : at + 1] for at in range(len(request))]
    sent = await on_the_line(station, pieces)
    assert sent.hex() == vector["response_hex"]
    check_effects(station, before, vector)


@named(RTU)
async def test_an_exchange_behind_foreign_frames_is_as_recorded(charger, vector):
    station = charger()
    before = station.state()
    question = sealed(bytes.fromhex("330300640002"))
    answer = sealed(bytes.fromhex("33030400000001"))
    refusal = sealed(bytes.fromhex("338302"))
    request = bytes.fromhex(vector["request_hex"])
    sent = await on_the_line(station, [question + answer + question + refusal + request])
    assert sent.hex() == vector["response_hex"]
    check_effects(station, before, vector)


def test_the_vectors_are_all_there():
    assert (len(TCP), len(RTU)) == (177, 21)
