"""``python -m evsed.bench.pymodbus_server PORT``: pymodbus's own server with constant registers.

The least it can do: no value is looked up anywhere. Runs until it is killed.
"""

import asyncio
import sys

from pymodbus.server import StartAsyncTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def main() -> None:
    """Be the server."""
    registers = SimData(100, count=12, values=7, datatype=DataType.REGISTERS)
    device = SimDevice(id=1, simdata=[registers])
    address = ("127.0.0.1", int(sys.argv[1]))
    asyncio.run(StartAsyncTcpServer(device, address=address))


if __name__ == "__main__":
    main()
