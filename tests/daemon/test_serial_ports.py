"""The acceptance table of the serial ports, on pseudo terminals and a running daemon."""

import fcntl
import os
import random
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial
from daemon_world import RunningSimulator, eventually
from pty_peer import PtyCable, PtyPeer
from serial_world import MODES, WiredDaemon, line

#: what a port says by itself when it opens in a mode
_FIRST = {"at": b"\n\nRDY\n", "nextion": b"rest"}


@pytest.fixture(scope="module")
def wired() -> Iterator[WiredDaemon]:
    """Yield a daemon with two peers for a whole module."""
    with (
        tempfile.TemporaryDirectory(prefix="evsed-test-") as name,
        RunningSimulator(Path(name) / "sim") as simulator,
        WiredDaemon(Path(name), simulator) as daemon,
    ):
        yield daemon.ready()


@pytest.fixture
def daemon(wired: WiredDaemon) -> WiredDaemon:
    """Return the daemon with both ports closed, both peers plugged in and nothing received."""
    wired.modes(line("none"))
    for peer in wired.peers:
        peer.unplug()
        peer.plug()
        peer.take()
    return wired


def test_writing_back_what_was_read_restarts_no_session(daemon: WiredDaemon) -> None:
    daemon.modes(line("at"))
    at = daemon.peers[0]
    at.wait_for(b"RDY\n")
    at.ask(b'AT+SUB="+STATE",200\n', b"OK\n")
    daemon.post("/config/serial", daemon.get("/config/serial"))
    at.take()
    for _ in range(3):
        at.wait_for(b"+STATE=")
    assert b"RDY" not in at.take()


@pytest.mark.parametrize(
    "body",
    [
        [line("at")],
        [line("at")] * 3,
        [line("at", baudRate=9600), line("log", dataBits=8)],
        [line("at", baudRate=9600), line("foo")],
        [line("at", baudRate=9600), line("log", baudRate=299)],
        [line("at", baudRate=9600), line("log", baudRate=1_000_001)],
        [line("at"), line("at")],
        {},
        [{}, {}],
    ],
)
def test_a_wrong_body_changes_nothing(daemon: WiredDaemon, body: object) -> None:
    before = daemon.get("/config/serial")
    status, _ = daemon.ask("POST", "/config/serial", body)
    assert status == 400
    assert daemon.get("/config/serial") == before
    assert daemon.peers[0].take() == b""


def test_two_ports_may_show_the_log(daemon: WiredDaemon) -> None:
    daemon.post("/config/serial", [line("log"), line("log")])


def test_two_modes_are_swapped_in_one_request(daemon: WiredDaemon) -> None:
    first, second = daemon.peers
    daemon.modes(line("at"), line("nextion"))
    first.wait_for(_FIRST["at"])
    second.wait_for(_FIRST["nextion"])
    daemon.modes(line("nextion"), line("at"))
    first.wait_for(_FIRST["nextion"])
    second.wait_for(_FIRST["at"])
    time.sleep(0.3)
    assert b"rest" not in first.take()
    assert b"RDY" not in second.take()


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("baudRate", [300, 9600, 57600, 230400, 921600, 1_000_000]),
        ("dataBits", ["5", "6", "7", "8"]),
        ("stopBits", ["1", "1.5", "2"]),
        ("parity", ["disable", "even", "odd"]),
    ],
)
def test_every_value_reaches_the_device(
    daemon: WiredDaemon, key: str, values: list[object]
) -> None:
    for value in values:
        wanted = line("at", **{key: value})
        daemon.modes(wanted)
        assert daemon.get("/config/serial")[0] == wanted
        daemon.peers[0].wait_for(b"RDY\n")
        found = daemon.peers[0].attributes()
        assert found[5] == getattr(termios, f"B{wanted['baudRate']}")
        assert bool(found[2] & termios.CSTOPB) == (wanted["stopBits"] != "1")
        assert found[2] & (termios.CSIZE | termios.PARENB) == termios.CS8  # all a pty can do


