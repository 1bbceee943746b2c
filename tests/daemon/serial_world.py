"""A daemon whose serial ports are pseudo terminals, and what is measured of it."""

import os
import time
from pathlib import Path
from typing import Any

import yaml
from daemon_world import BOARD, Daemon, RunningSimulator
from pty_peer import PtyPeer

LINE = {"baudRate": 115200, "dataBits": "8", "stopBits": "1", "parity": "disable"}
MODES = ("at", "log", "nextion", "modbus", "script")
_TICKS = os.sysconf("SC_CLK_TCK")


def line(mode: str, **changes: object) -> dict[str, Any]:
    """Return an entry of /config/serial."""
    return {"mode": mode, **LINE, **changes}


class WiredDaemon(Daemon):
    """A daemon with two serial ports, and their peers.

    Args:
        folder: for everything.
        simulator: the circuit.
        types: uart or rs485, by port.
        plugged: whether the peers are there at start.
        peers: those of an earlier daemon.
        direction_gpio: the pin that switches the transceiver of the first port.
    """

    def __init__(
        self,
        folder: Path,
        simulator: RunningSimulator,
        *,
        types: tuple[str, str] = ("uart", "uart"),
        plugged: bool = True,
        peers: "list[PtyPeer] | None" = None,
        direction_gpio: int | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.peers = peers or [
            PtyPeer(folder / f"tty{place}", plugged=plugged) for place in range(2)
        ]
        board = yaml.safe_load(BOARD.read_text(encoding="utf-8"))
        board["serials"] = [
            {"type": kind, "name": f"PORT{place}", "device": str(self.peers[place].link)}
            for place, kind in enumerate(types)
        ]
        if direction_gpio is not None:
            board["serials"][0] |= {"direction": "gpio", "directionGpio": direction_gpio}
        file = folder / "board.yaml"
        file.write_text(yaml.safe_dump(board), encoding="utf-8")
        super().__init__(folder, "--board", str(file), simulator=simulator)

    def modes(self, first: dict[str, Any], second: dict[str, Any] | None = None) -> None:
        """Set both ports."""
        self.post("/config/serial", [first, second or line("none")])

    def kill(self) -> None:
        super().kill()
        for peer in self.peers:
            peer.unplug()

    def cpu_s(self) -> float:
        """Return the processor time of the main thread: the event loop's."""
        stat = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/stat").read_text()
        after_name = stat.rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / _TICKS

    def memory_kib(self) -> int:
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.popen.pid}/fd").iterdir()))

    def answer_ms(self, path: str = "/state") -> float:
        """Return how long a request takes."""
        began = time.monotonic()
        self.get(path)
        return (time.monotonic() - began) * 1000
