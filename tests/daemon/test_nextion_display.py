"""An emulated display on a serial port of the running daemon."""

import os
import random
import socket
import statistics
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon_world import Daemon, RunningSimulator, eventually, milliseconds_until
from display_world import OTHER, UART, LivingDisplay, board_with
from modbus_clients import switch_on

from evsed.hardware.simulator.display_pages import STOCK_PAGES

END = b"\xff\xff\xff"
NEXTION = UART | {"mode": "nextion"}
#: the register of the charging current
CHARGING_CURRENT = 106
FUZZ = int(os.environ.get("EVSED_FUZZ", "2000"))


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Daemon, LivingDisplay]]:
    """Yield a daemon whose first port is in mode nextion, and the display on it."""
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as name:
        folder = Path(name)
        board = board_with(folder / "display", folder)
        with (
            LivingDisplay(folder / "display") as display,
            RunningSimulator(folder / "sim", board) as simulator,
            Daemon(
                folder, "--board", str(board), "--modbus-port", "0", simulator=simulator
            ) as daemon,
        ):
            daemon.ready().post("/config/serial", [NEXTION, OTHER])
            yield daemon, display


@pytest.fixture
def daemon(both: tuple[Daemon, LivingDisplay]) -> Daemon:
    return both[0]


@pytest.fixture
def display(both: tuple[Daemon, LivingDisplay]) -> LivingDisplay:
    """Return the display, its main page open and complete."""
    open_page(both[1], "main")
    return both[1]


def open_page(display: LivingDisplay, name: str) -> None:
    display.do(lambda device: device.open_page(name))
    eventually(lambda: display.shown.keys() == set(STOCK_PAGES[name]))


@pytest.mark.parametrize("page", STOCK_PAGES)
def test_every_page_is_filled(display: LivingDisplay, page: str) -> None:
    open_page(display, page)


def test_the_main_page_shows_what_rest_says(daemon: Daemon, display: LivingDisplay) -> None:
    state = daemon.get("/state")
    shown = display.shown
    assert shown["state"] == state["state"]
    assert shown["en"] == int(state["enabled"])
    assert shown["chCur"] == state["chargingCurrent"] * 10
    assert shown["maxChCur"] == daemon.get("/config/evse")["maxChargingCurrent"]
    assert shown["totConsum"] == state["totalConsumption"] // 3600


def test_what_rest_changes_is_shown_within_a_tick(
    daemon: Daemon, display: LivingDisplay, figure: Callable[[str, object], None]
) -> None:
    delays_ms = []
    for amperes in (7, 8, 9, 10, 11, 12, 13, 14, 15, 16):
        daemon.post("/state/charging-current", amperes)
        wanted = amperes * 10
        delays_ms.append(milliseconds_until(lambda: display.shown["chCur"] == wanted))  # noqa: B023  # asked at once
    figure("REST to display, ms", [round(delay, 1) for delay in delays_ms])
    assert statistics.median(delays_ms) < 200


def test_what_modbus_writes_is_shown_as_well(daemon: Daemon, display: LivingDisplay) -> None:
    port = switch_on(daemon)
    for tenths in (70, 80, 90):
        write = struct.pack(">HHHBBHH", 1, 0, 6, 1, 6, CHARGING_CURRENT, tenths)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(write)
            assert client.recv(12) == write
        eventually(lambda: display.shown["chCur"] == tenths)  # noqa: B023  # asked at once
        assert daemon.get("/state")["chargingCurrent"] == tenths / 10


def test_what_is_pressed_is_done(daemon: Daemon, display: LivingDisplay) -> None:
    display.do(lambda device: device.press("chCur 135"))
    eventually(lambda: daemon.get("/state")["chargingCurrent"] == 13.5)
    display.do(lambda device: device.press("en 0"))
    eventually(lambda: daemon.get("/state")["enabled"] is False)
    eventually(lambda: (display.shown["chCur"], display.shown["en"]) == (135, 0))
    display.do(lambda device: device.press("en 1"))
    eventually(lambda: display.shown["en"] == 1)