def test_a_port_of_mode_none_can_be_locked_by_others(daemon: WiredDaemon) -> None:
    daemon.modes(line("at"))
    daemon.peers[0].wait_for(b"RDY\n")
    other = os.open(daemon.peers[0].link, os.O_RDWR | os.O_NOCTTY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    daemon.modes(line("none"))
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


@pytest.mark.parametrize("mode", MODES)
def test_an_unplugged_device_costs_nothing_and_comes_back(
    daemon: WiredDaemon, mode: str, figure: Callable[[str, object], None]
) -> None:
    peer = daemon.peers[0]
    daemon.modes(line(mode))
    first = _FIRST.get(mode)
    if first:
        peer.wait_for(first)
    quiet_s = _cpu_during(daemon, 2)
    peer.unplug()
    unplugged_s = _cpu_during(daemon, 2)
    figure(f"{mode}: CPU of the loop in 2 s, plugged and unplugged", (quiet_s, unplugged_s))
    assert unplugged_s < quiet_s + 0.2
    peer.plug()
    began = time.monotonic()
    if first:
        peer.wait_for(first, 6)
    else:
        eventually(lambda: _locked(peer.link), 6)
    figure(f"{mode}: re-plug to session, s", round(time.monotonic() - began, 2))


def _cpu_during(daemon: WiredDaemon, seconds: float) -> float:
    before = daemon.cpu_s()
    time.sleep(seconds)
    return daemon.cpu_s() - before


def _locked(device: Path) -> bool:
    other = os.open(device, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(other)
    return False


def test_a_port_changes_its_own_line_after_the_answer(daemon: WiredDaemon) -> None:
    at = daemon.peers[0]
    daemon.modes(line("at"))
    at.wait_for(b"RDY\n")
    at.ask(b'AT+SERIAL0="at",9600,3,1,0\n', b"\nOK\n")
    at.wait_for(b"\n\nRDY\n")
    assert at.attributes()[5] == termios.B9600
    assert at.ask(b"AT+SERIAL0?\n", b"OK\n") == b'\n+SERIAL0="at",9600,3,1,0\n\nOK\n'
    assert daemon.get("/config/serial")[0] == line("at", baudRate=9600)


def test_a_port_may_switch_itself_off(daemon: WiredDaemon) -> None:
    at = daemon.peers[0]
    daemon.modes(line("at"))
    at.wait_for(b"RDY\n")
    at.ask(b'AT+SERIAL0="none",9600,3,1,0\r\n', b"\r\nOK\r\n")
    eventually(lambda: not _locked(at.link))


@pytest.mark.parametrize("mode", MODES)
def test_a_peer_that_does_not_read_disturbs_nobody(
    daemon: WiredDaemon, mode: str, figure: Callable[[str, object], None]
) -> None:
    peer = daemon.peers[0]
    daemon.modes(line(mode))
    time.sleep(0.3)
    for number in range(200):
        peer.send(b'AT+SUB="+EMETERPOWER",100\nAT+CMD\n' if mode == "at" else b"\x01\x03\x00\x64")
        if number == 20:
            before_kib = daemon.memory_kib()
    slowest_ms = max(daemon.answer_ms() for _ in range(100))
    grown_kib = daemon.memory_kib() - before_kib
    figure(f"{mode}: slowest of 100 requests, ms; grown, KiB", (round(slowest_ms, 1), grown_kib))
    assert slowest_ms < 1000
    assert grown_kib < 4096
    daemon.modes(line("none"))


@pytest.mark.parametrize("mode", MODES)
def test_a_flood_of_random_bytes_changes_nothing(daemon: WiredDaemon, mode: str) -> None:
    peer = daemon.peers[0]
    daemon.modes(line(mode))
    if mode in _FIRST:
        peer.wait_for(_FIRST[mode])
    before = daemon.get("/state")["enabled"], daemon.get("/config/evse")
    dice = random.Random(11)  # noqa: S311  # the same bytes in every run
    amount = max(100_000, int(os.environ.get("EVSED_FUZZ", "0")) * 10)
    for _ in range(amount // 1000):
        peer.send(dice.randbytes(1000))
        peer.take()
    assert (daemon.get("/state")["enabled"], daemon.get("/config/evse")) == before
    if mode == "at":
        peer.ask(b"\n", b"")
        time.sleep(0.2)
        peer.take()
        peer.ask(b"ATE0\nAT\n", b"\nOK\n")
    assert len(daemon.log) < 2_000_000


def test_people_can_see_how_the_ports_stand(daemon: WiredDaemon) -> None:
    daemon.modes(line("at"))
    daemon.peers[0].wait_for(b"RDY\n")
    open_port = {"name": "PORT0", "mode": "at", "state": "open", "trouble": ""}
    closed_port = {"name": "PORT1", "mode": "none", "state": "closed", "trouble": ""}
    assert daemon.get("/serial") == [open_port, closed_port]
    daemon.peers[0].unplug()
    waiting = eventually(lambda: daemon.get("/serial")[0]["trouble"] and daemon.get("/serial")[0])
    assert waiting["state"] == "waiting"
    assert str(daemon.peers[0].link) in waiting["trouble"]


def test_a_lock_held_elsewhere_is_waited_for(daemon: WiredDaemon) -> None:
    at = daemon.peers[0]
    holder = os.open(at.link, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    said = daemon.log.count("in use by another program")
    daemon.modes(line("at"))
    time.sleep(1.5)
    assert at.take() == b""
    os.close(holder)
    at.wait_for(b"RDY\n", 8)
    assert daemon.log.count("in use by another program") == said + 1


def test_a_hundred_changes_leave_no_descriptor(daemon: WiredDaemon) -> None:
    dice = random.Random(7)  # noqa: S311  # the same changes in every run
    daemon.modes(line("at"), line("log"))
    daemon.modes(line("none"))
    before = daemon.descriptors()
    for _ in range(100):
        first, second = dice.sample([*MODES, "none"], 2)
        daemon.modes(line(first, baudRate=dice.choice([9600, 115200])), line(second))
        for peer in daemon.peers:
            peer.take()
    daemon.modes(line("none"))
    eventually(lambda: daemon.descriptors() <= before + 2)


def test_an_ordinary_serial_program_talks_to_the_charger(
    daemon: WiredDaemon, tmp_path: Path
) -> None:
    """A client of pyserial with a device of its own, at the other end of a cable."""
    client_end = PtyPeer(tmp_path / "client")
    with (
        PtyCable(daemon.peers[0], client_end),
        serial.Serial(str(client_end.link), 115200, timeout=10) as client,
    ):
        daemon.modes(line("at"))
        assert client.read_until(b"RDY\n") == b"\n\nRDY\n"
        client.write(b"AT+DEVNAME?\r\n")
        assert client.read_until(b"OK\r\n") == b'\r\n+DEVNAME="Simulated EVSE"\r\n\r\nOK\r\n'
        client.write(b"AT+ENABLE=0\nAT+ENABLE?\nAT+ENABLE=1\n")
        assert client.read_until(b"=0\n\nOK\n\nOK\n") == b"\nOK\n\n+ENABLE=0\n\nOK\n\nOK\n"
    client_end.unplug()


def test_what_rest_writes_is_pushed_and_what_is_written_here_rest_shows(
    daemon: WiredDaemon, figure: Callable[[str, object], None]
) -> None:
    at = daemon.peers[0]
    daemon.modes(line("at"))
    at.wait_for(b"RDY\n")
    at.ask(b'AT+SUB="+CHCUR",100\n', b"+CHCUR=")
    delays_ms = []
    for amperes in (7, 8.5, 12, 16):
        began = time.monotonic()
        daemon.post("/state/charging-current", amperes)
        at.wait_for(f"\n+CHCUR={round(amperes * 10)}\n".encode(), 5)
        delays_ms.append(round((time.monotonic() - began) * 1000))
    figure("REST to push with 100 ms, ms", delays_ms)
    at.ask(b'AT+UNSUB=""\n', b"\nOK\n")
    at.ask(b"AT+CHCUR=135\n", b"\nOK\n")
    assert daemon.get("/state")["chargingCurrent"] == 13.5
    at.ask(b"AT+MAXCHCUR=10\n", b"\nOK\n")
    assert daemon.get("/state")["chargingCurrent"] == 10
    assert daemon.get("/config/evse")["maxChargingCurrent"] == 10
    at.ask(b"AT+MAXCHCUR=63\n", b"\nOK\n")
    at.ask(b'AT+INSTNAME="Hof"\n', b"\nOK\n")
    assert daemon.get("/config/discovery")["instanceName"] == "Hof"


def test_answers_come_quickly(daemon: WiredDaemon, figure: Callable[[str, object], None]) -> None:
    at = daemon.peers[0]
    daemon.modes(line("at"))
    at.wait_for(b"RDY\n")
    took_ms = []
    for _ in range(100):
        began = time.monotonic()
        at.ask(b"AT+EMETERVOLTAGE?\n", b"OK\n")
        took_ms.append((time.monotonic() - began) * 1000)
    took_ms.sort()
    figure("100 reads, median and slowest, ms", (round(took_ms[50], 1), round(took_ms[-1], 1)))
    assert took_ms[50] < 50
