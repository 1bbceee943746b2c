"""What both ends of the simulated SPI bus agree on. Apart, so that a daemon loads no circuit."""

import socket
import struct

#: bytes of one conversion, both ways
FRAME = 3
#: total length, bus, chip select, count; see ``spi_server``
REQUEST = struct.Struct("<IBBH")


def read_exactly(connection: socket.socket, count: int) -> bytes | None:
    """Return so many bytes, or None at the end of the stream."""
    parts = b""
    while len(parts) < count:
        part = connection.recv(count - len(parts))
        if not part:
            return None
        parts += part
    return parts
