"""Run by a test as a process of its own: charges and refreshes the dead-man until it is killed."""

import sys
import time
from pathlib import Path

from evsed.board.reader import read_board
from evsed.hardware.pi.hat import Wiring, open_hat
from evsed.hardware.simulator.spi_client import SimulatedSpiPort


def main(board_file: str, folder: Path) -> None:
    wiring = Wiring(
        pigpio_host="127.0.0.1",
        pigpio_port=int((folder / "pigpio.port").read_text()),
        open_spi=lambda adc: SimulatedSpiPort(folder / "spi.sock", adc),
        onewire_root=folder / "w1",
        runtime_dir=folder / "run",
    )
    hat = open_hat(read_board(Path(board_file)), wiring)
    hat.dead_man.refresh()
    hat.pilot.pulse(500_000)
    hat.contactor.switch(closed=True)
    while True:
        hat.dead_man.refresh()
        time.sleep(0.02)


main(sys.argv[1], Path(sys.argv[2]))