def test_a_slider_beyond_the_maximum_jumps_back(daemon: Daemon, display: LivingDisplay) -> None:
    daemon.post("/config/evse", {"maxChargingCurrent": 16})
    daemon.post("/state/charging-current", 16)
    eventually(lambda: display.shown["chCur"] == 160)
    display.do(lambda device: device.shown.update(chCur=320))
    display.do(lambda device: device.press("chCur 320"))
    eventually(lambda: display.shown["chCur"] == 160)
    assert daemon.get("/state")["chargingCurrent"] == 16


def test_a_charge_is_watched_and_fits_the_slowest_line(
    daemon: Daemon, display: LivingDisplay, figure: Callable[[str, object], None]
) -> None:
    daemon.post("/config/evse", {"energyMeterMode": "cur_vlt", "energyMeterThreePhases": True})
    daemon.charge()
    eventually(lambda: display.shown["state"] == "C2" and display.shown["power"] > 5000)
    before, began_s = display.heard_bytes, time.monotonic()
    time.sleep(3)
    rate = (display.heard_bytes - before) / (time.monotonic() - began_s)
    figure("main page while charging, bytes per second", round(rate))
    assert rate < 400
    daemon.street(vehicle="none")
    eventually(lambda: display.shown["state"] == "A")


def test_the_display_is_recognized(daemon: Daemon, display: LivingDisplay) -> None:
    expected = {"model": "NX4832T035_011R", "touch": True, "flashSize": 16777216}
    assert daemon.get("/nextion/info") == expected
    assert display.shown.keys() == set(STOCK_PAGES["main"])


def test_a_sleeping_display_is_woken_by_a_vehicle(daemon: Daemon, display: LivingDisplay) -> None:
    display.do(lambda device: device.fall_asleep())
    daemon.street(vehicle="connected")
    eventually(lambda: not display.do(lambda device: device.asleep))
    eventually(lambda: display.shown.get("state", "A").startswith("B"))
    daemon.street(vehicle="none")
    eventually(lambda: display.shown["state"] == "A")


def test_a_display_that_is_switched_on_again_is_filled(display: LivingDisplay) -> None:
    display.do(lambda device: device.power_up())
    eventually(lambda: display.shown.keys() == set(STOCK_PAGES["main"]))


def _memory_kib(daemon: Daemon) -> int:
    status = Path(f"/proc/{daemon.popen.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


def _malformed(dice: random.Random) -> bytes:
    word = dice.choice([b"sub power", b"chCur 100", b"en 1", b"unsub", b"q\x01\x02"])
    return dice.choice(
        [
            dice.randbytes(dice.randrange(1, 300)),
            word + dice.randbytes(2) + END,
            word[: dice.randrange(len(word))] + END,
            word + b"x" * 300 + END,
        ]
    )


def test_malformed_input_leaves_daemon_log_and_memory_alone(
    daemon: Daemon, display: LivingDisplay, figure: Callable[[str, object], None]
) -> None:
    dice = random.Random(3)  # noqa: S311  # the same input in every run
    lines, uptime = len(daemon.log.splitlines()), daemon.get("/info")["uptime"]
    memory_kib = 0
    for number in range(FUZZ):
        display.send(_malformed(dice))
        if number == FUZZ // 4:
            memory_kib = _memory_kib(daemon)
    display.send(END + b"unsub" + END + b"\x87" + END)
    open_page(display, "main")
    assert daemon.get("/info")["uptime"] >= uptime
    assert len(daemon.log.splitlines()) - lines < 40
    grown_kib = _memory_kib(daemon) - memory_kib
    figure("grown after malformed input, KiB", grown_kib)
    figure("control passes", daemon.get("/reason")["lateness"])
    assert grown_kib < 4096
