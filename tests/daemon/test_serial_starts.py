"""Serial ports when the daemon starts, ends and starts again, and lines that hear themselves."""

import signal
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

from daemon_world import RunningSimulator
from pty_peer import PtyPeer
from serial_world import WiredDaemon, line

#: what a busy machine may add to a promise
_SLACK_S = 5.0


def _frame(body: bytes) -> bytes:
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return body + struct.pack("<H", crc)


#: unit 1, read 12 registers from 100
_POLL = _frame(bytes.fromhex("01030064000c"))
_ANSWER_BYTES = 3 + 24 + 2


class Master:
    """Polls every 50 ms and keeps the good answers with their times."""

    def __init__(self, peer: PtyPeer) -> None:
        self._peer = peer
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="master")
        self.answers: list[tuple[float, bytes]] = []

    def __enter__(self) -> "Master":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._ended.wait(0.05):
            said = self._peer.take()
            if len(said) == _ANSWER_BYTES and _frame(said[:-2]) == said:
                self.answers.append((time.monotonic(), said))
            self._peer.send(_POLL)


def test_a_device_that_is_missing_at_start_does_not_keep_the_charger_from_starting(
    folder: Path, simulator: RunningSimulator, figure: Callable[[str, object], None]
) -> None:
    peers = [PtyPeer(folder / f"tty{place}") for place in range(2)]
    with WiredDaemon(folder, simulator, peers=peers) as daemon:
        daemon.ready().modes(line("at"))
        peers[0].wait_for(b"RDY\n")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    with WiredDaemon(folder, simulator, peers=peers) as daemon:
        daemon.ready()
        assert daemon.get("/config/serial")[0]["mode"] == "at"
        assert daemon.log.count("is missing") == 1
        began = time.monotonic()
        peers[0].plug()
        peers[0].wait_for(b"RDY\n", 3 + _SLACK_S)
        figure("device appears to session, s", round(time.monotonic() - began, 2))


def test_a_master_that_goes_on_polling_is_answered_soon_after_a_restart(
    folder: Path, simulator: RunningSimulator, figure: Callable[[str, object], None]
) -> None:
    peers = [PtyPeer(folder / f"tty{place}") for place in range(2)]
    with Master(peers[0]) as master:
        with WiredDaemon(folder, simulator, peers=list(peers)) as daemon:
            daemon.ready().modes(line("modbus"))
            _until(lambda: len(master.answers) > 3)
            daemon.signal(signal.SIGTERM)
            daemon.wait()
            daemon.peers.clear()
            ended = time.monotonic()
        with WiredDaemon(folder, simulator, peers=peers) as daemon:
            _until(lambda: master.answers[-1][0] > ended)
            took_s = next(at for at, _ in master.answers if at > ended) - ended
            figure("start of the process to the first answer, s", round(took_s, 2))
            assert took_s < 3 + _SLACK_S


def test_a_line_that_hears_itself_gives_right_answers_and_none_to_itself(
    folder: Path, simulator: RunningSimulator
) -> None:
    with WiredDaemon(folder, simulator, types=("rs485", "uart")) as daemon:
        peer = daemon.peers[0]
        daemon.ready().modes(line("modbus"))
        time.sleep(0.2)
        for _ in range(10):
            peer.send(_POLL)
            answer = peer.wait_for(b"\x01\x03\x18")
            while len(answer) < _ANSWER_BYTES:
                answer += peer.take()
            assert _frame(answer[:-2]) == answer
            peer.send(answer)
            time.sleep(0.05)
            assert peer.take() == b""


def test_a_daemon_with_open_ports_ends_within_a_second_or_so(
    folder: Path, simulator: RunningSimulator
) -> None:
    with WiredDaemon(folder, simulator) as daemon:
        daemon.ready().modes(line("at"), line("log"))
        daemon.peers[0].wait_for(b"RDY\n")
        daemon.peers[0].send(b"AT+CMD\n" * 20)
        time.sleep(0.3)
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert time.monotonic() - began < 3 + _SLACK_S


def _until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_a_direction_pin_is_high_while_the_charger_answers(
    folder: Path, simulator: RunningSimulator
) -> None:
    with WiredDaemon(folder, simulator, types=("rs485", "uart"), direction_gpio=12) as daemon:
        peer = daemon.peers[0]
        daemon.ready().modes(line("at", baudRate=300))
        peer.wait_for(b"RDY\n")
        _until(lambda: not simulator.get()["pins"]["12"])
        peer.send(b"AT+TEMP?\n")  # some 20 characters take 0.7 s
        peer.wait_for(b"OK\n")
        assert simulator.get()["pins"]["12"]
        _until(lambda: not simulator.get()["pins"]["12"])
        assert "is not possible" not in daemon.log
