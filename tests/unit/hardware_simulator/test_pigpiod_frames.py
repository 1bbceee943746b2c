"""The bytes on the wire, from captures of the real client and daemon."""

import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[[str], str]

# request words, answer words, and data. Source: pigpiod-protocol.md section 4.
SESSION = [
    ("1a000000 00000000 00000000 00000000", "1a000000 00000000 00000000 4f000000"),
    ("11000000 00000000 00000000 00000000", "11000000 00000000 00000000 8220a000"),
    ("00000000 17000000 01000000 00000000", "00000000 17000000 01000000 00000000"),
    ("04000000 17000000 01000000 00000000", "04000000 17000000 01000000 00000000"),
    ("03000000 17000000 00000000 00000000", "03000000 17000000 00000000 01000000"),
    ("02000000 18000000 02000000 00000000", "02000000 18000000 02000000 00000000"),
    ("56000000 12000000 e8030000 04000000 ab110400", "56000000 12000000 e8030000 00000000"),
    ("53000000 12000000 00000000 00000000", "53000000 12000000 00000000 ab110400"),
    ("17000000 12000000 00000000 00000000", "17000000 12000000 00000000 e8030000"),
    ("16000000 12000000 00000000 00000000", "16000000 12000000 00000000 40420f00"),
    ("18000000 12000000 00000000 00000000", "18000000 12000000 00000000 90d00300"),
    ("56000000 12000000 e8030000 04000000 00000000", "56000000 12000000 e8030000 00000000"),
    ("03000000 12000000 00000000 00000000", "03000000 12000000 00000000 00000000"),
    ("56000000 12000000 e8030000 04000000 40420f00", "56000000 12000000 e8030000 00000000"),
    ("03000000 12000000 00000000 00000000", "03000000 12000000 00000000 01000000"),
    ("56000000 12000000 00000000 04000000 00000000", "56000000 12000000 00000000 00000000"),
    ("53000000 12000000 00000000 00000000", "53000000 12000000 00000000 a4ffffff"),
    ("56000000 11000000 e8030000 04000000 01000000", "56000000 11000000 e8030000 a1ffffff"),
    ("61000000 18000000 64000000 00000000", "61000000 18000000 64000000 00000000"),
    ("62000000 18000000 e8030000 04000000 88130000", "62000000 18000000 e8030000 00000000"),
    ("47000000 00000000 40420f00 04000000 00000000", "47000000 00000000 40420f00 00000000"),
    ("48000000 00000000 00000000 00000000", "48000000 00000000 00000000 00000000"),
    ("63000000 00000000 00000000 00000000", "63000000 00000000 00000000 00000000"),
    ("13000000 00000000 00000001 00000000", "13000000 00000000 00000001 00000000"),
]


class Wire:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 60)

    def ask(self, words: str, data_bytes: int = 0) -> str:
        self.socket.sendall(bytes.fromhex(words))
        return self.take(16 + data_bytes)

    def command(self, *numbers: int, extension: bytes = b"") -> int:
        words = [*numbers, 0, 0, 0][:3]
        self.socket.sendall(struct.pack("<IIII", *words, len(extension)) + extension)
        return int(struct.unpack("<IIIi", bytes.fromhex(self.take(16)))[3])

    def take(self, count: int) -> str:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            assert part, "closed"
            data += part
        return data[:16].hex(" ", 4) + (" " + data[16:].hex() if data[16:] else "")


@pytest.fixture
def wire(simulator: Any) -> Any:
    wire = Wire(simulator.port)
    yield wire
    wire.socket.close()


def test_a_captured_session_is_answered_byte_for_byte(wire: Wire) -> None:
    for request, answer in SESSION:
        assert wire.ask(request) == answer


def test_a_request_may_arrive_one_byte_at_a_time(wire: Wire) -> None:
    for byte in bytes.fromhex(SESSION[6][0]):
        wire.socket.sendall(bytes([byte]))
    assert wire.take(16) == SESSION[6][1]


