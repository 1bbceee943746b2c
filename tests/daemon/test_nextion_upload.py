"""Programs written into an emulated display through the running daemon."""

import contextlib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from daemon_world import Daemon, RunningSimulator, eventually
from display_world import OTHER, UART, LivingDisplay, board_with

from evsed.hardware.simulator.display_device import EmulatedDisplay
from evsed.hardware.simulator.display_faults import DisplayFaults
from evsed.hardware.simulator.display_pages import STOCK_PAGES

NEXTION = UART | {"mode": "nextion"}
FILE = "application/octet-stream"
MEGABYTE = 1_000_000
SLOW = "/nextion/upload?baud-rate=115200"


def program(length: int) -> bytes:
    """Return a display's program: it says itself how long it is."""
    body = bytearray(bytes(range(251)) * (length // 251 + 1))[:length]
    body[0x3C:0x40] = length.to_bytes(4, "little")
    return bytes(body)


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Daemon, LivingDisplay]]:
    """Yield a daemon and the display on its first port."""
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name:
        folder = Path(name)
        board = board_with(folder / "display", folder)
        with (
            LivingDisplay(folder / "display") as display,
            RunningSimulator(folder / "sim", board) as simulator,
            Daemon(folder, "--board", str(board), simulator=simulator) as daemon,
        ):
            yield daemon.ready(), display


@pytest.fixture
def daemon(both: tuple[Daemon, LivingDisplay]) -> Daemon:
    """Return the daemon, its first port in mode nextion."""
    both[0].post("/config/serial", [NEXTION, OTHER])
    return both[0]


@pytest.fixture
def display(daemon: Daemon, both: tuple[Daemon, LivingDisplay]) -> LivingDisplay:
    """Return the display, just switched on and without faults."""
    both[1].do(_switch_on)
    filled(both[1])
    return both[1]


def _switch_on(device: EmulatedDisplay) -> None:
    device.faults = DisplayFaults()
    device.received = None
    device.power_up()


def filled(display: LivingDisplay) -> None:
    """Wait until the main page is complete."""
    eventually(lambda: display.shown.keys() == set(STOCK_PAGES["main"]))


def order(display: LivingDisplay, **faults: object) -> None:
    def change(device: EmulatedDisplay) -> None:
        device.faults = DisplayFaults(**faults)

    display.do(change)


def received(display: LivingDisplay) -> list[tuple[int, bytes]]:
    """Return the parts of the last complete program."""
    return display.do(lambda device: device.received.parts if device.received else [])


def upload(daemon: Daemon, body: bytes, path: str = "/nextion/upload") -> tuple[int, Any]:
    return daemon.ask("POST", path, body, FILE)


class Client(threading.Thread):
    """Somebody who uploads in the background."""

    def __init__(self, daemon: Daemon, body: bytes) -> None:
        super().__init__()
        self._daemon, self._body = daemon, body
        self.status = 0

    def run(self) -> None:
        self.status, _ = upload(self._daemon, self._body)


def blocks(display: LivingDisplay) -> int:
    return display.do(lambda device: device.receiver.blocks if device.receiver else 0)


def test_a_megabyte_goes_through_curl(
    daemon: Daemon,
    display: LivingDisplay,
    tmp_path: Path,
    figure: Callable[[str, object], None],
) -> None:
    file = tmp_path / "program.tft"
    file.write_bytes(program(MEGABYTE))
    url = f"http://127.0.0.1:{daemon.port}/api/v1/nextion/upload?baud-rate=921600"
    began_s = time.monotonic()
    command = ["curl", "-sS", "--data-binary", f"@{file}", "-H", f"Content-Type: {FILE}", url]
    answer = subprocess.run(command, capture_output=True, check=True, timeout=60)
    figure("1 MB through a pseudo terminal, s", round(time.monotonic() - began_s, 2))
    assert answer.stdout == b"OK"
    assert b"".join(part for _, part in received(display)) == file.read_bytes()
    assert "nextion: upload 100 %" in daemon.log
    eventually(lambda: display.line_rate == 115200)
    filled(display)


def test_what_the_display_has_already_is_left_out(daemon: Daemon, display: LivingDisplay) -> None:
    order(display, skip_to=819200)
    body = program(MEGABYTE)
    assert upload(daemon, body) == (200, "OK")
    parts = received(display)
    assert parts[1][0] == 819200
    assert all(body[begin : begin + len(part)] == part for begin, part in parts)
    assert parts[-1][0] + len(parts[-1][1]) == MEGABYTE
    filled(display)


def test_an_older_display_is_written_as_well(daemon: Daemon, display: LivingDisplay) -> None:
    order(display, old=True)
    assert daemon.get("/nextion/info") is not None
    assert upload(daemon, program(10_000)) == (200, "OK")
    assert sum(len(part) for _, part in received(display)) == 10_000


