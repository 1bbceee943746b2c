"""Requests found among everything that stands on a serial line."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsed.services.modbus.line import LineReader, checksum, gap_s, sealed, silence_s

UNIT = 1
READ = sealed(bytes.fromhex("010300640001"))
WRITE = sealed(bytes.fromhex("010600670000"))
WRITES = sealed(bytes.fromhex("0110006b00020400002710"))
UNKNOWN = sealed(bytes.fromhex("012b0e0100"))
FOREIGN = [
    sealed(bytes.fromhex(text))
    for text in (
        "020300640002",  # a read
        "02030400000001",  # its answer
        "0204006400020000",  # not a frame of this length: an answer of 0 registers has 5 bytes
        "028302",  # a refusal
        "020600670001",
        "0210006b00020400002710",
        "0210006b0002",
        "020100000008",
        "020101ff",
        "020f000000080155",
        "02160067000000ff",
        "0217006400010067000102beef",
        "0211",
        "020800001234",
        "000600670000",  # to everybody
    )
]


def requests(reader, *reads):
    found = []
    for data in reads:
        found += reader.feed(data, UNIT)
    return found


def test_the_checksum_is_the_one_everybody_uses():
    assert checksum(bytes.fromhex("010300640001")).hex() == "c5d5"


@pytest.mark.parametrize("frame", [READ, WRITE, WRITES])
def test_a_request_is_known_by_its_length(frame):
    assert requests(LineReader(), frame) == [frame[1:-2]]
    single = [frame[at : at + 1] for at in range(len(frame))]
    assert requests(LineReader(), *single) == [frame[1:-2]]


def test_a_request_of_unknown_length_is_known_by_the_silence():
    reader = LineReader()
    assert requests(reader, UNKNOWN) == []
    assert reader.silence(UNIT) == UNKNOWN[1:-2]
    assert reader.silence(UNIT) is None


@pytest.mark.parametrize("frame", FOREIGN, ids=lambda frame: frame.hex())
def test_a_foreign_frame_is_passed_over(frame):
    reader = LineReader()
    assert requests(reader, frame, READ) == [READ[1:-2]]
    assert reader.silence(UNIT) is None


def test_all_that_a_line_carries_may_come_in_one_piece():
    known = [frame for frame in FOREIGN if not frame.startswith(bytes.fromhex("0204"))]
    stream = b"".join(frame + WRITE for frame in known)
    assert requests(LineReader(), stream) == [WRITE[1:-2]] * len(known)
    assert requests(LineReader(), *(stream[at : at + 1] for at in range(len(stream)))) == [
        WRITE[1:-2]
    ] * len(known)


@pytest.mark.parametrize("frame", [READ, WRITE, WRITES])
def test_a_request_in_the_middle_of_a_read_is_not_looked_for(frame):
    reader = LineReader()
    assert requests(reader, b"\x55\xaa" + frame) == []
    assert reader.silence(UNIT) is None


@pytest.mark.parametrize("damage", [b"\x01", b"\x01\x03\x00", READ[:-1] + b"\0", b"\x02\x2b\x01"])
def test_a_broken_frame_does_not_hide_the_next_read(damage):
    assert requests(LineReader(), damage, READ) == [READ[1:-2]]


@pytest.mark.parametrize("damage", [b"\x01", b"\x01\x03\x00", READ[:-1] + b"\0", bytes(300)])
def test_after_silence_everything_is_forgotten(damage):
    reader = LineReader()
    assert requests(reader, damage) == []
    assert reader.silence(UNIT) is None
    assert requests(reader, WRITE[:4], WRITE[4:]) == [WRITE[1:-2]]


def test_too_much_nonsense_is_not_kept():
    reader = LineReader()
    for _ in range(1000):
        assert requests(reader, b"\x02" * 7) == []
        assert len(reader._data) <= 256
    assert requests(reader, READ) == [READ[1:-2]]


def test_another_unit_is_nobody_here():
    reader = LineReader()
    assert reader.feed(READ, 2) == []
    assert reader.silence(2) is None


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_whatever_is_received_the_reader_keeps_little(reads):
    reader = LineReader()
    for data in reads:
        if data:
            for request in reader.feed(data, UNIT):
                assert request[0] in (3, 4, 6, 16)
        assert len(reader._data) <= 256
    reader.silence(UNIT)
    assert requests(reader, READ) == [READ[1:-2]]


def test_random_bytes_never_write():
    """A checksum fits by chance once in 65536: writes must not be looked for everywhere."""
    noise = random.Random(5)  # noqa: S311  # seeded on purpose
    reader, found = LineReader(), []
    for _ in range(4000):
        found += reader.feed(noise.randbytes(noise.randrange(1, 64)), UNIT)
        if noise.random() < 0.05:
            reader.silence(UNIT)
    assert [request for request in found if request[0] in (6, 16)] == []


@pytest.mark.parametrize(
    ("baud_rate", "bits", "gap_ms"),
    [
        (1200, 10, 29.17),
        (1200, 11, 32.08),
        (9600, 10, 3.65),
        (9600, 11, 4.01),
        (19200, 10, 1.82),
        (19200, 11, 2.01),
        (19201, 11, 1.75),
        (115200, 10, 1.75),
    ],
)
def test_the_gap_between_frames_is_three_and_a_half_characters(baud_rate, bits, gap_ms):
    assert gap_s(baud_rate, bits) * 1000 == pytest.approx(gap_ms, abs=0.01)


def test_silence_is_longer_than_what_a_receiver_holds_back():
    assert silence_s(115200, 10, usb=False) == 0.005
    assert silence_s(115200, 10, usb=True) == 0.020
    assert silence_s(9600, 10, usb=False) > 16 * 10 / 9600