def test_both_loopback_addresses_serve_the_same_port(simulator: Any) -> None:
    with socket.create_connection(("::1", simulator.port), 60) as six:
        six.sendall(struct.pack("<IIII", 26, 0, 0, 0))
        assert struct.unpack("<IIII", six.recv(16)) == (26, 0, 0, 79)


def test_a_converter_answers_through_the_daemon(simulator: Any, wire: Wire) -> None:
    simulator.set(noise=0, cable=13)
    wire.ask("47000000 00000000 40420f00 04000000 00000000")
    expected = round(1980 * 4096 / 3300)
    data = f"00{expected:04x}"
    request = "4b000000 00000000 00000000 03000000 064000"
    assert wire.ask(request, 3) == f"4b000000 00000000 00000000 03000000 {data}"


def test_a_chip_select_without_a_converter_floats(simulator: Any, wire: Wire) -> None:
    simulator.set(adcDead=True)
    wire.ask("47000000 00000000 40420f00 04000000 00000000")
    assert wire.ask("4b000000 00000000 00000000 03000000 064000", 3).endswith(" ffffff")


def test_scripts_are_stored_run_and_shown(wire: Wire, eventually: Any) -> None:
    text = b"ld v0 p0 w 23 1 mils 2000 "
    request = struct.pack("<IIII", 38, 0, 0, len(text)) + text
    assert wire.ask(request.hex()) == "26000000 00000000 00000000 1a000000"[:-8] + "00000000"
    run = "28000000 00000000 00000000 08000000 01000000 02000000"
    eventually(lambda: wire.ask(run) == "28000000 00000000 00000000 00000000")
    status = wire.ask("2d000000 00000000 00000000 00000000", 44)
    assert status.startswith("2d000000 00000000 00000000 2c000000 03000000" + "01000000" + "0200")
    update = "75000000 00000000 00000000 04000000 07000000"
    assert wire.ask(update) == "75000000 00000000 00000000 00000000"
    assert wire.ask("2d000000 00000000 00000000 00000000", 44)[44:60] == "0700000002000000"
    assert wire.command(3, 23) == 1


@pytest.mark.parametrize(
    ("numbers", "extension", "code"),
    [
        ((0, 54, 1), b"", -3),
        ((0, 4, 8), b"", -4),
        ((4, 4, 2), b"", -5),
        ((2, 4, 3), b"", -6),
        ((5, 32, 1), b"", -2),
        ((5, 4, 256), b"", -8),
        ((9, 4, 60_001), b"", -15),
        ((9, 32, 1), b"", -2),
        ((97, 4, 300_001), b"", -125),
        ((19, 9, 1), b"", -25),
        ((21, 9), b"", -25),
        ((18,), b"", -24),
        ((83, 4), b"", -92),
        ((86, 18, 125_000_001), struct.pack("<I", 1), -96),
        ((86, 18, 1000), struct.pack("<I", 1_000_001), -97),
        ((71, 2, 1_000_000), struct.pack("<I", 0), -76),
        ((71, 0, 31_999), struct.pack("<I", 0), -78),
        ((71, 0, 1_000_000), struct.pack("<I", 1 << 22), -77),
        ((73, 9, 3), b"", -25),
        ((75, 9), b"abc", -25),
        ((38,), b"fly away", -47),
        ((38,), b"jmp 3", -47),
        ((40, 5), b"", -48),
        ((45, 5), b"", -48),
        ((118, 0), b"", -88),
        ((54, 1), b"", -88),
    ],
)
def test_what_the_daemon_refuses(
    wire: Wire, numbers: tuple[int, ...], extension: bytes, code: int
) -> None:
    assert wire.command(*numbers, extension=extension) == code


