"""Opens a contactor that was left closed, before anything is loaded that takes time.

The whole program takes a second or more to load on a Pi; the boards and one connection to the pin
daemon a fraction of that (decision 41). Everything else about the start is ``building``'s.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from evsed.board.reader import find_board, read_board
from evsed.errors import EvsedError
from evsed.hardware.pi.safe_off import SafeOff
from evsed.hardware.simulator.launch import Simulator
from evsed.settings.administrator import read_administrator

#: The pin daemon of a Pi. Source: platform.md section 4
PIN_DAEMON: Final = ("localhost", 8888)


def open_what_was_left_closed(
    board: str | None,
    config_file: Path | None,
    simulator_dir: Path | None,
    alone: Callable[[], object],
) -> bool:
    """Open the contactor and set the pilot low; return whether the pin daemon took it all.

    What is wrong with a file or the hardware is found again, and told, by whoever builds the
    daemon.

    Args:
        board: file or name; None: the administrator's.
        config_file: the administrator's file; None for the defaults.
        simulator_dir: where a simulator already runs.
        alone: called before pins of this computer are driven, also where a bad board file leaves
            them to be guessed, but not where a simulator already runs.

    Raises:
        EvsedError: from ``alone``, and from nothing else.
    """
    try:
        found = read_board(find_board(board or read_administrator(config_file).board))
    except EvsedError:
        if simulator_dir is None:
            alone()
        return False
    if found.platform != "sim":
        alone()
        return SafeOff(found, PIN_DAEMON).fresh()
    if simulator_dir is None:
        return True  # the circuit begins with this program, and begins open
    try:
        return SafeOff(found, ("127.0.0.1", Simulator(simulator_dir).pin_port)).fresh()
    except EvsedError:
        return False
