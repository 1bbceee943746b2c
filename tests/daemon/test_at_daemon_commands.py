"""AT commands on the running daemon: malformed input, other interfaces, the restart."""

import os
import random
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon_world import RunningSimulator
from serial_world import WiredDaemon, line

_FUZZ = int(os.environ.get("EVSED_FUZZ", "3000"))
_PARTS = [
    *(b"AT", b"at+", b"+STATE", b"+CHCUR", b"+SUB", b"+CMD", b"+DEVNAME", b"E1", b"E0", b"+HEAP"),
    *(b"?", b"=", b"=?", b",", b'"', b"\\", b"\\n", b"1", b"-1", b"99999999999", b"\x00", b"\xff"),
    *(b"\r", b"\n", b"\r\n", b" ", b"x" * 300),
]


@pytest.fixture(scope="module")
def wired() -> Iterator[WiredDaemon]:
    """Yield a daemon with AT commands on the first port and Modbus on the second."""
    with (
        tempfile.TemporaryDirectory(prefix="evsed-test-") as name,
        RunningSimulator(Path(name) / "sim") as simulator,
        WiredDaemon(Path(name), simulator) as daemon,
    ):
        daemon.ready().modes(line("at"), line("modbus"))
        daemon.peers[0].wait_for(b"RDY\n")
        yield daemon


def test_malformed_commands_leave_the_charger_as_it_was(
    wired: WiredDaemon, figure: Callable[[str, object], None]
) -> None:
    at = wired.peers[0]
    dice = random.Random(9)  # noqa: S311  # the same input in every run
    before = wired.get("/config/evse"), wired.get("/config/discovery")
    passes = wired.get("/reason")["lateness"]
    log_bytes, kib = len(wired.log), 0
    for number in range(_FUZZ):
        at.send(b"".join(dice.choices(_PARTS, k=dice.randrange(1, 9))) + b"\n")
        at.take()
        if number == _FUZZ // 2:
            kib = wired.memory_kib()
    at.send(b'\n"\nATE0\nAT+UNSUB=""\n')
    at.ask(b"AT+VER?\n", b"+VER=", 60)
    at.wait_for(b"OK\n")
    assert (wired.get("/config/evse"), wired.get("/config/discovery")) == before
    grown_kib = wired.memory_kib() - kib
    late = wired.get("/reason")["lateness"]
    figure("grown in the second half, KiB", grown_kib)
    figure("passes and those over 5 ms late, before and after", (passes, late))
    assert grown_kib < 4096
    assert len(wired.log) - log_bytes < 20_000
    assert late["passes"] > passes["passes"]


def test_thousands_of_commands_may_be_sent_without_waiting(wired: WiredDaemon) -> None:
    at, count = wired.peers[0], 5000
    commands = b"AT+UPTIME?\n" * count + b"AT+DEVNAME?\n"
    answered = b""
    while not answered.endswith(b'+DEVNAME="Simulated EVSE"\n\nOK\n'):
        commands = commands[at.send_some(commands) :]
        answered += at.take()
    assert answered.count(b"+UPTIME=") == count
    assert b"ERROR" not in answered


def test_what_modbus_writes_is_pushed_here(
    wired: WiredDaemon, figure: Callable[[str, object], None]
) -> None:
    at, master = wired.peers
    at.ask(b'AT+SUB="+ENABLE",100\n', b"+ENABLE=1\n")
    began = time.monotonic()
    for enabled in (0, 1):
        frame = _frame(bytes([1, 6, 0, 103, 0, enabled]))
        assert master.ask(frame, frame) == frame
        at.wait_for(f"+ENABLE={enabled}\n".encode(), 5)
    figure("two writes over Modbus to their pushes, ms", round((time.monotonic() - began) * 1000))
    at.ask(b'AT+UNSUB=""\n', b"\nOK\n")
    at.take()
    at.ask(b"AT+ENABLE=0\n", b"\nOK\n")
    assert master.ask(_frame(bytes([1, 3, 0, 103, 0, 1])), _frame(b"\x01\x03\x02\x00\x00"))
    at.ask(b"AT+ENABLE=1\n", b"\nOK\n")


def test_a_vehicle_is_paused_by_a_command(wired: WiredDaemon) -> None:
    at = wired.peers[0]
    wired.charge()
    assert at.ask(b"AT+STATE?\n", b"OK\n") == b"\n+STATE=4\n\nOK\n"
    at.ask(b"AT+ENABLE=0\n", b"\nOK\n")
    wired.until("B1")
    at.ask(b"AT+ENABLE=1\n", b"\nOK\n")
    wired.street(vehicle="none")
    wired.until("A")


def test_a_restart_is_answered_before_it_happens(wired: WiredDaemon) -> None:
    """The last one: the daemon has ended afterwards."""
    began = time.monotonic()
    wired.peers[0].ask(b"AT+RST\n", b"\nOK\n")
    assert time.monotonic() - began < 1
    wired.wait()
    assert "restart asked for by AT" in wired.log


def _frame(body: bytes) -> bytes:
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return body + struct.pack("<H", crc)