def test_a_display_that_refuses_is_531_and_goes_on_showing(
    daemon: Daemon, display: LivingDisplay
) -> None:
    order(display, refuse=True)
    status, text = upload(daemon, program(10_000))
    assert (status, "refused" in text) == (531, True)
    order(display)
    filled(display)


@pytest.mark.parametrize("fault", [{"wrong_ack": 2}, {"skip_to": 5}, {"skip_to": MEGABYTE + 1}])
def test_an_answer_that_makes_no_sense_is_531(
    daemon: Daemon, display: LivingDisplay, fault: dict[str, int]
) -> None:
    order(display, **fault)
    assert upload(daemon, program(MEGABYTE))[0] == 531
    eventually(lambda: display.line_rate == 115200)
    display.do(_switch_on)
    filled(display)


def test_a_silent_display_is_nobody(daemon: Daemon, display: LivingDisplay) -> None:
    order(display, silent=True)
    assert daemon.get("/nextion/info") is None
    status, text = upload(daemon, program(10_000))
    assert (status, "5 s" in text) == (531, True)


def test_a_client_that_goes_away_leaves_the_port_as_it_was(
    daemon: Daemon, display: LivingDisplay
) -> None:
    body = program(MEGABYTE)
    head = (
        f"POST /api/v1/nextion/upload HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: {FILE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", daemon.port)) as client:
        client.sendall(head.encode() + body[:100_000])
        eventually(lambda: blocks(display) >= 20)
    eventually(lambda: "532" in daemon.log)
    eventually(lambda: display.line_rate == 115200)
    display.do(_switch_on)
    filled(display)
    assert upload(daemon, program(10_000)) == (200, "OK")


def test_a_second_upload_is_531_and_the_first_goes_on(
    daemon: Daemon, display: LivingDisplay
) -> None:
    order(display, no_ack=3)
    first = Client(daemon, program(MEGABYTE))
    first.start()
    eventually(lambda: blocks(display) == 3)
    assert upload(daemon, program(10_000))[0] == 531
    assert daemon.get("/nextion/info") is None
    order(display)
    display.send(b"\x05")
    first.join(30)
    assert first.status == 200
    assert len(received(display)) == -(-MEGABYTE // 4096)


def test_another_mode_of_the_port_ends_an_upload(daemon: Daemon, display: LivingDisplay) -> None:
    order(display, no_ack=3)
    first = Client(daemon, program(MEGABYTE))
    first.start()
    eventually(lambda: blocks(display) == 3)
    daemon.post("/config/serial", [UART | {"mode": "none"}, OTHER])
    first.join(30)
    assert first.status == 531
    assert upload(daemon, program(10_000))[0] == 531
    assert daemon.get("/nextion/info") is None


def test_a_program_that_is_not_one_does_not_touch_the_display(
    daemon: Daemon, display: LivingDisplay
) -> None:
    restarts = display.do(lambda device: device.restarts)
    assert upload(daemon, program(MEGABYTE)[:10_000])[0] == 531
    assert upload(daemon, b"<html>")[0] == 531
    assert upload(daemon, b"")[0] == 531
    assert display.do(lambda device: device.restarts) == restarts


@pytest.mark.parametrize("rate", ["abc", "1000000", "2399", "115200.0", ""])
def test_a_rate_that_is_none_is_400(daemon: Daemon, rate: str) -> None:
    assert upload(daemon, program(8192), f"/nextion/upload?baud-rate={rate}")[0] == 400


def _raw(daemon: Daemon, head: str) -> bytes:
    """Return the status line of the answer to a request in the client's own words."""
    with socket.create_connection(("127.0.0.1", daemon.port), 10) as client:
        client.sendall(head.replace("\n", "\r\n").encode())
        answer = b""
        with contextlib.suppress(ConnectionError):
            while b"\r\n" not in answer and (more := client.recv(4096)):
                answer += more
    return answer.partition(b"\r\n")[0]


REQUEST = f"POST /api/v1{SLOW} HTTP/1.1\nHost: 127.0.0.1\nContent-Type: {FILE}\n"


def test_without_a_length_it_is_411(daemon: Daemon) -> None:
    answer = _raw(daemon, f"{REQUEST}Transfer-Encoding: chunked\n\n5\nhello\n0\n\n")
    assert b" 411 " in answer


def test_more_than_128_mib_are_413(daemon: Daemon) -> None:
    answer = _raw(daemon, f"{REQUEST}Content-Length: {128 * 1024 * 1024 + 1}\n\n")
    assert b" 413 " in answer
