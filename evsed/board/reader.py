"""Reads a board file into a ``Board``, or says everything that is wrong with it."""

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from evsed.board.description import AcRelay, Board, Pilot
from evsed.board.reading import Reading
from evsed.board.rules import check_rules
from evsed.board.table import BOARD, CONVERTERS, SIM_CONVERTER
from evsed.board.yaml_tree import Node, read_tree
from evsed.errors import BadFileError

T = TypeVar("T")

_FOLDERS: Final = (
    Path(__file__).resolve().parents[2] / "boards",  # the source tree
    Path("/usr/share/evsed/boards"),
)


def find_board(name_or_path: str) -> Path:
    """Return the file of a shipped board's name, or the path as it is.

    Raises:
        BadFileError: no shipped board has that name.
    """
    if "/" in name_or_path or name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    for folder in _FOLDERS:
        path = folder / f"{name_or_path}.yaml"
        if path.is_file():
            return path
    names = sorted(_shipped())
    close = difflib.get_close_matches(name_or_path, names, n=1)
    hint = f", did you mean {close[0]}?" if close else f"; there are {', '.join(names)}"
    raise BadFileError(f"no board is called {name_or_path}{hint}")


def _shipped() -> set[str]:
    return {path.stem for folder in _FOLDERS for path in folder.glob("*.yaml")}


def read_board(path: Path) -> Board:
    """Return the board a file describes.

    Raises:
        BadFileError: one line for each problem: ``file:line:column: key: what``.
    """
    return read_board_checked(path)[0]


class NoBoardError(BadFileError):
    """The file is there and describes nothing, as the package delivers it."""


def read_board_checked(path: Path) -> tuple[Board, tuple[str, ...]]:
    """Return the board a file describes, and a line for each warning.

    Raises:
        BadFileError: one line for each problem: ``file:line:column: key: what``.
    """
    reading, board = _read(path)
    if reading.errors.found or not isinstance(board, Board):
        raise BadFileError("\n".join(reading.errors.lines(path)))
    return _completed(board, reading), reading.warnings.lines(path)


def salvage(path: Path) -> tuple[Pilot | None, AcRelay | None]:
    """Return what maintenance mode may drive: pilot low, contactor open. Never raises.

    A section with any problem of its own, a pin conflict included, is None.
    """
    try:
        reading, _ = _read(path)
    except BadFileError:
        return None, None
    return _sound("pilot", Pilot, reading), _sound("acRelay", AcRelay, reading)


def _read(path: Path) -> tuple[Reading, object]:
    reading = Reading()
    root = read_tree(path, reading.errors)
    if root is None:
        return reading, None
    if root.value is None:
        raise NoBoardError(
            f"{path} describes no hat yet. Copy the description of yours over it "
            f"({', '.join(sorted(_shipped()))} are in /usr/share/evsed/boards), adapt it, then "
            "systemctl restart evsed. Or choose the simulated charger: write board: sim into "
            "/etc/evsed/evsed.yaml."
        )
    if _is_simulated_without_converters(root):
        reading.converters = (SIM_CONVERTER,)
    board = BOARD.read(root, "", reading)
    if reading.converters is None and isinstance(root.value, dict) and "adcs" not in root.value:
        reading.errors.add(root.mark, "adcs", f"is missing, expected {CONVERTERS.wanted}")
    check_rules(reading)
    return reading, board


def _is_simulated_without_converters(root: Node) -> bool:
    if not isinstance(root.value, dict) or "adcs" in root.value:
        return False
    platform = root.value.get("platform")
    return platform is not None and platform.node.value == "sim"


def _completed(board: Board, reading: Reading) -> Board:
    """Fill in the defaults that depend on other sections."""
    watchdog = board.watchdog
    if "watchdog.deadman" not in reading.marks:
        watchdog = replace(watchdog, deadman=board.pilot.pwm != "sysfs")
    return replace(board, adcs=reading.converters or (), watchdog=watchdog)


def _sound(section: str, kind: type[T], reading: Reading) -> T | None:
    """Return a section unless something is wrong with it, or another wants one of its pins."""
    prefixes = (f"{section}.", f"{section}[")
    named = [problem.key for problem in reading.errors.found]
    wrong = any(key == section or key.startswith(prefixes) for key in named)
    own = {use.gpio for use in reading.pins if use.path.startswith(prefixes)}
    others = {use.gpio for use in reading.pins if not use.path.startswith(prefixes)}
    if wrong or reading.errors.more or own & others:
        return None
    return reading.get(section, kind)
