"""Port 8888 of the virtual Pi: passes everything on to the simulator's pin daemon.

A process that can be killed, while the pins, which are the circuit's, stay as they are: like pigpiod.
"""

import asyncio
import contextlib
import socket
from pathlib import Path

PORT = 8888


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
    sink.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    port = int(Path("/run/street/pigpio.port").read_text())
    try:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()
        return
    for one in (writer, behind_writer):
        one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer))


async def main() -> None:
    servers = [await asyncio.start_server(_pass_on, host, PORT) for host in ("127.0.0.1", "::1")]
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