def test_only_outputs_follow_the_bank_commands(wire: Wire) -> None:
    wire.command(0, 6, 1)
    wire.command(14, 1 << 6 | 1 << 13)
    assert (wire.command(3, 6), wire.command(3, 13)) == (1, 0)
    bank = wire.command(10) & 0xFFFFFFFF
    assert bank >> 6 & 1
    assert not bank >> 13 & 1
    wire.command(12, 1 << 6)
    assert wire.command(3, 6) == 0
    assert wire.command(11) >= 0


def test_an_input_shows_its_pull_when_nobody_drives_it(wire: Wire) -> None:
    wire.command(0, 13, 0)
    for pull, level in ((2, 1), (1, 0), (0, 0)):
        wire.command(2, 13, pull)
        assert wire.command(3, 13) == level


def test_a_written_pin_leaves_the_pwm_and_its_neighbor_keeps_it(wire: Wire) -> None:
    duty = struct.pack("<I", 300_000)
    wire.command(86, 18, 1000, extension=duty)
    wire.command(0, 12, 4)
    assert wire.command(1, 18) == 2
    wire.command(4, 18, 0)
    assert wire.command(83, 18) == -92
    assert wire.command(83, 12) == 300_000


def test_an_extension_longer_than_the_limit_ends_the_connection(wire: Wire) -> None:
    wire.socket.sendall(struct.pack("<IIII", 38, 0, 0, 65_536))
    with pytest.raises((ConnectionError, AssertionError)):
        wire.take(16)


def test_reports_carry_sequence_tick_and_levels(simulator: Any, wire: Wire) -> None:
    handle = wire.command(99)
    with socket.create_connection(("127.0.0.1", simulator.port), 60) as other:
        other.sendall(struct.pack("<IIII", 19, handle, 1 << 5, 0))
        other.recv(16)
    simulator.set(aux={"AUX_IN1": True})
    simulator.set(aux={"AUX_IN1": False})
    reports = struct.unpack("<HHIIHHII", bytes.fromhex(wire.take(24)))
    assert (reports[0], reports[1], reports[3] >> 5 & 1) == (0, 0, 1)
    assert (reports[4], reports[5], reports[7] >> 5 & 1) == (1, 0, 0)
    assert reports[6] > reports[2]


def test_a_watchdog_reports_again_and_again_until_it_is_ended(simulator: Any) -> None:
    wire, control = Wire(simulator.port), Wire(simulator.port)
    handle = wire.command(99)
    control.command(19, handle, 1 << 24)
    control.command(9, 24, 10)
    reports = struct.unpack("<HHIIHHII", bytes.fromhex(wire.take(24)))
    assert (reports[1], reports[5]) == (0x38, 0x38)
    assert reports[6] - reports[2] == 10_000
    assert control.command(9, 24, 0) == 0
    for one in (wire, control):
        one.socket.close()


def test_events_reach_who_asked_for_them(simulator: Any) -> None:
    wire, control = Wire(simulator.port), Wire(simulator.port)
    handle = wire.command(99)
    control.command(115, handle, 1 << 7)
    control.command(116, 7)
    assert struct.unpack("<HHII", bytes.fromhex(wire.take(12)))[1] == 0x87
    assert control.command(116, 32) == -143
    for one in (wire, control):
        one.socket.close()


def test_closing_a_connection_frees_its_handle(simulator: Any, eventually: Any) -> None:
    first = Wire(simulator.port)
    assert first.command(99) == 0
    first.socket.close()
    eventually(lambda: simulator.get()["pigpiod"]["connections"] == 0)
    second = Wire(simulator.port)
    assert second.command(99) == 0
    second.socket.close()


def test_the_thirty_third_handle_is_refused(wire: Wire) -> None:
    assert [wire.command(99) for _ in range(33)] == [*range(32), -24]


def test_the_thirty_third_script_has_no_room(wire: Wire) -> None:
    assert [wire.command(38, extension=b"halt") for _ in range(33)] == [*range(32), -57]
    assert wire.command(39, 4) == 0
    assert wire.command(38, extension=b"halt") == 4
