"""``python -m evsed.hardware.simulator --board FILE --dir DIR``."""

import argparse
import shutil
import sys
from pathlib import Path

from evsed.board.reader import read_board
from evsed.errors import BadFileError
from evsed.hardware.simulator.process import run


def main() -> int:
    """Run the simulator for a board."""
    parser = argparse.ArgumentParser(
        prog="python -m evsed.hardware.simulator",
        description="A simulated Pi with the hat of a board file, a vehicle and the mains.",
    )
    parser.add_argument("--board", type=Path, required=True, help="board file")
    parser.add_argument("--dir", type=Path, required=True, help="folder for sockets and files")
    parser.add_argument(
        "--remove-dir", action="store_true", help="remove the folder when the simulator ends"
    )
    options = parser.parse_args()
    try:
        board = read_board(options.board)
    except BadFileError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        run(board, options.dir)
    finally:
        if options.remove_dir:  # whoever made it may have been killed
            shutil.rmtree(options.dir, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
