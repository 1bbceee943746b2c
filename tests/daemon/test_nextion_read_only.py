"""A display on a port that only shows: the administrator's choice."""

from pathlib import Path

from daemon_world import CONFIG, Daemon, RunningSimulator, eventually
from display_world import OTHER, UART, LivingDisplay, board_with

from evsed.hardware.simulator.display_pages import STOCK_PAGES


def test_a_read_only_port_shows_and_never_obeys(folder: Path) -> None:
    config = folder / "evsed.yaml"
    config.write_text(f"{CONFIG.read_text(encoding='utf-8')}\nserial:\n  readOnly: true\n")
    board = board_with(folder / "display", folder)
    options = ("--board", str(board), "--config", str(config))
    with (
        LivingDisplay(folder / "display") as display,
        RunningSimulator(folder / "sim", board) as simulator,
        Daemon(folder, *options, simulator=simulator) as daemon,
    ):
        daemon.ready().post("/config/serial", [UART | {"mode": "nextion"}, OTHER])
        eventually(lambda: display.shown.keys() == set(STOCK_PAGES["main"]))
        before = daemon.get("/state")
        display.do(lambda device: device.shown.update(chCur=70, en=0))
        for words in ("chCur 70", "en 0", "avail 0", "reboot"):
            display.do(lambda device: device.press(words))  # noqa: B023  # done at once
        eventually(lambda: (display.shown["chCur"], display.shown["en"]) == (320, 1))
        after = daemon.get("/state")
        assert (after["chargingCurrent"], after["enabled"]) == (before["chargingCurrent"], True)
        assert after["available"] is True
