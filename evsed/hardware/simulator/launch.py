"""Start the simulator as a process of its own, and find one that runs."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evsed.errors import HardwareError

_READY_WITHIN_S: Final = 15.0
_END_WITHIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Simulator:
    """Where a running simulator is to be found: everything lies below one directory."""

    folder: Path

    @property
    def pin_port(self) -> int:
        """The port of the emulated GPIO daemon.

        Raises:
            HardwareError: there is no simulator in this directory.
        """
        try:
            return int((self.folder / "pigpio.port").read_text())
        except (OSError, ValueError) as error:
            raise HardwareError(f"no simulator runs in {self.folder}: {error}") from error

    @property
    def spi_socket(self) -> Path:
        """The socket that answers for the converters."""
        return self.folder / "spi.sock"

    @property
    def control_socket(self) -> Path:
        """The socket through which somebody acts as the vehicle."""
        return self.folder / "sim.sock"

    @property
    def onewire_root(self) -> Path:
        """The directory tree of the 1-wire bus."""
        return self.folder / "w1"


@contextlib.contextmanager
def launched_simulator(
    board_file: Path, folder: Path, *, remove: bool = False
) -> Iterator[Simulator]:
    """Run a simulator for as long as the context lasts; it outlives a killed parent by 3 s.

    Args:
        board_file: the board.
        folder: where it keeps its sockets.
        remove: have it remove the folder when it ends.

    Raises:
        HardwareError: it did not become ready.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "evsed.hardware.simulator"]
    arguments = ["--board", str(board_file), "--dir", str(folder)]
    arguments += ["--remove-dir"] if remove else []
    # Its own session: a Ctrl-C in the terminal is for the daemon, which still needs its pins.
    with subprocess.Popen(  # noqa: S603  # our own module, no shell
        [*command, *arguments], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            _wait_for(ready, process)
            yield Simulator(folder)
        finally:
            process.terminate()
            try:
                process.wait(_END_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(ready: Path, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + _READY_WITHIN_S
    while not ready.exists():
        if process.poll() is not None:
            raise HardwareError(f"the simulator ended with status {process.returncode}")
        if time.monotonic() > give_up:
            raise HardwareError("the simulator does not become ready")
        time.sleep(0.02)
