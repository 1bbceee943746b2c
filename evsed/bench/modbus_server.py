"""``python -m evsed.bench.modbus_server FOLDER PORT``: the shipped Modbus service and nothing else.

It shows a charger in maintenance; the work of an answer is the same. Runs until it is killed; the
folder, which keeps its settings, is its starter's.
"""

import asyncio
import sys
from pathlib import Path

from evsed.board.reader import find_board, read_board
from evsed.host.clock import SystemClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.services.modbus.service import ModbusService
from evsed.settings.modbus_access import ModbusAccess
from evsed.settings.store import SettingsStore
from evsed.station.station import ParkedStation


async def serve(port: int, folder: Path) -> None:
    """Serve on a port of this machine until cancelled."""
    board = read_board(find_board("sim"))
    settings = SettingsStore(folder, board)
    await settings.change("modbus", {"tcpEnabled": True})
    operations = Operations(
        station=ParkedStation("nothing but Modbus"),
        settings=settings,
        board=board,
        machine=Machine(simulated=True),
        network=UnmanagedNetwork(),
        clock=SystemClock(),
    )
    await ModbusService(operations, ModbusAccess(address="127.0.0.1", port=port)).serve()


def main() -> None:
    """Be the server."""
    folder, port = sys.argv[1:]
    asyncio.run(serve(int(port), Path(folder)))


if __name__ == "__main__":
    main()
