"""``evsed run``: the daemon. Loading this loads everything the daemon has."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from evsed import __version__, app
from evsed.board.reader import find_board
from evsed.building import Options
from evsed.ending import AGAIN
from evsed.hardware.real_time import lock_memory
from evsed.services.log.panic import PanicLog
from evsed.services.log.ring import LogRing
from evsed.services.log.service import LogService


def run(given: argparse.Namespace, config: Path | None) -> int:
    """Run until the end; return the exit status."""
    options = Options(
        board_file=None if given.board is None else find_board(given.board),
        config_file=config,
        state_dir=given.state_dir,
        http_port=given.http_port,
        modbus_port=given.modbus_port,
        simulator_dir=given.simulator,
        runtime_dir=given.runtime_dir,
        guard=given.guard,
        log=LogService(LogRing(), PanicLog(given.state_dir, __version__)),
    )
    lock_memory()
    with options.log.kept(logging.DEBUG if given.verbose else logging.INFO):
        status = asyncio.run(app.serve(options))
    if status == AGAIN and given.restart_in_place:
        os.execv(sys.executable, [sys.executable, "-m", "evsed", *sys.argv[1:]])  # noqa: S606  # ourselves again
    return status
