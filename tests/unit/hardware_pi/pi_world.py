"""The shipped drivers on the simulated circuit, which runs as a process of its own."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from evsed.board.reader import read_board
from evsed.hardware.pi.hat import Wiring
from evsed.hardware.simulator.control_client import SimulatorClient
from evsed.hardware.simulator.spi_client import SimulatedSpiPort

ROOT = Path(__file__).parents[3]
BOARDS = ROOT / "boards"


class World:
    """A running simulator, and what is around the charger."""

    def __init__(self, name, folder):
        self.board_file = BOARDS / f"{name}.yaml"
        self.board = read_board(self.board_file)
        self.folder = folder
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "evsed.hardware.simulator"),
                *("--board", str(self.board_file), "--dir", str(folder)),
            ],
            stdin=subprocess.PIPE,
            cwd=ROOT,
        )
        eventually((folder / "ready").exists, within_s=20)
        self._client = SimulatorClient(folder / "sim.sock")

    @property
    def port(self):
        return int((self.folder / "pigpio.port").read_text())

    def wiring(self, **changes):
        settings = {
            "pigpio_host": "127.0.0.1",
            "pigpio_port": self.port,
            "open_spi": lambda adc: SimulatedSpiPort(self.folder / "spi.sock", adc),
            "onewire_root": self.folder / "w1",
            "runtime_dir": self.folder / "run",
        }
        return Wiring(**settings | changes)

    def get(self):
        return asyncio.run(self._client.get())

    def set(self, **changes):
        asyncio.run(self._client.set(changes))

    def restore(self):
        """Make the world as it was at first."""
        self.set(
            vehicle="none",
            diode=True,
            cable=32,
            maxCurrent=16,
            rcm=False,
            rcmTestOk=True,
            weld=False,
            lockJam=False,
            button=False,
            adcDead=False,
        )

    def level(self, gpio):
        return self.get()["pins"][str(gpio)]

    def end(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdin.close()


def eventually(condition, within_s=15.0):
    """Return the first true answer, asking again for a while."""
    deadline = time.monotonic() + within_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.005)
    return answer
