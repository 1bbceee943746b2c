"""Boards and stores for tests of the settings."""

from dataclasses import replace

from evsed.board.description import Board
from evsed.board.reader import find_board, read_board
from evsed.settings.store import SettingsStore


def sim_board() -> Board:
    """Return the board on which everything is fitted."""
    return read_board(find_board("sim"))


def bare_board() -> Board:
    """Return a board without any optional section."""
    nothing = dict.fromkeys(("proximity", "socket_lock", "rcm", "energy_meter", "onewire"))
    return replace(sim_board(), **nothing)


def loaded(folder, board: Board | None = None) -> SettingsStore:
    """Return a store that has read its file."""
    store = SettingsStore(folder, board or sim_board())
    store.load()
    return store
